/* SPDX-License-Identifier: MIT */
/* What was made and not yet given back. */
#include "fault/held.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_HELD = 4096, MOST_WRONG = 64, MOST_DESCRIPTORS = 1024 };

struct held {
	enum held_kind kind;
	uintptr_t key;
	const void *site;
};

static struct {
	pthread_mutex_t lock;
	bool watching;
	struct held held[MOST_HELD];
	size_t count;
	struct held wrong[MOST_WRONG]; /* given back, and not held */
	size_t wrong_count;
	long long mapped;
	bool open[MOST_DESCRIPTORS];
} now = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const kinds[] = {
	[HELD_MEMORY] = "memory",
	[HELD_LOCK] = "a lock",
	[HELD_TIMER] = "a timer",
	[HELD_THREAD] = "a thread",
	[HELD_LIBRARY] = "a library",
};

void held_add(enum held_kind kind, uintptr_t key, const void *site)
{
	pthread_mutex_lock(&now.lock);
	if (now.watching && now.count == MOST_HELD) {
		fprintf(stderr, "fault: more than %d things held\n", MOST_HELD);
		abort();
	}
	if (now.watching)
		now.held[now.count++] = (struct held){kind, key, site};
	pthread_mutex_unlock(&now.lock);
}

static void remove_locked(enum held_kind kind, uintptr_t key, const void *site)
{
	for (size_t i = now.count; i--;) {
		if (now.held[i].kind == kind && now.held[i].key == key) {
			now.held[i] = now.held[--now.count];
			return;
		}
	}
	if (now.wrong_count < MOST_WRONG)
		now.wrong[now.wrong_count++] = (struct held){kind, key, site};
}

void held_remove(enum held_kind kind, uintptr_t key, const void *site)
{
	pthread_mutex_lock(&now.lock);
	/* free(NULL) is allowed. */
	if (now.watching && (kind != HELD_MEMORY || key))
		remove_locked(kind, key, site);
	pthread_mutex_unlock(&now.lock);
}

static void change_mapped(size_t bytes, int sign)
{
	long long page = sysconf(_SC_PAGESIZE);
	long long pages = ((long long)bytes + page - 1) / page;

	pthread_mutex_lock(&now.lock);
	if (now.watching)
		now.mapped += sign * pages;
	pthread_mutex_unlock(&now.lock);
}

void held_map(size_t bytes)
{
	change_mapped(bytes, 1);
}

void held_unmap(size_t bytes)
{
	change_mapped(bytes, -1);
}

static void list_descriptors(bool open[MOST_DESCRIPTORS])
{
	DIR *folder = opendir("/proc/self/fd");
	struct dirent *entry;

	memset(open, 0, MOST_DESCRIPTORS * sizeof(*open));
	while (folder && (entry = readdir(folder))) {
		long fd = strtol(entry->d_name, NULL, 10);

		if (entry->d_name[0] != '.' && fd < MOST_DESCRIPTORS && fd != dirfd(folder))
			open[fd] = true;
	}
	if (folder)
		closedir(folder);
}

void held_watch(void)
{
	list_descriptors(now.open);
	now.count = now.wrong_count = 0;
	now.mapped = 0;
	pthread_mutex_lock(&now.lock);
	now.watching = true;
	pthread_mutex_unlock(&now.lock);
}

static size_t check_descriptors(held_handler *handler, void *context)
{
	bool open[MOST_DESCRIPTORS];
	char what[256], path[32], target[128];
	size_t count = 0;

	list_descriptors(open);
	for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
		ssize_t length;

		if (open[fd] == now.open[fd])
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		length = readlink(path, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = 0;
		if (open[fd])
			snprintf(
				what, sizeof(what), "descriptor %d (%s) was left open", fd, target);
		else
			snprintf(what, sizeof(what), "descriptor %d of somebody else was closed",
				fd);
		handler(context, what, NULL);
		count++;
	}
	return count;
}

size_t held_check(held_handler *handler, void *context)
{
	char what[128];
	size_t count = now.count + now.wrong_count;

	pthread_mutex_lock(&now.lock);
	now.watching = false;
	pthread_mutex_unlock(&now.lock);
	for (size_t i = 0; i < now.count; i++) {
		snprintf(what, sizeof(what), "%s is left", kinds[now.held[i].kind]);
		handler(context, what, now.held[i].site);
	}
	for (size_t i = 0; i < now.wrong_count; i++) {
		snprintf(what, sizeof(what), "%s was given back that was not held",
			kinds[now.wrong[i].kind]);
		handler(context, what, now.wrong[i].site);
	}
	if (now.mapped) {
		snprintf(what, sizeof(what), "%lld pages are left mapped", now.mapped);
		handler(context, what, NULL);
		count++;
	}
	return count + check_descriptors(handler, context);
}
