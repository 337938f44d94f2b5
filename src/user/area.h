/* SPDX-License-Identifier: MIT */
/*
 * The areas of an address space: what is mapped where, in order of address.
 *
 * A sorted array: programs have tens to hundreds of areas, found far more often than changed, and
 * even 65,530 of them (Linux's vm.max_map_count, and the bound here) are moved in less time than a
 * page fault takes to come and go. Nothing in it can fail but making room, which is done first.
 *
 * Threads: one at a time; the space's lock is held.
 */
#ifndef KEG_USER_AREA_H
#define KEG_USER_AREA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keg_object;
struct keg_area_name;

enum keg_area_flags {
	KEG_AREA_SHARED = 1 << 0,
	KEG_AREA_GROWS_DOWN = 1 << 1,
	KEG_AREA_SMALL = 1 << 2,     /* no large pages: a stack, MADV_NOHUGEPAGE */
	KEG_AREA_LOCKED = 1 << 3,    /* mlock(2): only counted */
	KEG_AREA_READ_ONLY = 1 << 4, /* shared, and its file is not open for writing */
	KEG_AREA_NO_FORK = 1 << 5,   /* MADV_DONTFORK */
	KEG_AREA_FORK_ZERO = 1 << 6, /* MADV_WIPEONFORK */
};

struct keg_area {
	uint64_t start, end;
	struct keg_object *object;  /* NULL: private anonymous; a reference */
	uint64_t offset;            /* in the object */
	struct keg_area_name *name; /* NULL: none; a reference */
	uint32_t flags;
	int protection; /* PROT_ */

	/* How much to map at a fault: what the last one mapped, and how many there were. */
	uint64_t last_start, last_end;
	uint32_t window, faults;
};

#define KEG_AREAS 65530u

struct keg_areas {
	struct keg_area *at;
	size_t count, room;
};

/* A copy of the text, at most 255 bytes; NULL: no memory, or no text. Reference counted. */
struct keg_area_name *keg_area_name(const char *text);
const char *keg_area_name_text(const struct keg_area_name *name); /* "" if there is none */
void keg_area_name_release(struct keg_area_name *name);

/* A copy with references of its own. */
struct keg_area keg_area_copy(const struct keg_area *area);
void keg_area_release(struct keg_area *area);
/* Where in its object an address is. */
static inline uint64_t keg_area_offset(const struct keg_area *area, uint64_t at)
{
	return area->offset + (at - area->start);
}

void keg_areas_fini(struct keg_areas *areas);
int keg_areas_copy(const struct keg_areas *from, struct keg_areas *to); /* -ENOMEM; all or none */
/* Room for so many more. -ENOMEM also if there are too many then. */
int keg_areas_reserve(struct keg_areas *areas, size_t more);
/* The same for making the two addresses boundaries, and `more` besides. */
int keg_areas_reserve_cut(struct keg_areas *areas, uint64_t start, uint64_t end, size_t more);
/* Index of the first area that ends above `at`: the one that holds it, or the next; or the count.
 */
size_t keg_areas_find(const struct keg_areas *areas, uint64_t at);
/* The area that holds it; NULL none. */
struct keg_area *keg_areas_at(const struct keg_areas *areas, uint64_t at);
bool keg_areas_free(const struct keg_areas *areas, uint64_t start, uint64_t end);

/* Room must be there. Takes over the references. It must overlap none. */
void keg_areas_insert(struct keg_areas *areas, const struct keg_area *area);
/* Makes `at` a boundary, where an area holds it; room for one more must be there. */
void keg_areas_split(struct keg_areas *areas, uint64_t at);
/* Takes away what is between two boundaries. */
void keg_areas_remove(struct keg_areas *areas, uint64_t start, uint64_t end);
/* Joins neighbours that mean the same, from the one before `start` to the one behind `end`. */
void keg_areas_merge(struct keg_areas *areas, uint64_t start, uint64_t end);

/* The highest free place for so many bytes in [bottom, top), at a multiple of `alignment`; below a
 * stack that grows down a gap is left. 0: there is none. */
uint64_t keg_areas_gap(const struct keg_areas *areas, uint64_t bottom, uint64_t top, uint64_t bytes,
	uint64_t alignment);
#define KEG_STACK_GAP (256ull * 4096)

#endif
