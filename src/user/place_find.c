/* SPDX-License-Identifier: MIT */
/* Walks begin here: from which directory, for whom, and what becomes of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "user/files.h"
#include "user/space.h"
#include "user/task.h"
#include "user/walk.h"

static void begin(struct keg_walk_state *walk, struct keg_place *place)
{
	place->path[0] = place->name[0] = '\0';
	place->base = place->fd = -1;
	place->mount = NULL;
	place->exists = place->writable = place->made_up = place->directory = false;
	place->slash = place->dots = false;
	place->kind = place->number = 0;
	place->pid = place->tid = 0;
	walk->place = place;
	walk->directory = -1;
	walk->length = 0;
	walk->links = walk->steps = 0;
	walk->lenient = false;
}

static int run(struct keg_walk_state *walk, const char *path)
{
	struct keg_place *place = walk->place;
	size_t length = strlen(path);
	int r;

	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	walk->rest = walk->buffer + sizeof(walk->buffer) - 1 - length;
	memcpy(walk->rest, path, length + 1);
	r = keg_walk_run(walk);
	keg_walk_leave(walk);
	if (r || !(walk->flags & KEG_WALK_HOLD))
		keg_place_end(place);
	if (!walk->length)
		strcpy(place->path, "/");
	return r;
}

/* Where a relative path begins. */
static int start_at(struct keg_walk_state *walk, int at)
{
	struct keg_place *place = walk->place;
	KEG_HELD struct keg_file *file = NULL;
	int r;

	if (at == AT_FDCWD) {
		keg_fs_directory(walk->task->process->fs, place->path);
	} else {
		file = keg_task_file(walk->task, (uint64_t)at);
		if (!file)
			return -EBADF;
		r = keg_file_directory(walk->task, file, place->path);
		if (r)
			return r;
	}
	walk->length = strlen(place->path);
	if (walk->length == 1)
		place->path[walk->length = 0] = '\0';
	return 0;
}

/* AT_EMPTY_PATH: what is open. */
static int be_open(struct keg_walk_state *walk, int at)
{
	struct keg_place *place = walk->place;
	KEG_HELD struct keg_file *file = keg_task_file(walk->task, (uint64_t)at);

	if (!file)
		return -EBADF;
	if (file->path)
		memcpy(place->path, file->path, strlen(file->path) + 1);
	place->exists = place->made_up = true;
	place->writable = file->writable_mount;
	place->directory = file->type == S_IFDIR;
	place->kind = KEG_PLACE_DESCRIPTOR;
	place->pid = walk->task->process->pid;
	place->number = at;
	return keg_open_stat(walk->task, file, &place->stat);
}

int keg_mounts_walk(
	struct keg_task *task, int at, const char *path, uint32_t flags, struct keg_place *place)
{
	struct keg_walk_state walk;
	int r = 0;

	walk.task = task;
	walk.mounts = task->process->user->mounts;
	walk.flags = flags;
	begin(&walk, place);
	if (!*path) {
		if (!(flags & KEG_WALK_EMPTY))
			return -ENOENT;
		if (at != AT_FDCWD)
			return be_open(&walk, at);
		path = ".";
	}
	if (*path != '/')
		r = start_at(&walk, at);
	return r ? r : run(&walk, path);
}

int keg_mounts_target(struct keg_mounts *mounts, const char *path, char to[PATH_MAX])
{
	struct keg_place place;
	struct keg_walk_state walk;
	int r;

	walk.task = NULL;
	walk.mounts = mounts;
	walk.flags = 0;
	begin(&walk, &place);
	walk.lenient = true;
	r = run(&walk, path);
	if (r)
		return keg_fail_errno(-r, "finding the place of %s", path);
	place.path[0] = place.path[1] ? '/' : '\0'; /* the root is "" */
	memcpy(to, place.path, strlen(place.path) + 1);
	return 0;
}

int keg_place_find(
	struct keg_task *task, int at, uint64_t path, uint32_t flags, struct keg_place *place)
{
	char text[PATH_MAX];
	ssize_t r;

	place->fd = -1;
	/* AT_EMPTY_PATH with no path at all, as since Linux 6.11. */
	if (!path && flags & KEG_WALK_EMPTY)
		return keg_mounts_walk(task, at, "", flags, place);
	r = keg_space_read_string(task->process->space, text, path, sizeof(text));
	return r < 0 ? (int)r : keg_mounts_walk(task, at, text, flags, place);
}

void keg_place_end(struct keg_place *place)
{
	if (place->fd >= 0)
		close(place->fd);
	place->fd = -1;
}
