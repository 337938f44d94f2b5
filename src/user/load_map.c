/* SPDX-License-Identifier: MIT */
/* A program's segments and stack in an address space: at the addresses that Linux gives them when
 * it does not choose them at random. */
#include "user/load_map.h"

#include <sys/mman.h>

#include "base/error.h"
#include "user/files.h"
#include "user/object.h"
#include "user/space.h"

#define PROGRAM_AT       0x555555554000ull /* ELF_ET_DYN_BASE, two thirds of the lower half */
#define GUARD            (1ull << 20)      /* below the stack's most: stack_guard_gap, 256 pages */
#define STACK_LEAST      (128ull << 10)
#define STACK_MOST       (1ull << 30)
#define STACK_BEGINS     (132ull << 10) /* what it has below what is on it */
#define STACK_ROOM_LEAST (128ull << 20)

static uint64_t page_down(uint64_t at)
{
	return at & -(uint64_t)KEG_PAGE;
}

static uint64_t page_up(uint64_t at)
{
	return page_down(at + KEG_PAGE - 1);
}

uint64_t keg_load_stack_limit(uint64_t limit)
{
	if (limit > STACK_MOST)
		return STACK_MOST;
	return limit < STACK_LEAST ? STACK_LEAST : page_up(limit);
}

static int map(struct keg_space *space, struct keg_mapping mapping)
{
	int64_t at = keg_space_map(space, &mapping);

	if (at < 0)
		return keg_fail_errno((int)-at, "mapping %s at 0x%llx, 0x%llx bytes",
			mapping.name ? mapping.name : "memory", (unsigned long long)mapping.at,
			(unsigned long long)mapping.length);
	return 0;
}

int keg_load_map_stack(struct keg_space *space, uint64_t bytes, uint64_t limit, bool executable)
{
	uint64_t room = limit < STACK_ROOM_LEAST ? STACK_ROOM_LEAST : limit;

	bytes = page_up(bytes) + STACK_BEGINS;
	/* Other mappings leave it room to grow, as Linux's mmap_base() does. */
	keg_space_set_base(space, KEG_USER_TOP - room);
	return map(
		space, (struct keg_mapping){
			       .at = KEG_USER_TOP - bytes,
			       .length = bytes,
			       .protection = PROT_READ | PROT_WRITE | (executable ? PROT_EXEC : 0),
			       .flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_STACK |
					MAP_GROWSDOWN | MAP_NORESERVE,
			       .name = "[stack]",
		       });
}

/* A free place for what may be anywhere: found by mapping it for a moment. */
static int choose(struct keg_space *space, struct keg_loaded *loaded, uint64_t first)
{
	struct keg_mapping all = {
		.length = loaded->plan.end - first + loaded->plan.alignment - KEG_PAGE,
		.protection = PROT_NONE,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	};
	int64_t at = keg_space_map(space, &all);

	if (at < 0)
		return keg_fail(ENOMEM, "no place for 0x%llx bytes of a program",
			(unsigned long long)all.length);
	loaded->bias =
		(((uint64_t)at + loaded->plan.alignment - 1) & -loaded->plan.alignment) - first;
	keg_space_unmap(space, (uint64_t)at, all.length);
	return 0;
}

static int place(struct keg_space *space, struct keg_loaded *loaded, uint64_t below)
{
	const struct keg_program *plan = &loaded->plan;
	uint64_t first = plan->start & -plan->alignment;

	below -= GUARD;
	if (plan->relocatable && !*plan->interpreter)
		return choose(space, loaded, first);
	if (plan->relocatable)
		loaded->bias = (PROGRAM_AT & -plan->alignment) - first;
	/* Not so far up that it wraps: end is below KEG_USER_TOP, and so is PROGRAM_AT. */
	if (plan->end + loaded->bias > below)
		return keg_fail(ENOMEM, "it would end at 0x%llx, where the stack is",
			(unsigned long long)(plan->end + loaded->bias));
	return 0;
}

/* *mapped: the end of what the segments before it have; a page that two share is the file's. */
static int map_segment(struct keg_space *space, struct keg_object *object,
	const struct keg_loaded *loaded, const struct keg_program_segment *segment,
	uint64_t *mapped)
{
	static const unsigned char zeros[KEG_PAGE];
	uint64_t at = segment->at + loaded->bias;
	uint64_t in_page = at % KEG_PAGE;
	uint64_t file_end = at + segment->file_bytes;
	uint64_t end = page_up(at + segment->memory_bytes);
	uint64_t from = segment->file_bytes ? page_up(file_end) : page_down(at);
	struct keg_mapping mapping = {
		.at = page_down(at),
		.length = from - page_down(at),
		.protection = segment->protection,
		.flags = MAP_PRIVATE | MAP_FIXED,
		.object = object,
		.offset = segment->offset - in_page,
		.name = loaded->file->path,
	};
	int ret = 0;

	if (segment->file_bytes)
		ret = map(space, mapping);
	if (!ret && segment->file_bytes && segment->memory_bytes > segment->file_bytes)
		ret = keg_space_poke(space, file_end, zeros, from - file_end);
	if (ret)
		return keg_fail_errno(-ret, "mapping a segment at 0x%llx", (unsigned long long)at);
	if (from < *mapped)
		from = *mapped;
	if (end > *mapped)
		*mapped = end;
	if (end <= from)
		return 0;
	mapping.at = from;
	mapping.length = end - from;
	mapping.flags |= MAP_ANONYMOUS;
	mapping.object = NULL;
	mapping.offset = 0;
	mapping.name = NULL;
	return map(space, mapping);
}

int keg_load_map(struct keg_space *space, struct keg_object_cache *objects,
	struct keg_loaded *loaded, uint64_t below)
{
	struct keg_object *object;
	uint64_t mapped = 0;
	int ret = place(space, loaded, below);

	if (ret)
		return ret;
	loaded->at = loaded->plan.start + loaded->bias;
	ret = keg_object_of_file(objects, loaded->file->fd, false, &object);
	if (ret)
		return ret;
	for (uint32_t i = 0; i < loaded->plan.segment_count && !ret; i++)
		ret = map_segment(space, object, loaded, &loaded->plan.segments[i], &mapped);
	keg_object_release(object);
	return ret;
}
