/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: the kernel's own idea of a machine's memory.
 *
 * A slot joins a range of the guest's physical addresses to memory of this process. Most programs
 * declare regions (mem.h) and never see a slot; this is for those who manage slots themselves. Both
 * can be used in one machine: they draw from the same pool.
 *
 * Threads: any thread at any time. Taking and giving back a slot costs the same however many
 * there are; mapping one searches the mapped ones in O(log n).
 */
#ifndef KEG_SLOT_H
#define KEG_SLOT_H

#include <keg/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A slot. Not a number, so that it cannot be mistaken for one. The serial tells a slot that was
 * freed from the one that took its place. { 0 } is no slot.
 */
struct keg_slot {
	uint32_t number; /* as KVM counts them, from 0 */
	uint32_t serial; /* never 0 in a slot */
};

/*
 * Takes a free slot for `bytes` of memory (a multiple of 4096, not 0). Nothing reaches the kernel.
 * -EINVAL  the size is 0 or no multiple of a page
 * -ENOSPC  all slots are taken; the message says how many there are
 * -ENOMEM
 */
KEG_API int keg_slot_alloc(struct keg_vm *vm, uint64_t bytes, struct keg_slot *slot);

/*
 * Maps a slot: its bytes at `host` appear to the guest at `gpa`. `flags` are KVM_MEM_ flags:
 * KVM_MEM_READONLY, KVM_MEM_LOG_DIRTY_PAGES. The host memory stays the caller's, and must last
 * until the slot is unmapped. A mapped slot may be mapped again: with or without logging in place,
 * elsewhere or with other flags after an unmapping that happens inside.
 * -EINVAL  an address is not page-aligned, a range wraps or is beyond the machine's addresses,
 *          there are more than 2^31 - 1 pages, or flags that KVM does not know
 * -EEXIST  the guest range overlaps that of another slot; the message names both
 * -ESTALE  the slot was freed
 * -ENOMEM, and what KVM says
 */
KEG_API int keg_slot_map(
	struct keg_vm *vm, struct keg_slot slot, void *host, keg_gpa gpa, uint32_t flags);

/* Takes the slot's memory away from the guest; harmless when it is not mapped. -ESTALE as above. */
KEG_API int keg_slot_unmap(struct keg_vm *vm, struct keg_slot slot);

/* Unmaps if need be, and gives the slot back. -ESTALE as above. */
KEG_API int keg_slot_free(struct keg_vm *vm, struct keg_slot slot);

/* ---- Which pages were written ---- */

/*
 * The dirty bitmap of a slot that is mapped with KVM_MEM_LOG_DIRTY_PAGES: bit i of word i / 64 is
 * page i. `words` is how many fit, and must be at least one for each 64 pages (rounded up). Reading
 * clears the log and protects the pages again, unless keg_vm_manual_dirty_protect() is in force.
 * -E2BIG the bitmap is too small; -ENOENT the slot is not mapped with logging
 */
KEG_API int keg_slot_get_dirty(
	struct keg_vm *vm, struct keg_slot slot, uint64_t *bitmap, size_t words);

/*
 * With manual protection, reading the log changes nothing; this clears the dirty state of the pages
 * of [first, first + count) whose bits are set (bit 0 is page `first`). `first` is a multiple of
 * 64, and so is `count` unless it reaches the slot's end.
 */
KEG_API int keg_slot_clear_dirty(struct keg_vm *vm, struct keg_slot slot, const uint64_t *bitmap,
	uint64_t first, uint32_t count);

/*
 * Turns manual protection on for slots that log from now on: pages that are written all the time
 * can then be left unprotected, at a fraction of the cost. -ENOTSUP where KVM lacks
 * KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2.
 */
KEG_API int keg_vm_manual_dirty_protect(struct keg_vm *vm);

#ifdef __cplusplus
}
#endif

#endif
