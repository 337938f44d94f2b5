/* SPDX-License-Identifier: MIT */
/* A vCPU's MSRs and CPUID: lists that KVM may take in part only. */
#include <keg/x86.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kvm/vcpu.h"

/* ---- MSRs ---- */

/* What KVM takes at a time: it refuses MAX_IO_MSRS, which is 256. */
enum { MSRS_AT_A_TIME = 255 };

/* What went wrong when KVM did `done` of the `count` MSRs that it was given. */
static int msrs_refused(
	const struct keg_vcpu *vcpu, const char *verb, const struct kvm_msr_entry *entry)
{
	return keg_fail(EPERM, "KVM refuses to %s MSR 0x%x of vCPU %u (value 0x%llx)", verb,
		entry->index, vcpu->id, (unsigned long long)entry->data);
}

static int get_some(
	struct keg_vcpu *vcpu, struct kvm_msrs *msrs, struct kvm_msr_entry *entries, uint32_t count)
{
	int rc;

	msrs->nmsrs = count;
	memcpy(msrs->entries, entries, count * sizeof(*entries));
	rc = keg_vcpu_request(vcpu, KVM_GET_MSRS, msrs);
	if (rc < 0)
		return rc;
	memcpy(entries, msrs->entries, (size_t)rc * sizeof(*entries));
	return (uint32_t)rc == count ? 0 : msrs_refused(vcpu, "read", &entries[rc]);
}

static int set_some(struct keg_vcpu *vcpu, struct kvm_msrs *msrs,
	const struct kvm_msr_entry *entries, uint32_t count)
{
	int rc;

	msrs->nmsrs = count;
	memcpy(msrs->entries, entries, count * sizeof(*entries));
	rc = keg_vcpu_change(vcpu, KVM_SET_MSRS, msrs);
	if (rc < 0)
		return rc;
	return (uint32_t)rc == count ? 0 : msrs_refused(vcpu, "write", &entries[rc]);
}

static struct kvm_msrs *msr_buffer(size_t count)
{
	struct kvm_msrs *msrs;

	if (count > MSRS_AT_A_TIME)
		count = MSRS_AT_A_TIME;
	msrs = calloc(1, sizeof(*msrs) + count * sizeof(msrs->entries[0]));
	if (!msrs)
		keg_fail_errno(ENOMEM, "transferring MSRs");
	return msrs;
}

static uint32_t batch(size_t left)
{
	return left < MSRS_AT_A_TIME ? (uint32_t)left : MSRS_AT_A_TIME;
}

int keg_vcpu_get_msrs(struct keg_vcpu *vcpu, struct kvm_msr_entry *entries, size_t count)
{
	struct kvm_msrs *msrs = msr_buffer(count);
	int rc = msrs ? 0 : -ENOMEM;

	for (size_t done = 0; !rc && done < count; done += batch(count - done))
		rc = get_some(vcpu, msrs, entries + done, batch(count - done));
	free(msrs);
	return rc;
}

int keg_vcpu_set_msrs(struct keg_vcpu *vcpu, const struct kvm_msr_entry *entries, size_t count)
{
	struct kvm_msrs *msrs = msr_buffer(count);
	int rc = msrs ? 0 : -ENOMEM;

	for (size_t done = 0; !rc && done < count; done += batch(count - done))
		rc = set_some(vcpu, msrs, entries + done, batch(count - done));
	free(msrs);
	return rc;
}

/* ---- CPUID ---- */

/* KVM_MAX_CPUID_ENTRIES. */
enum { MOST_LEAVES = 256 };

static int cpuid_buffer(size_t count, struct kvm_cpuid2 **cpuid)
{
	*cpuid = calloc(1, sizeof(**cpuid) + count * sizeof((*cpuid)->entries[0]));
	if (!*cpuid)
		return keg_fail_errno(ENOMEM, "transferring CPUID leaves");
	(*cpuid)->nent = (uint32_t)count;
	return 0;
}

int keg_vcpu_set_cpuid(struct keg_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, size_t count)
{
	struct kvm_cpuid2 *cpuid;
	int rc;

	if (count > MOST_LEAVES)
		return keg_fail(E2BIG, "%zu CPUID leaves: KVM takes %d", count, MOST_LEAVES);
	rc = cpuid_buffer(count, &cpuid);
	if (rc)
		return rc;
	if (count)
		memcpy(cpuid->entries, entries, count * sizeof(*entries));
	rc = keg_vcpu_change(vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
	return rc < 0 ? rc : 0;
}

/* What a leaf's bytes are before KVM has written it; no leaf has such contents. */
enum { UNTOUCHED = 0xff };

/* How many leaves KVM has written: older kernels leave `nent` as it was. */
static size_t count_leaves(const struct kvm_cpuid2 *cpuid)
{
	struct kvm_cpuid_entry2 untouched;
	size_t count = cpuid->nent < MOST_LEAVES ? cpuid->nent : MOST_LEAVES;

	memset(&untouched, UNTOUCHED, sizeof(untouched));
	while (count && !memcmp(&cpuid->entries[count - 1], &untouched, sizeof(untouched)))
		count--;
	return count;
}

int keg_vcpu_get_cpuid(struct keg_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, size_t *count)
{
	struct kvm_cpuid2 *cpuid;
	size_t room = *count;
	int rc = cpuid_buffer(MOST_LEAVES, &cpuid);

	if (rc)
		return rc;
	memset(cpuid->entries, UNTOUCHED, MOST_LEAVES * sizeof(cpuid->entries[0]));
	rc = keg_vcpu_request(vcpu, KVM_GET_CPUID2, cpuid);
	if (rc >= 0) {
		*count = count_leaves(cpuid);
		if (*count > room)
			rc = keg_fail(E2BIG,
				"vCPU %u has %zu CPUID leaves, and there is room for %zu", vcpu->id,
				*count, room);
		else if (*count)
			memcpy(entries, cpuid->entries, *count * sizeof(*entries));
	}
	free(cpuid);
	return rc < 0 ? rc : 0;
}
