/* SPDX-License-Identifier: MIT */
/* The arena of a sandbox's pages: taking them, and counting who has them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "user/pages_inside.h"
#include "user/time.h"

/* <linux/mman.h>, since Linux 5.14. */
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static const uint32_t most_pages = 1u << 28; /* a TiB: guest-physical addresses have 40 bits */
static const size_t large_bytes = (size_t)KEG_LARGE << KEG_PAGE_SHIFT;

/* Maps the arena at a multiple of a large page, as large pages need: more, then cut. */
static int map_arena(struct keg_pages *pages)
{
	const size_t bytes = (size_t)pages->total << KEG_PAGE_SHIFT;
	uint8_t *all = mmap(NULL, bytes + large_bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before;

	if (all == MAP_FAILED)
		return keg_fail_errno(errno, "mapping 0x%zx bytes for a sandbox", bytes);
	before = -(uintptr_t)all & (large_bytes - 1);
	if (before != 0)
		munmap(all, before);
	munmap(all + before + bytes, large_bytes - before);
	pages->base = all + before;
	/* A huge page is made sooner than fifty small ones, and given out in small ones, too. */
	madvise(pages->base, bytes, MADV_HUGEPAGE);
	return 0;
}

/* keg_pages_forget() turns this permission on and off; where a policy of the host's forbids that,
 * it is better to know now. */
static int try_forgetting(struct keg_pages *pages)
{
	if (mprotect(pages->base, KEG_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) != 0 ||
		mprotect(pages->base, KEG_PAGE, PROT_READ | PROT_WRITE) != 0)
		return keg_fail_errno(errno,
			"changing what is permitted of a sandbox's memory, which makes KVM forget "
			"its translations");
	return 0;
}

int keg_pages_create(uint64_t limit, struct keg_pages **made)
{
	const uint64_t count = limit >> KEG_PAGE_SHIFT;
	struct keg_pages *pages;
	int result;

	if (count < 16 || count > most_pages)
		return keg_fail(EINVAL, "a sandbox of 0x%llx bytes: 64 KiB to 1 TiB it may have",
			(unsigned long long)limit);
	pages = calloc(1, sizeof(*pages));
	if (!pages)
		return keg_fail(ENOMEM, "making a sandbox's memory");
	result = pthread_mutex_init(&pages->lock, NULL);
	if (result) {
		free(pages);
		return keg_fail_errno(result, "making the lock of a sandbox's memory");
	}
	pages->limit = (uint32_t)count;
	/* A block more than the limit: page 0 is not for use, and runs and large pages need room.
	 */
	pages->total = ((uint32_t)count + 2 * KEG_LARGE - 1) / KEG_LARGE * KEG_LARGE;
	pages->references = calloc(pages->total, sizeof(*pages->references));
	pages->taken = calloc(pages->total / 64, sizeof(uint64_t));
	pages->touched = calloc(pages->total / 64, sizeof(uint64_t));
	pages->whole = calloc(pages->total / KEG_LARGE / 64 + 1, sizeof(uint64_t));
	result = pages->references && pages->taken && pages->touched && pages->whole
			 ? map_arena(pages)
			 : keg_fail(ENOMEM, "making a sandbox's memory");
	if (result == 0)
		result = try_forgetting(pages);
	if (result != 0) {
		keg_pages_destroy(pages);
		return result;
	}
	pages->taken[0] = 1;
	if (pages->total > KEG_LOCAL_APIC >> KEG_PAGE_SHIFT)
		keg_bits_fill(pages->taken, KEG_LOCAL_APIC >> KEG_PAGE_SHIFT, 1, true);
	pages->hint = 1;
	*made = pages;
	return 0;
}

void keg_pages_destroy(struct keg_pages *pages)
{
	if (!pages)
		return;
	if (pages->base)
		munmap(pages->base, (size_t)pages->total << KEG_PAGE_SHIFT);
	free(pages->references);
	free(pages->taken);
	free(pages->touched);
	free(pages->whole);
	pthread_mutex_destroy(&pages->lock);
	free(pages);
}

void keg_pages_set_reclaimer(struct keg_pages *pages, keg_pages_reclaimer *reclaim, void *context)
{
	pthread_mutex_lock(&pages->lock);
	pages->reclaim = reclaim;
	pages->reclaim_context = context;
	pthread_mutex_unlock(&pages->lock);
}

/* ---- Taking ---- */

/* Enough to split all large pages that there can be, and some more. */
static uint32_t kept_for_tables(const struct keg_pages *pages)
{
	const uint32_t wanted = pages->limit / KEG_LARGE + 16;

	return wanted < pages->limit / 4 ? wanted : pages->limit / 4;
}

static keg_page reserve(struct keg_pages *pages, uint32_t count, bool large, uint32_t limit)
{
	keg_page first;

	if (pages->used > limit || count > limit - pages->used)
		return 0;
	first = large ? keg_pages_find_large(pages) : keg_pages_find_run(pages, count);
	if (first == 0)
		return 0;
	keg_bits_fill(pages->taken, first, count, true);
	pages->used += count;
	if (pages->used > pages->highest)
		pages->highest = pages->used;
	return first;
}

/*
 * A huge page takes 0.1 ms to be made, as a rule. But a host that is a guest itself may have given
 * its memory back to its own host as long as nobody used it (virtio 1.2, 5.5: free page reporting),
 * and waits some 5 ms for a huge page to be there again; or it has to make room by moving others.
 * Small ones come from what has just been in use: those it is from then on.
 */
static void judge(struct keg_pages *pages, uint64_t took_ns)
{
	const uint64_t dear_ns = 2000000;

	if (took_ns < dear_ns || atomic_exchange(&pages->small, true))
		return;
	madvise(pages->base, (size_t)pages->total << KEG_PAGE_SHIFT, MADV_NOHUGEPAGE);
}

static bool back(struct keg_pages *pages, keg_page first, uint32_t count)
{
	const size_t bytes = (size_t)count << KEG_PAGE_SHIFT;
	uint8_t *at = keg_pages_host(pages, first);

	if (madvise(at, bytes, MADV_POPULATE_WRITE) == 0)
		return true;
	if (errno != EINVAL)
		return false;
	for (size_t i = 0; i < bytes; i += KEG_PAGE)
		*(volatile uint8_t *)(at + i) = 0;
	return true;
}

/* Notes that a huge page has come for the first pages of a block: it backs the others, too. */
static void note_whole(struct keg_pages *pages, keg_page first)
{
	const uint32_t block = first / KEG_LARGE;
	unsigned char resident[KEG_LARGE];

	if (keg_bits_find(pages->touched, block * KEG_LARGE, (block + 1) * KEG_LARGE, true) !=
			(block + 1) * KEG_LARGE ||
		mincore(keg_pages_host(pages, block * KEG_LARGE), large_bytes, resident) != 0)
		return;
	for (uint32_t i = 0; i < KEG_LARGE; i++) {
		if (!(resident[i] & 1))
			return;
	}
	keg_bits_fill(pages->whole, block, 1, true);
}

/* Has the host back pages that it does not back yet, and that are zero therefore. */
static bool populate(struct keg_pages *pages, keg_page first, uint32_t count)
{
	const uint32_t end = (first + count - 1) / KEG_LARGE + 1;
	uint64_t began;
	bool backed;

	if (keg_bits_find(pages->whole, first / KEG_LARGE, end, false) == end)
		return true;
	if (atomic_load_explicit(&pages->small, memory_order_relaxed))
		return back(pages, first, count);
	began = keg_clock_ns(CLOCK_THREAD_CPUTIME_ID);
	backed = back(pages, first, count);
	judge(pages, keg_clock_ns(CLOCK_THREAD_CPUTIME_ID) - began);
	if (backed)
		note_whole(pages, first + count - 1);
	return backed;
}

/* Zero pages, backed by the host, of those reserved: nobody else has them. */
static bool prepare(struct keg_pages *pages, keg_page first, uint32_t count, bool large)
{
	const keg_page end = first + count;
	uint8_t *host = keg_pages_host(pages, first);

	if (large) {
		keg_bits_fill(pages->whole, first / KEG_LARGE, 1, false);
		/* What is backed by small pages must go first, to be backed by a huge one. */
		if (keg_bits_find(pages->touched, first, end, true) != end &&
			madvise(host, large_bytes, MADV_DONTNEED) != 0)
			return false;
		return populate(pages, first, count);
	}
	while (first < end) {
		const bool touched = keg_bit(pages->touched, first);
		const keg_page until = keg_bits_find(pages->touched, first, end, !touched);

		host = keg_pages_host(pages, first);
		if (touched)
			memset(host, 0, (size_t)(until - first) << KEG_PAGE_SHIFT);
		else if (!populate(pages, first, until - first))
			return false;
		first = until;
	}
	return true;
}

static uint32_t count_touched(const struct keg_pages *pages, keg_page first, uint32_t count)
{
	const keg_page end = first + count;
	uint32_t touched = 0;

	while ((first = keg_bits_find(pages->touched, first, end, true)) < end) {
		const keg_page until = keg_bits_find(pages->touched, first, end, false);

		touched += until - first;
		first = until;
	}
	return touched;
}

static int take(struct keg_pages *pages, uint32_t count, bool large, uint32_t keep, keg_page *first)
{
	const keg_page found = reserve(pages, count, large, pages->limit - keep);
	bool prepared;

	if (found == 0)
		return -ENOMEM;
	pages->stale -= count_touched(pages, found, count);
	/* Bits of neighbours share words: all of them change with the lock held. */
	prepared = prepare(pages, found, count, large);
	keg_bits_fill(pages->touched, found, count, true);
	if (!prepared) {
		keg_bits_fill(pages->taken, found, count, false);
		pages->used -= count;
		pages->stale += count;
		pages->hint = found < pages->hint ? found : pages->hint;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++)
		atomic_store_explicit(&pages->references[found + i], 1, memory_order_release);
	*first = found;
	return 0;
}

static int take_trying(
	struct keg_pages *pages, uint32_t count, bool large, uint32_t keep, keg_page *first)
{
	if (count == 0 || (large && count != KEG_LARGE))
		return -EINVAL;
	for (int tries = 0; tries < 4; tries++) {
		keg_pages_reclaimer *reclaim;
		void *context;
		int result;

		pthread_mutex_lock(&pages->lock);
		result = take(pages, count, large, keep, first);
		reclaim = pages->reclaim;
		context = pages->reclaim_context;
		pthread_mutex_unlock(&pages->lock);
		if (result == 0)
			return 0;
		/* A run or a large page is a wish: nobody gives up anything for it. */
		if (count > 1 || !reclaim || !reclaim(context, 64))
			break;
	}
	return -ENOMEM;
}

int keg_pages_take(struct keg_pages *pages, uint32_t count, bool large, keg_page *first)
{
	return take_trying(pages, count, large, 0, first);
}

int keg_pages_take_memory(struct keg_pages *pages, uint32_t count, bool large, keg_page *first)
{
	return take_trying(pages, count, large, kept_for_tables(pages), first);
}

/* ---- Who has them ---- */

bool keg_pages_clip(const struct keg_pages *pages, keg_page first, uint32_t *count)
{
	if (first >= pages->total)
		return false;
	if (*count > pages->total - first)
		*count = pages->total - first;
	return *count > 0;
}

void keg_pages_hold(struct keg_pages *pages, keg_page first, uint32_t count)
{
	if (!keg_pages_clip(pages, first, &count))
		return;
	pthread_mutex_lock(&pages->lock);
	for (keg_page page = first; page < first + count; page++) {
		const uint32_t had = atomic_load(&pages->references[page]);

		if (had != 0 && had != UINT32_MAX)
			atomic_store(&pages->references[page], had + 1);
	}
	pthread_mutex_unlock(&pages->lock);
}

bool keg_pages_shared(struct keg_pages *pages, keg_page page)
{
	return page < pages->total && atomic_load(&pages->references[page]) > 1;
}

void *keg_pages_at(struct keg_pages *pages, keg_page page)
{
	if (page >= pages->total ||
		atomic_load_explicit(&pages->references[page], memory_order_acquire) == 0)
		return NULL;
	return keg_pages_host(pages, page);
}

void keg_pages_usage(struct keg_pages *pages, struct keg_pages_usage *usage)
{
	pthread_mutex_lock(&pages->lock);
	usage->limit = (uint64_t)pages->limit << KEG_PAGE_SHIFT;
	usage->used = (uint64_t)pages->used << KEG_PAGE_SHIFT;
	usage->highest = (uint64_t)pages->highest << KEG_PAGE_SHIFT;
	pthread_mutex_unlock(&pages->lock);
}
