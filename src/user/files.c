/* SPDX-License-Identifier: MIT */
/* Tables of descriptors. */
#include "user/files.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/error.h"
#include "user/locks.h"

#define KEG_FILES_FIRST 64        /* places to begin with */
#define KEG_FILES_MOST  (1 << 20) /* as Linux's fs.nr_open */

/* What the tables of a sandbox have together. */
struct keg_files_pool {
	_Atomic uint32_t references;
	_Atomic uint32_t open; /* files that have a number somewhere */
	uint32_t most;
	struct keg_locks *locks;
};

struct keg_files_place {
	struct keg_file *file; /* NULL: free */
	bool close_on_exec;
};

struct keg_files {
	_Atomic uint32_t references;
	struct keg_files_pool *pool;
	pthread_mutex_t lock; /* for the places */
	struct keg_files_place *places;
	int count;
	int lowest; /* no place below it is free */
};

/* ---- What all tables have together ---- */

static int pool_create(struct keg_files_pool **out)
{
	struct keg_files_pool *pool = calloc(1, sizeof(*pool));
	struct rlimit limit;
	int r;

	if (!pool)
		return keg_fail(ENOMEM, "making a table of files: no memory");
	pool->references = 1;
	/* The host's descriptors are also those of whoever uses the library, and of its machines:
	 * a sandbox gets half of them at most. */
	pool->most = KEG_FILES_MOST;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 < pool->most)
		pool->most = (uint32_t)(limit.rlim_cur / 2);
	r = keg_locks_create(&pool->locks);
	if (r < 0) {
		free(pool);
		return keg_fail_errno(-r, "making a table of locks");
	}
	*out = pool;
	return 0;
}

static void pool_release(struct keg_files_pool *pool)
{
	if (atomic_fetch_sub(&pool->references, 1) != 1)
		return;
	keg_locks_release(pool->locks);
	free(pool);
}

/* A file gets a number more: -ENFILE. */
static int pool_count(struct keg_files_pool *pool, struct keg_file *file)
{
	if (atomic_fetch_add(&file->numbers, 1) != 0)
		return 0;
	if (atomic_fetch_add(&pool->open, 1) < pool->most)
		return 0;
	atomic_fetch_sub(&pool->open, 1);
	atomic_fetch_sub(&file->numbers, 1);
	return -ENFILE;
}

/* A number less: what it stood for has been taken out of the table, and is put. */
static void forget(struct keg_files *files, struct keg_file *file)
{
	/* Any descriptor that a process closes takes its locks of that file away: fcntl(2). */
	if (file->fd >= 0)
		keg_locks_drop(files->pool->locks, files, file->fd);
	if (atomic_fetch_sub(&file->numbers, 1) == 1)
		atomic_fetch_sub(&files->pool->open, 1);
	keg_file_put(file);
}

/* ---- Tables ---- */

static int create_in(struct keg_files_pool *pool, int count, struct keg_files **out)
{
	struct keg_files *files = calloc(1, sizeof(*files));
	int rc = ENOMEM;

	*out = NULL;
	if (files)
		files->places = calloc((size_t)count, sizeof(*files->places));
	if (files && files->places)
		rc = pthread_mutex_init(&files->lock, NULL);
	if (rc) {
		if (files)
			free(files->places);
		free(files);
		return keg_fail_errno(rc, "making a table of files");
	}
	files->references = 1;
	files->count = count;
	files->pool = pool;
	atomic_fetch_add(&pool->references, 1);
	*out = files;
	return 0;
}

int keg_files_create(struct keg_files **files)
{
	struct keg_files_pool *pool = NULL;
	int r = pool_create(&pool);

	if (r < 0)
		return r;
	r = create_in(pool, KEG_FILES_FIRST, files);
	pool_release(pool);
	return r;
}

int keg_files_copy(struct keg_files *from, struct keg_files **out)
{
	struct keg_files *files;
	int r;

	pthread_mutex_lock(&from->lock);
	r = create_in(from->pool, from->count, &files);
	for (int i = 0; r == 0 && i < from->count; i++) {
		struct keg_file *file = from->places[i].file;

		if (!file)
			continue;
		keg_file_hold(file);
		atomic_fetch_add(&file->numbers, 1); /* it has one: nothing more is open */
		files->places[i] = from->places[i];
	}
	if (r == 0)
		files->lowest = from->lowest;
	pthread_mutex_unlock(&from->lock);
	*out = files;
	return r;
}

struct keg_files *keg_files_share(struct keg_files *files)
{
	atomic_fetch_add(&files->references, 1);
	return files;
}

bool keg_files_shared(struct keg_files *files)
{
	return atomic_load(&files->references) > 1;
}

void keg_files_release(struct keg_files *files)
{
	if (!files || atomic_fetch_sub(&files->references, 1) != 1)
		return;
	keg_locks_drop(files->pool->locks, files, -1);
	for (int i = 0; i < files->count; i++) {
		if (files->places[i].file)
			forget(files, files->places[i].file);
	}
	pool_release(files->pool);
	pthread_mutex_destroy(&files->lock);
	free(files->places);
	free(files);
}

struct keg_locks *keg_files_locks(struct keg_files *files)
{
	return files->pool->locks;
}

/* ---- Places; with the lock held ---- */

static struct keg_files_place *place(struct keg_files *files, int number)
{
	if (number < 0 || number >= files->count || !files->places[number].file)
		return NULL;
	return &files->places[number];
}

static int grow(struct keg_files *files, int number)
{
	struct keg_files_place *places;
	int count = files->count;

	while (count <= number)
		count *= 2;
	if (count == files->count)
		return 0;
	places = reallocarray(files->places, (size_t)count, sizeof(*places));
	if (!places)
		return -ENOMEM;
	for (int i = files->count; i < count; i++)
		places[i] = (struct keg_files_place){0};
	files->places = places;
	files->count = count;
	return 0;
}

static struct keg_file *take_out(struct keg_files *files, int number)
{
	struct keg_file *file = files->places[number].file;

	files->places[number] = (struct keg_files_place){0};
	if (number < files->lowest)
		files->lowest = number;
	return file;
}

/* The file's place, new or `old`'s, which is for the caller to forget. Its number. */
static int put_in(struct keg_files *files, struct keg_file *file, int number, bool close_on_exec,
	struct keg_file **old)
{
	int r = grow(files, number);

	if (r == 0)
		r = pool_count(files->pool, file);
	if (r < 0)
		return r;
	*old = files->places[number].file;
	files->places[number] = (struct keg_files_place){file, close_on_exec};
	return number;
}

/* ---- Numbers ---- */

int keg_files_add(struct keg_files *files, struct keg_file *file, int from, bool close_on_exec,
	uint64_t limit)
{
	struct keg_file *old;
	int number, r = -EMFILE;

	if (limit > KEG_FILES_MOST)
		limit = KEG_FILES_MOST;
	pthread_mutex_lock(&files->lock);
	number = from < files->lowest ? files->lowest : from;
	while (place(files, number))
		number++;
	if (from <= files->lowest)
		files->lowest = number;
	if (number >= 0 && (uint64_t)number < limit)
		r = put_in(files, file, number, close_on_exec, &old);
	pthread_mutex_unlock(&files->lock);
	if (r < 0)
		keg_file_put(file);
	return r;
}

int keg_files_put_at(struct keg_files *files, struct keg_file *file, int at, bool close_on_exec)
{
	struct keg_file *old = NULL;
	int r = -EBADF;

	if (at >= 0 && at < KEG_FILES_MOST) {
		pthread_mutex_lock(&files->lock);
		r = put_in(files, file, at, close_on_exec, &old);
		pthread_mutex_unlock(&files->lock);
	}
	if (old)
		forget(files, old);
	if (r < 0)
		keg_file_put(file);
	return r;
}

struct keg_file *keg_files_get(struct keg_files *files, int number)
{
	struct keg_files_place *found;
	struct keg_file *file = NULL;

	pthread_mutex_lock(&files->lock);
	found = place(files, number);
	if (found) {
		file = found->file;
		keg_file_hold(file);
	}
	pthread_mutex_unlock(&files->lock);
	return file;
}

int keg_files_close(struct keg_files *files, int number)
{
	struct keg_file *file = NULL;

	pthread_mutex_lock(&files->lock);
	if (place(files, number))
		file = take_out(files, number);
	pthread_mutex_unlock(&files->lock);
	if (!file)
		return -EBADF;
	forget(files, file);
	return 0;
}

int keg_files_cloexec(struct keg_files *files, int number, int set)
{
	struct keg_files_place *found;
	int r = -EBADF;

	pthread_mutex_lock(&files->lock);
	found = place(files, number);
	if (found) {
		if (set >= 0)
			found->close_on_exec = set != 0;
		r = found->close_on_exec;
	}
	pthread_mutex_unlock(&files->lock);
	return r;
}

int keg_files_free(struct keg_files *files)
{
	int number;

	pthread_mutex_lock(&files->lock);
	for (number = files->lowest; place(files, number); number++)
		;
	pthread_mutex_unlock(&files->lock);
	return number;
}

int keg_files_next(struct keg_files *files, int from)
{
	int r = -ENOENT;

	if (from < 0)
		from = 0;
	pthread_mutex_lock(&files->lock);
	for (; from < files->count && r < 0; from++) {
		if (files->places[from].file)
			r = from;
	}
	pthread_mutex_unlock(&files->lock);
	return r;
}

/* Takes out the next file from *number on, up to `last`; NULL: there is none. */
static struct keg_file *take_next(
	struct keg_files *files, int *number, unsigned last, bool only_close_on_exec)
{
	struct keg_file *file = NULL;

	pthread_mutex_lock(&files->lock);
	for (; !file && *number < files->count && (unsigned)*number <= last; ++*number) {
		struct keg_files_place *at = &files->places[*number];

		if (at->file && (at->close_on_exec || !only_close_on_exec))
			file = take_out(files, *number);
	}
	pthread_mutex_unlock(&files->lock);
	return file;
}

void keg_files_exec(struct keg_files *files)
{
	struct keg_file *file;
	int number = 0;

	while ((file = take_next(files, &number, UINT32_MAX, true)))
		forget(files, file);
}

int keg_files_close_range(struct keg_files *files, unsigned first, unsigned last, bool only_mark)
{
	struct keg_file *file;
	int number = first > KEG_FILES_MOST ? KEG_FILES_MOST : (int)first;

	if (first > last)
		return -EINVAL;
	if (only_mark) {
		for (; (number = keg_files_next(files, number)) >= 0 && (unsigned)number <= last;
			number++)
			keg_files_cloexec(files, number, 1);
		return 0;
	}
	while ((file = take_next(files, &number, last, false)))
		forget(files, file);
	return 0;
}
