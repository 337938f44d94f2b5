/* SPDX-License-Identifier: MIT */
/* Fetching ahead. */
#include "user/ahead.h"

#include <stdlib.h>
#include <unistd.h>

#include <keg/x86.h>

#include "base/thread.h"
#include "user/commons.h"
#include "user/elf.h"
#include "user/landlock.h"
#include "user/object.h"
#include "user/policy.h"
#include "user/space.h"
#include "user/task.h"

enum {
	FILES = 2,      /* the program and its interpreter */
	PARTS_MOST = 8, /* of a file; linkers make four or five */
};

struct part {
	uint64_t index;
	uint32_t count;
};

struct file {
	struct keg_object *object;
	uint32_t parts;
	struct part part[PARTS_MOST];
};

struct keg_ahead {
	struct keg_user *user;
	pthread_t thread;
	struct file files[FILES];
	_Atomic uint32_t count; /* those that are for the thread to read: they change no more */
	_Atomic bool settled;
	bool over;    /* it has been joined */
	int rules;    /* Landlock's; -1: none */
	bool network; /* which they permit */
};

/* A huge page, if there are any, which takes a while; it is the arena's from then on. */
static void fetch_memory(struct keg_pages *pages)
{
	keg_page page;

	if (keg_pages_take(pages, 1, false, &page) == 0)
		keg_pages_release(pages, page, 1);
}

static void fetch_part(struct keg_pages *pages, struct keg_object *object, struct part part)
{
	while (part.count > 0) {
		uint32_t count = part.count;
		keg_page first;

		if (keg_object_get(object, part.index, &count, &first) != 0)
			return;
		keg_pages_release(pages, first, count);
		part.index += count;
		part.count -= count;
	}
}

static void fetch_rules(struct keg_ahead *ahead)
{
	ahead->network = ahead->user->policy->network;
	(void)keg_landlock_rules(ahead->user, &ahead->rules);
}

static void *fetch(void *context)
{
	struct keg_ahead *ahead = context;
	struct keg_user *user = ahead->user;
	struct keg_cpuid_view view;

	fetch_memory(user->pages);
	(void)keg_host_supported_cpuid(user->host, &view);
	(void)keg_tsc_find(user->lore);
	/* Those that are known by now: the caller has not waited. */
	for (uint32_t i = 0; i < atomic_load(&ahead->count); i++) {
		const struct file *file = &ahead->files[i];

		for (uint32_t k = 0; k < file->parts; k++)
			fetch_part(user->pages, file->object, file->part[k]);
	}
	if (atomic_load(&ahead->settled))
		fetch_rules(ahead);
	return NULL;
}

void keg_ahead_begin(struct keg_user *user)
{
	struct keg_ahead *ahead = calloc(1, sizeof(*ahead));

	if (!ahead)
		return;
	ahead->user = user;
	ahead->rules = -1;
	user->ahead = ahead;
	if (keg_thread_create(&ahead->thread, NULL, fetch, ahead) != 0) {
		user->ahead = NULL;
		free(ahead);
	}
}

/* What is mapped at once when it is loaded. */
static void find_parts(struct file *file, const struct keg_program *program)
{
	for (uint32_t i = 0; i < program->segment_count && file->parts < PARTS_MOST; i++) {
		const struct keg_program_segment *segment = &program->segments[i];
		const uint64_t first = segment->offset >> KEG_PAGE_SHIFT;
		const uint64_t end =
			(segment->offset + segment->file_bytes + KEG_PAGE - 1) >> KEG_PAGE_SHIFT;

		if (segment->file_bytes && end - first <= KEG_EAGER_FILE)
			file->part[file->parts++] = (struct part){first, (uint32_t)(end - first)};
	}
}

void keg_ahead_read(struct keg_user *user, int fd, const struct keg_program *program)
{
	struct keg_ahead *ahead = user->ahead;
	uint32_t count = ahead ? atomic_load(&ahead->count) : FILES;
	struct file *file;

	if (count == FILES)
		return;
	file = &ahead->files[count];
	if (keg_object_of_file(user->objects, fd, false, &file->object) != 0)
		return;
	find_parts(file, program);
	atomic_store(&ahead->count, count + 1);
}

void keg_ahead_settled(struct keg_user *user)
{
	if (user->ahead)
		atomic_store(&user->ahead->settled, true);
}

void keg_ahead_wait(struct keg_user *user)
{
	struct keg_ahead *ahead = user->ahead;

	if (!ahead || ahead->over)
		return;
	pthread_join(ahead->thread, NULL);
	ahead->over = true;
	for (uint32_t i = 0; i < atomic_load(&ahead->count); i++)
		keg_object_release(ahead->files[i].object);
	atomic_store(&ahead->count, FILES);
}

int keg_ahead_rules(struct keg_user *user)
{
	struct keg_ahead *ahead = user->ahead;
	int rules;

	keg_ahead_wait(user);
	if (!ahead || ahead->network != user->policy->network)
		return -1;
	rules = ahead->rules;
	ahead->rules = -1;
	return rules;
}

void keg_ahead_end(struct keg_user *user)
{
	keg_ahead_wait(user);
	if (user->ahead && user->ahead->rules >= 0)
		close(user->ahead->rules);
	free(user->ahead);
	user->ahead = NULL;
}
