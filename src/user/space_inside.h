/* SPDX-License-Identifier: MIT */
/*
 * What an address space is made of: for space*.c.
 *
 * The record of who has which page is the page table. Of an entry that is set:
 *   - its page has a reference for it;
 *   - it is not present where the area's protection is PROT_NONE, and keeps its page;
 *   - private areas: KEG_PTE_COPY means that the page may be somebody else's too (an object's,
 *     another process's, a mark's), and then it is not writable; without it the page is this
 *     space's alone, and writable if the area is;
 *   - shared areas: never KEG_PTE_COPY; a file's page is writable once it was written to, when the
 *     object has been told.
 * Every change to less is followed by keg_pages_forget() before the lock is let go.
 */
#ifndef KEG_USER_SPACE_INSIDE_H
#define KEG_USER_SPACE_INSIDE_H

#include <errno.h>
#include <pthread.h>
#include <sys/mman.h>

#include "user/area.h"
#include "user/object.h"
#include "user/space.h"

#define KEG_SPACE_BOTTOM 65536u            /* vm.mmap_min_addr */
#define KEG_SPACE_BASE   0x7ffff7fff000ull /* 128 MiB below the top, for the stack */
#define KEG_LARGE_BYTES  ((uint64_t)KEG_LARGE << KEG_PAGE_SHIFT)

struct keg_mark;

struct keg_space {
	pthread_rwlock_t lock;
	struct keg_host *host;
	struct keg_pages *pages;
	struct keg_machine_lore *lore;
	struct keg_machine *machine;
	struct keg_areas areas;
	struct keg_space_limits limits;
	uint64_t base;
	uint64_t brk_start, brk; /* 0: there is no heap yet */
	uint64_t size, data;     /* bytes in areas; in those that are private and writable */
	uint64_t resident;       /* pages */
	uint64_t faults;
	struct keg_mark *mark; /* NULL: none */
};

static inline uint64_t keg_page_down(uint64_t at)
{
	return at & ~(uint64_t)(KEG_PAGE - 1);
}

/* 0 if it is too large. */
static inline uint64_t keg_page_up(uint64_t at)
{
	return keg_page_down(at + KEG_PAGE - 1);
}

/* ---- space_entry.c: entries, by the page and by the range; the lock is held for writing ---- */

/* The bits of a page of this area: of its own, or with `copy` one to be copied when written. */
uint64_t keg_area_bits(const struct keg_area *area, bool copy);

/* Pages that were taken out of a machine's page tables, to be forgotten together, and then released
 * or not. */
struct keg_shed {
	struct keg_machine *machine;
	struct keg_pages *pages;
	bool release;
	uint32_t count;
	struct {
		keg_page first;
		uint32_t count;
	} runs[64];
};
void keg_shed_add(struct keg_shed *shed, keg_page first, uint32_t count);
void keg_shed_end(struct keg_shed *shed);

/* Entries that follow one another and mean the same: pages in order, equal bits. */
struct keg_entry_run {
	uint64_t at;
	uint64_t bits; /* without the page's number; KEG_PTE_LARGE is not among them */
	keg_page first;
	uint32_t count;
	bool large; /* within large pages */
};
/* The next one in [from, end), at most 512 pages; false: there is none. */
bool keg_entry_run(struct keg_space *space, uint64_t from, uint64_t end, struct keg_entry_run *run);

/* Splits the large pages in the range, which nothing can change as they are. -ENOMEM */
int keg_space_split(struct keg_space *space, uint64_t start, uint64_t end);
/* Empties the range's entries; large pages were split. Nothing can fail. */
void keg_space_drop(struct keg_space *space, uint64_t start, uint64_t end);
/* Gives the entries in the area's part of the range the bits that its protection wants. */
int keg_space_restrict(
	struct keg_space *space, const struct keg_area *area, uint64_t start, uint64_t end);

/* ---- space_fault.c, space_break.c; the lock is held for writing ---- */

/* Without regard to protection: an entry for a page of the area, and if it is to be written, a page
 * that may be. What keg_space_fault() says. */
int keg_space_provide(
	struct keg_space *space, struct keg_area *area, uint64_t at, enum keg_touch access);
/* Makes the page at `at`, which is there, one that may be written to. */
int keg_space_break(struct keg_space *space, struct keg_area *area, uint64_t at);
/* Maps what there is to map, as far as memory allows: MAP_POPULATE, MADV_WILLNEED … */
void keg_space_populate(struct keg_space *space, uint64_t start, uint64_t end);
/* The same for what has just been mapped, if it is worth it. */
void keg_space_be_eager(struct keg_space *space, uint64_t start, uint64_t end);
/* Pages for memory; as few as one if there are no more that follow one another. */
int keg_space_take(struct keg_space *space, uint32_t *count, keg_page *first);

/* ---- space_map.c; the lock is held for writing ---- */

bool keg_range_is_user(uint64_t at, uint64_t length);
int keg_space_map_locked(struct keg_space *space, struct keg_area *area, bool replace);
int keg_space_unmap_locked(struct keg_space *space, uint64_t start, uint64_t end);
/* Whether the areas' sum may grow so: RLIMIT_AS and RLIMIT_DATA. */
bool keg_space_may_grow(const struct keg_space *space, uint64_t size, uint64_t data);
/* Whether it is more than could ever be there: refused at once, as Linux does (Documentation/mm,
 * overcommit-accounting: the heuristic). */
bool keg_space_is_hopeless(const struct keg_space *space, uint64_t bytes);
static inline bool keg_area_is_data(const struct keg_area *area)
{
	return !(area->flags & (KEG_AREA_SHARED | KEG_AREA_GROWS_DOWN)) &&
	       area->protection & PROT_WRITE;
}
/* Counts the area in, or with `sign` -1 out. */
void keg_space_count(struct keg_space *space, const struct keg_area *area, int sign);

/* ---- space_clone.c; the lock is held for writing ---- */

/* Each run of pages of an area; before that private ones are made such that they are copied when
 * they are written. What `use` says, when it says no; -ENOMEM */
typedef int keg_run_function(
	void *context, const struct keg_area *area, const struct keg_entry_run *run);
int keg_space_each_private(
	struct keg_space *space, const struct keg_area *area, keg_run_function *use, void *context);

/* ---- space_mark.c; the lock is held for writing ---- */

/* Something about the range is not as it was at the mark: reset looks at all of it. No-op without a
 * mark. */
void keg_mark_disturb(struct keg_space *space, uint64_t start, uint64_t end);
/* A page that is written since the mark: `pristine` is what it was then, 0 nothing. -ENOMEM */
int keg_mark_hot(struct keg_space *space, uint64_t at, keg_page pristine, keg_page page);
void keg_mark_free(struct keg_space *space);

#endif
