/* SPDX-License-Identifier: MIT */
/* The arena of a sandbox's pages: taken from machines, given back, and shown to machines. */
#include <errno.h>
#include <sys/mman.h>

#include <keg/slot.h>

#include "user/pages_inside.h"

/* So much of what is free stays backed by the host: it is used again sooner than it is made. */
static const uint32_t most_stale = 64u << (20 - KEG_PAGE_SHIFT);

/* A host that may not split its mapping any more (vm.max_map_count) can still change all of it. */
static bool permit(struct keg_pages *pages, keg_page first, uint32_t count, int protection)
{
	return mprotect(keg_pages_host(pages, first), (size_t)count << KEG_PAGE_SHIFT,
		       protection) == 0 ||
	       mprotect(pages->base, (size_t)pages->total << KEG_PAGE_SHIFT, protection) == 0;
}

/*
 * KVM's notifier is called when permissions change, whichever they are. Taking one away, if for a
 * moment only, would hurt threads of keg that write elsewhere in the range, and vCPUs: so one is
 * added and taken away, that nothing needs. What could not be taken away is not added the next
 * time, and nothing changes then: that is a failure, too.
 */
static void toggle(struct keg_pages *pages, keg_page first, uint32_t count)
{
	if (!permit(pages, first, count, PROT_READ | PROT_WRITE | PROT_EXEC) ||
		!permit(pages, first, count, PROT_READ | PROT_WRITE))
		atomic_store(&pages->unsound, errno);
}

int keg_pages_unsound(const struct keg_pages *pages)
{
	return atomic_load_explicit(&pages->unsound, memory_order_relaxed);
}

void keg_pages_forget(struct keg_pages *pages, keg_page first, uint32_t count)
{
	if (!keg_pages_clip(pages, first, &count))
		return;
	/* One at a time: the second of two that overlap would find nothing to change. */
	pthread_mutex_lock(&pages->lock);
	toggle(pages, first, count);
	pthread_mutex_unlock(&pages->lock);
}

/* Whether the next release of the page is the last one. */
static bool is_last(const struct keg_pages *pages, keg_page page)
{
	return atomic_load(&pages->references[page]) == 1;
}

static void drop(struct keg_pages *pages, keg_page page)
{
	const uint32_t had = atomic_load(&pages->references[page]);

	if (had != 0 && had != UINT32_MAX)
		atomic_store(&pages->references[page], had - 1);
}

static void make_free(struct keg_pages *pages, keg_page first, uint32_t count, bool touched)
{
	keg_bits_fill(pages->taken, first, count, false);
	pages->used -= count;
	if (touched)
		pages->stale += count;
	else
		keg_bits_fill(pages->touched, first, count, false);
	if (first < pages->hint)
		pages->hint = first;
}

/* Pages that nobody has any more; forgotten by machines, unless that is to be done here. */
static void free_run(struct keg_pages *pages, keg_page first, uint32_t count, bool forget)
{
	uint8_t *at = keg_pages_host(pages, first);

	if (pages->stale + count > most_stale &&
		madvise(at, (size_t)count << KEG_PAGE_SHIFT, MADV_DONTNEED) == 0) {
		keg_bits_fill(pages->whole, first / KEG_LARGE,
			(first + count - 1) / KEG_LARGE - first / KEG_LARGE + 1, false);
		make_free(pages, first, count, false);
		return;
	}
	if (forget)
		toggle(pages, first, count);
	/* A program may still reach it: nobody gets it any more. */
	if (keg_pages_unsound(pages) == 0)
		make_free(pages, first, count, true);
}

static void release(struct keg_pages *pages, keg_page first, uint32_t count, bool forget)
{
	if (!keg_pages_clip(pages, first, &count))
		return;
	pthread_mutex_lock(&pages->lock);
	for (const keg_page end = first + count; first < end;) {
		const bool last = is_last(pages, first);
		keg_page until = first;

		while (until < end && is_last(pages, until) == last)
			drop(pages, until++);
		if (last)
			free_run(pages, first, until - first, forget);
		else if (forget)
			toggle(pages, first, until - first);
		first = until;
	}
	pthread_mutex_unlock(&pages->lock);
}

void keg_pages_release(struct keg_pages *pages, keg_page first, uint32_t count)
{
	release(pages, first, count, false);
}

void keg_pages_give_back(struct keg_pages *pages, keg_page first, uint32_t count)
{
	release(pages, first, count, true);
}

/* ---- Machines' slots ---- */

/* Chunks of 16, 16, 32, 64 … MiB. */
enum { CHUNK_SHIFT = 24 - KEG_PAGE_SHIFT };

static uint32_t chunk_of(keg_page page)
{
	const uint32_t unit = page >> CHUNK_SHIFT;

	return unit == 0 ? 0 : 32 - (uint32_t)__builtin_clz(unit);
}

static int cover_range(struct keg_pages *pages, struct keg_vm *vm, keg_page first, uint32_t count)
{
	struct keg_slot slot;
	int result;

	if (!keg_pages_clip(pages, first, &count))
		return 0;
	result = keg_slot_alloc(vm, (uint64_t)count << KEG_PAGE_SHIFT, &slot);
	if (result != 0)
		return result;
	result = keg_slot_map(
		vm, slot, keg_pages_host(pages, first), (keg_gpa)first << KEG_PAGE_SHIFT, 0);
	if (result != 0)
		keg_slot_free(vm, slot);
	return result;
}

static int cover_chunk(struct keg_pages *pages, struct keg_vm *vm, uint32_t chunk)
{
	const keg_page first = chunk == 0 ? 0 : 1u << (CHUNK_SHIFT + chunk - 1);
	const uint32_t count = chunk == 0 ? 1u << CHUNK_SHIFT : first;
	const keg_page hole = KEG_LOCAL_APIC >> KEG_PAGE_SHIFT;
	int result;

	if (hole < first || hole - first >= count)
		return cover_range(pages, vm, first, count);
	result = cover_range(pages, vm, first, hole - first);
	return result ? result : cover_range(pages, vm, hole + 1, count - (hole - first) - 1);
}

int keg_pages_cover(struct keg_pages *pages, struct keg_vm *vm, uint32_t *chunks, keg_page first,
	uint32_t count)
{
	if (!keg_pages_clip(pages, first, &count))
		return -EFAULT;
	for (uint32_t chunk = chunk_of(first); chunk <= chunk_of(first + count - 1); chunk++) {
		int result = 0;

		if (!(*chunks >> chunk & 1))
			result = cover_chunk(pages, vm, chunk);
		if (result != 0)
			return result;
		*chunks |= 1u << chunk;
	}
	return 0;
}
