/* SPDX-License-Identifier: MIT */
/*
 * The objects of a sandbox's files. Those that private mappings read stay when nobody maps them any
 * more, for the next program that does, until there are too many or memory is short.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "user/object_inside.h"

enum { MOST_OBJECTS = 512 }; /* that nobody maps: each has a descriptor of the host's */

/* ---- The list, lock held ---- */

static void take_out(struct keg_object_cache *cache, struct keg_object *object)
{
	cache->count--;
	*(object->newer ? &object->newer->older : &cache->newest) = object->older;
	*(object->older ? &object->older->newer : &cache->oldest) = object->newer;
}

static void put_first(struct keg_object_cache *cache, struct keg_object *object)
{
	cache->count++;
	object->newer = NULL;
	object->older = cache->newest;
	*(cache->newest ? &cache->newest->newer : &cache->oldest) = object;
	cache->newest = object;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Whether a private mapping of the file now would read the same. */
static bool unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && same_time(&a->st_mtim, &b->st_mtim) &&
	       same_time(&a->st_ctim, &b->st_ctim);
}

static struct keg_object *find(struct keg_object_cache *cache, const struct stat *stat, bool shared)
{
	struct keg_object *object = cache->newest;

	for (; object; object = object->older)
		if (object->stat.st_ino == stat->st_ino && object->stat.st_dev == stat->st_dev &&
			object->shared == shared && (shared || unchanged(&object->stat, stat)))
			break;
	return object;
}

/* Drops objects that nobody maps, the least recently used ones first, until so many pages are free
 * and no more than `keep` objects are left. */
static bool shrink(struct keg_object_cache *cache, uint32_t wanted, uint32_t keep)
{
	struct keg_object *object = cache->oldest;
	uint32_t idle = 0, freed = 0;

	for (const struct keg_object *each = object; each; each = each->newer)
		idle += each->references == 0;
	while (object && (freed < wanted || idle > keep)) {
		struct keg_object *next = object->newer;

		if (object->references == 0) {
			take_out(cache, object);
			freed += keg_object_free(object);
			idle--;
		}
		object = next;
	}
	return freed > 0;
}

static bool reclaim(void *context, uint32_t wanted)
{
	struct keg_object_cache *cache = context;
	bool freed;

	pthread_mutex_lock(&cache->lock);
	freed = shrink(cache, wanted, UINT32_MAX);
	pthread_mutex_unlock(&cache->lock);
	return freed;
}

/* ---- Making and ending ---- */

/* The descriptors of the host's are also others': a quarter of them at most, besides the half that
 * are for open files. */
static uint32_t most_objects(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 4 > UINT32_MAX)
		return UINT32_MAX;
	return (uint32_t)(limit.rlim_cur / 4);
}

int keg_object_cache_create(struct keg_pages *pages, struct keg_object_cache **made)
{
	struct keg_object_cache *cache = calloc(1, sizeof(*cache));
	int rc;

	if (!cache)
		return keg_fail(ENOMEM, "making the list of a sandbox's mapped files");
	rc = pthread_mutex_init(&cache->lock, NULL);
	if (rc) {
		free(cache);
		return keg_fail_errno(rc, "making the lock of a sandbox's mapped files");
	}
	cache->pages = pages;
	cache->most = most_objects();
	keg_pages_set_reclaimer(pages, reclaim, cache);
	*made = cache;
	return 0;
}

void keg_object_cache_destroy(struct keg_object_cache *cache)
{
	if (!cache)
		return;
	keg_pages_set_reclaimer(cache->pages, NULL, NULL);
	while (cache->newest) {
		struct keg_object *object = cache->newest;

		take_out(cache, object);
		keg_object_free(object);
	}
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

/*
 * The file for the object: what is written back goes where it belongs, though the program may have
 * set O_APPEND, which is for the place too where pwrite(2) writes. So it has a description of its
 * own, where /proc gives one.
 */
static int own_descriptor(int fd, bool shared)
{
	const int flags = fcntl(fd, F_GETFL);
	char path[32];
	int own = -1;

	if (shared && flags >= 0 && (flags & O_ACCMODE) == O_RDWR) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		own = open(path, O_RDWR | O_CLOEXEC);
	}
	return own >= 0 ? own : fcntl(fd, F_DUPFD_CLOEXEC, 0);
}

static int add(struct keg_object_cache *cache, int fd, const struct stat *stat, bool shared,
	struct keg_object **object)
{
	int result, own;

	if (cache->count >= cache->most)
		shrink(cache, 0, 0);
	if (cache->count >= cache->most)
		return keg_fail(ENFILE, "%u files are mapped: no more can be", cache->count);
	own = own_descriptor(fd, shared);
	if (own < 0)
		return keg_fail_errno(errno, "mapping a file");
	result = keg_object_create(cache->pages, own, stat, object);
	if (result != 0) {
		close(own);
		return result;
	}
	(*object)->cache = cache;
	(*object)->shared = shared;
	if (shared)
		cache->shared++;
	put_first(cache, *object);
	return 0;
}

/* A file that was mapped for reading is to be written as well: by what it is open for now. */
static void use_descriptor(struct keg_object *object, int fd)
{
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR &&
		(fcntl(object->fd, F_GETFL) & O_ACCMODE) != O_RDWR)
		dup3(fd, object->fd, O_CLOEXEC);
}

int keg_object_of_file(
	struct keg_object_cache *cache, int fd, bool shared, struct keg_object **object)
{
	struct keg_object *found;
	struct stat stat;
	int result = 0;

	if (fstat(fd, &stat) != 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -ENODEV;
	pthread_mutex_lock(&cache->lock);
	found = find(cache, &stat, shared);
	if (found) {
		found->references++;
		take_out(cache, found);
		put_first(cache, found);
		if (shared)
			use_descriptor(found, fd);
		*object = found;
	} else {
		result = add(cache, fd, &stat, shared, object);
	}
	pthread_mutex_unlock(&cache->lock);
	return result;
}

uint32_t keg_object_references(const struct keg_object *object)
{
	return atomic_load(&object->references);
}

void keg_object_hold(struct keg_object *object)
{
	atomic_fetch_add(&object->references, 1);
}

static void release_cached(struct keg_object_cache *cache, struct keg_object *object)
{
	struct keg_pages_usage usage;

	pthread_mutex_lock(&cache->lock);
	if (atomic_fetch_sub(&object->references, 1) == 1) {
		keg_pages_usage(cache->pages, &usage);
		if (object->shared) {
			keg_object_write_back(object, 0, UINT64_MAX);
			cache->shared--;
			take_out(cache, object);
			keg_object_free(object);
		} else if (usage.used > usage.limit / 4 * 3) {
			shrink(cache, 256, MOST_OBJECTS);
		} else {
			shrink(cache, 0, MOST_OBJECTS);
		}
	}
	pthread_mutex_unlock(&cache->lock);
}

void keg_object_release(struct keg_object *object)
{
	if (object->cache)
		release_cached(object->cache, object);
	else if (atomic_fetch_sub(&object->references, 1) == 1)
		keg_object_free(object);
}

/* ---- Shared mappings and what else is done to their files ---- */

/* Held. NULL: nobody maps the file so. */
static struct keg_object *shared_object(struct keg_object_cache *cache, int fd)
{
	struct keg_object *object;
	struct stat stat;

	if (cache->shared == 0 || fstat(fd, &stat) != 0)
		return NULL;
	pthread_mutex_lock(&cache->lock);
	object = find(cache, &stat, true);
	if (object)
		object->references++;
	pthread_mutex_unlock(&cache->lock);
	return object;
}

int keg_object_before_read(struct keg_object_cache *cache, int fd)
{
	struct keg_object *object = shared_object(cache, fd);
	int result = 0;

	if (object) {
		result = keg_object_write_back(object, 0, UINT64_MAX);
		keg_object_release(object);
	}
	return result;
}

void keg_object_after_write(struct keg_object_cache *cache, int fd, uint64_t offset, uint64_t bytes)
{
	struct keg_object *object = shared_object(cache, fd);

	if (!object)
		return;
	if (bytes > UINT64_MAX - offset - KEG_PAGE)
		bytes = UINT64_MAX - offset - KEG_PAGE;
	keg_object_refresh(object, offset >> KEG_PAGE_SHIFT,
		((offset + bytes + KEG_PAGE - 1) >> KEG_PAGE_SHIFT) - (offset >> KEG_PAGE_SHIFT));
	keg_object_release(object);
}
