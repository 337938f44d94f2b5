/* SPDX-License-Identifier: MIT */
/* The working directory and the umask of a process, or of several (CLONE_FS). */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/mounts.h"

struct keg_fs {
	_Atomic uint32_t references;
	pthread_mutex_t lock; /* guards what follows */
	char directory[PATH_MAX];
	mode_t mask;
};

int keg_fs_create(const char *directory, struct keg_fs **out)
{
	struct keg_fs *fs = calloc(1, sizeof(*fs));
	int r;

	*out = NULL;
	if (!fs)
		return keg_fail(ENOMEM, "no memory for a working directory");
	r = pthread_mutex_init(&fs->lock, NULL);
	if (r) {
		free(fs);
		return keg_fail_errno(r, "making a working directory's lock");
	}
	fs->references = 1;
	fs->mask = 022;
	keg_fs_set_directory(fs, directory);
	*out = fs;
	return 0;
}

int keg_fs_copy(struct keg_fs *from, struct keg_fs **fs)
{
	char directory[PATH_MAX];
	int r;

	keg_fs_directory(from, directory);
	r = keg_fs_create(directory, fs);
	if (!r)
		(*fs)->mask = keg_fs_umask(from);
	return r;
}

struct keg_fs *keg_fs_share(struct keg_fs *fs)
{
	atomic_fetch_add(&fs->references, 1);
	return fs;
}

void keg_fs_release(struct keg_fs *fs)
{
	if (!fs || atomic_fetch_sub(&fs->references, 1) != 1)
		return;
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

void keg_fs_directory(struct keg_fs *fs, char path[PATH_MAX])
{
	pthread_mutex_lock(&fs->lock);
	memcpy(path, fs->directory, strlen(fs->directory) + 1);
	pthread_mutex_unlock(&fs->lock);
}

void keg_fs_set_directory(struct keg_fs *fs, const char *path)
{
	size_t length = strnlen(path, PATH_MAX - 1);

	pthread_mutex_lock(&fs->lock);
	memcpy(fs->directory, path, length);
	fs->directory[length] = '\0';
	pthread_mutex_unlock(&fs->lock);
}

mode_t keg_fs_umask(struct keg_fs *fs)
{
	mode_t mask;

	pthread_mutex_lock(&fs->lock);
	mask = fs->mask;
	pthread_mutex_unlock(&fs->lock);
	return mask;
}

mode_t keg_fs_set_umask(struct keg_fs *fs, mode_t mask)
{
	mode_t old;

	pthread_mutex_lock(&fs->lock);
	old = fs->mask;
	fs->mask = mask & 0777;
	pthread_mutex_unlock(&fs->lock);
	return old;
}

void keg_fs_renamed(struct keg_fs *fs, const char *from, const char *to)
{
	size_t from_length = strlen(from), to_length = strlen(to), rest;

	pthread_mutex_lock(&fs->lock);
	rest = strlen(fs->directory) - from_length;
	if (strncmp(fs->directory, from, from_length) == 0 &&
		(fs->directory[from_length] == '/' || !fs->directory[from_length]) &&
		to_length + rest < PATH_MAX) {
		memmove(fs->directory + to_length, fs->directory + from_length, rest + 1);
		memcpy(fs->directory, to, to_length);
	}
	pthread_mutex_unlock(&fs->lock);
}
