/* SPDX-License-Identifier: MIT */
/* What KVM can do: any extension by number, and those that have a name here. */
#include "kvm/host.h"

int keg_host_check_extension(struct keg_host *host, int extension)
{
	return keg_host_request(host, KVM_CHECK_EXTENSION, extension);
}

/* An extension's number, or 0 when the question fails. */
static int answer(struct keg_host *host, int extension)
{
	int rc = keg_host_check_extension(host, extension);

	return rc > 0 ? rc : 0;
}

#define NAMED_CAPABILITY(name, extension)                                                          \
	bool keg_host_has_##name(struct keg_host *host)                                            \
	{                                                                                          \
		return answer(host, extension) > 0;                                                \
	}

NAMED_CAPABILITY(user_memory, KVM_CAP_USER_MEMORY)
NAMED_CAPABILITY(tss_address, KVM_CAP_SET_TSS_ADDR)
NAMED_CAPABILITY(extended_cpuid, KVM_CAP_EXT_CPUID)
NAMED_CAPABILITY(user_nmi, KVM_CAP_USER_NMI)
NAMED_CAPABILITY(one_reg, KVM_CAP_ONE_REG)
NAMED_CAPABILITY(irqchip, KVM_CAP_IRQCHIP)
NAMED_CAPABILITY(vcpu_events, KVM_CAP_VCPU_EVENTS)
NAMED_CAPABILITY(xsave, KVM_CAP_XSAVE)
NAMED_CAPABILITY(debug_registers, KVM_CAP_DEBUGREGS)
NAMED_CAPABILITY(xcrs, KVM_CAP_XCRS)

int keg_host_coalesced_mmio_page(struct keg_host *host)
{
	return host->coalesced_page;
}

int keg_host_memory_slot_count(struct keg_host *host)
{
	return answer(host, KVM_CAP_NR_MEMSLOTS);
}

/* KVM API, "KVM_CREATE_VCPU": what to assume when KVM does not tell. */
enum { UNTOLD_VCPUS = 4 };

/* The extensions that tell each limit, best first: the first that KVM knows counts. */
static const int vcpu_limits[] = {KVM_CAP_MAX_VCPU_ID, KVM_CAP_MAX_VCPUS, KVM_CAP_NR_VCPUS};
enum { ID_LIMIT, COUNT_LIMIT, LIMITS = sizeof(vcpu_limits) / sizeof(vcpu_limits[0]) };

static int vcpu_limit(struct keg_host *host, int best)
{
	for (int i = best; i < LIMITS; i++) {
		int rc = keg_host_check_extension(host, vcpu_limits[i]);

		if (rc)
			return rc;
	}
	return UNTOLD_VCPUS;
}

int keg_host_vcpu_limit(struct keg_host *host)
{
	return vcpu_limit(host, COUNT_LIMIT);
}

int keg_host_vcpu_id_limit(struct keg_host *host)
{
	return vcpu_limit(host, ID_LIMIT);
}

int keg_host_recommended_vcpus(struct keg_host *host)
{
	int count = answer(host, KVM_CAP_NR_VCPUS);

	return count ? count : UNTOLD_VCPUS;
}

int keg_host_max_vcpus(struct keg_host *host)
{
	int count = answer(host, KVM_CAP_MAX_VCPUS);

	return count ? count : keg_host_recommended_vcpus(host);
}

int keg_host_max_vcpu_id(struct keg_host *host)
{
	int count = answer(host, KVM_CAP_MAX_VCPU_ID);

	return count ? count : keg_host_max_vcpus(host);
}
