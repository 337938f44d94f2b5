/* SPDX-License-Identifier: MIT */
/* Mapping slots into the guest. */
#include "mem/slot_map.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/error.h"

/* The most pages that KVM allows a slot: KVM_MEM_MAX_NR_PAGES. */
static const uint64_t max_slot_pages = (1ULL << 31) - 1;

/* Notes no message. */
static int ask_kvm(struct keg_vm *vm, uint32_t number, const struct keg_slot_entry *entry)
{
	struct kvm_userspace_memory_region region = {
		.slot = number,
		.flags = entry->flags,
		.guest_phys_addr = entry->gpa,
		.memory_size = entry->mapped ? entry->bytes : 0,
		.userspace_addr = (uintptr_t)entry->host,
	};

	return keg_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, (uintptr_t)&region);
}

static int tell_kvm(struct keg_vm *vm, uint32_t number, const struct keg_slot_entry *entry)
{
	int rc = ask_kvm(vm, number, entry);

	if (rc >= 0)
		return 0;
	/* How arm64's KVM says it; x86's says EINVAL. */
	if (rc == -EFAULT)
		return keg_fail(EINVAL,
			"memory slot %u, 0x%" PRIx64 " bytes at 0x%" PRIx64
			": beyond the guest's physical addresses",
			number, entry->bytes, entry->gpa);
	rc = keg_vm_request_failed(vm, rc, "KVM_SET_USER_MEMORY_REGION");
	return keg_fail_within(rc, "memory slot %u, 0x%" PRIx64 " bytes at 0x%" PRIx64, number,
		entry->bytes, entry->gpa);
}

int keg_slot_unmap_locked(struct keg_vm *vm, struct keg_slots *slots, uint32_t number)
{
	struct keg_slot_entry *entry = &slots->entries[number];
	struct keg_slot_entry gone = *entry;
	int rc;

	if (!entry->mapped)
		return 0;
	gone.mapped = false;
	gone.flags = 0;
	rc = tell_kvm(vm, number, &gone);
	if (rc)
		return rc;
	keg_ranges_remove(&slots->mapped, entry->gpa);
	entry->mapped = false;
	return 0;
}

/* Everything about a mapping that can be wrong on its own. */
static int check_mapping(const struct keg_slot_entry *want, uint32_t number)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	const uint32_t known = KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY;

	if (!want->host || (uintptr_t)want->host % page)
		return keg_fail(EINVAL, "memory slot %u: the host address %p is not page-aligned",
			number, (void *)want->host);
	if (want->gpa % page)
		return keg_fail(EINVAL,
			"memory slot %u: the guest address 0x%" PRIx64 " is not page-aligned",
			number, want->gpa);
	if (!keg_range_valid(want->gpa, want->bytes) ||
		!keg_range_valid((uintptr_t)want->host, want->bytes))
		return keg_fail(EINVAL,
			"memory slot %u: 0x%" PRIx64 " bytes at 0x%" PRIx64 " wrap around", number,
			want->bytes, want->gpa);
	if (want->bytes / page > max_slot_pages)
		return keg_fail(EINVAL, "memory slot %u: KVM allows a slot %" PRIu64 " pages",
			number, max_slot_pages);
	if (want->flags & ~known)
		return keg_fail(
			EINVAL, "memory slot %u: unknown flags 0x%x", number, want->flags & ~known);
	return 0;
}

/* Refuses a guest range that another slot has. */
static int check_overlap(
	struct keg_slots *slots, const struct keg_slot_entry *want, uint32_t number)
{
	keg_gpa address = want->gpa, last = want->gpa + (want->bytes - 1);
	struct keg_range other;

	while (keg_ranges_overlap(&slots->mapped, address, last, &other)) {
		uint32_t in_the_way = (uint32_t)(uintptr_t)other.value;

		if (in_the_way != number)
			return keg_fail(EEXIST,
				"memory slot %u at [0x%" PRIx64 ", 0x%" PRIx64
				"] overlaps slot %u at [0x%" PRIx64 ", 0x%" PRIx64 "]",
				number, want->gpa, last, in_the_way, other.first, other.last);
		if (other.last >= last)
			break;
		address = other.last + 1;
	}
	return 0;
}

/* Only a slot's dirty logging can be changed in place; the rest needs it to go first. */
static bool changes_in_place(const struct keg_slot_entry *now, const struct keg_slot_entry *want)
{
	return now->mapped && now->host == want->host && now->gpa == want->gpa &&
	       !((now->flags ^ want->flags) & ~(uint32_t)KVM_MEM_LOG_DIRTY_PAGES);
}

static int map_locked(struct keg_vm *vm, struct keg_slots *slots, uint32_t number,
	const struct keg_slot_entry *want)
{
	struct keg_slot_entry *entry = &slots->entries[number];
	struct keg_range range = {
		want->gpa, want->gpa + (want->bytes - 1), (void *)(uintptr_t)number};
	bool in_place = changes_in_place(entry, want);
	int rc = check_overlap(slots, want, number);

	if (rc)
		return rc;
	if (!in_place) {
		rc = keg_slot_unmap_locked(vm, slots, number);
		if (rc)
			return rc;
		rc = keg_ranges_insert(&slots->mapped, &range, &(struct keg_range){0});
		if (rc)
			return keg_fail_errno(-rc, "mapping memory slot %u", number);
	}
	rc = tell_kvm(vm, number, want);
	if (!rc)
		*entry = *want;
	else if (!in_place)
		keg_ranges_remove(&slots->mapped, want->gpa);
	return rc;
}

/* Gives the guest back what it had of a slot before a mapping that failed. */
static void restore(struct keg_vm *vm, struct keg_slots *slots, uint32_t number,
	const struct keg_slot_entry *before)
{
	struct keg_range range = {
		before->gpa, before->gpa + (before->bytes - 1), (void *)(uintptr_t)number};
	struct keg_range other;

	/* There is room: it was there a moment ago. What the kernel says now is not the failure. */
	if (keg_ranges_insert(&slots->mapped, &range, &other))
		return;
	if (ask_kvm(vm, number, before) < 0)
		keg_ranges_remove(&slots->mapped, before->gpa);
	else
		slots->entries[number] = *before;
}

static int map_checked(struct keg_vm *vm, struct keg_slots *slots, struct keg_slot slot,
	const struct keg_slot_entry *request)
{
	struct keg_slot_entry *entry = keg_slots_entry(slots, slot);
	struct keg_slot_entry want = *request, before;
	int rc;

	if (!entry)
		return -ESTALE;
	want.bytes = entry->bytes;
	want.serial = entry->serial;
	rc = check_mapping(&want, slot.number);
	if (rc)
		return rc;
	before = *entry;
	rc = map_locked(vm, slots, slot.number, &want);
	if (rc && before.mapped && !entry->mapped)
		restore(vm, slots, slot.number, &before);
	return rc;
}

int keg_slot_map(struct keg_vm *vm, struct keg_slot slot, void *host, keg_gpa gpa, uint32_t flags)
{
	const struct keg_slot_entry request = {
		.host = host, .gpa = gpa, .flags = flags, .mapped = true};
	struct keg_slots *slots;
	int rc = keg_slots_get(vm, &slots);

	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = map_checked(vm, slots, slot, &request);
	pthread_mutex_unlock(&slots->lock);
	return rc;
}

int keg_slot_unmap(struct keg_vm *vm, struct keg_slot slot)
{
	struct keg_slots *slots;
	int rc = keg_slots_get(vm, &slots);

	if (rc)
		return rc;
	pthread_mutex_lock(&slots->lock);
	rc = keg_slots_entry(slots, slot) ? keg_slot_unmap_locked(vm, slots, slot.number) : -ESTALE;
	pthread_mutex_unlock(&slots->lock);
	return rc;
}
