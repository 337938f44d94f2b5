/* SPDX-License-Identifier: MIT */
/*
 * What is at the path that a walk has come to. Directories that lie above a mount are directories,
 * whatever the host has there.
 */
#include "user/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "user/files.h"
#include "user/system_files.h"
#include "user/task.h"

static int made_up(struct keg_place *place)
{
	place->made_up = place->exists = place->directory = true;
	place->writable = false;
	place->base = -1;
	place->name[0] = '\0';
	place->kind = 0;
	keg_made_up_stat(&place->stat, S_IFDIR | 0555, place->path);
	return 0;
}

/* What the mount has to do with the path; the name beneath it. */
const char *keg_walk_in_mount(struct keg_walk_state *walk, const struct keg_mount *mount)
{
	struct keg_place *place = walk->place;
	const char *name = place->path + mount->length;

	name += *name == '/';
	place->mount = mount;
	place->base = mount->fd;
	place->writable = mount->writable;
	place->made_up = false;
	memcpy(place->name, mount->name ? mount->name : name,
		strlen(mount->name ? mount->name : name) + 1);
	return name;
}

/* Takes over fd, or what became of it. */
int keg_walk_found(struct keg_walk_state *walk, int fd)
{
	struct keg_place *place = walk->place;
	int r = fd < 0 ? fd : keg_beneath_stat(fd, &place->stat);
	bool above = keg_mounts_beneath(walk->mounts, place->path, walk->length);

	if (above && (r || !S_ISDIR(place->stat.st_mode))) {
		if (fd >= 0)
			close(fd);
		return made_up(place);
	}
	if (r) {
		if (fd >= 0)
			close(fd);
		return r;
	}
	place->exists = true;
	place->directory = S_ISDIR(place->stat.st_mode);
	place->fd = fd;
	return 0;
}

/* What is at place->path, whose last component is `last` in walk->directory, if that is open. */
int keg_walk_look(struct keg_walk_state *walk, const char *last)
{
	struct keg_place *place = walk->place;
	const struct keg_mount *mount = keg_mounts_cover(walk->mounts, place->path, walk->length);
	const char *name;
	int r;

	place->exists = place->made_up = place->writable = false;
	place->base = -1;
	place->name[0] = '\0';
	place->mount = NULL;
	if (!mount) {
		if (!walk->length || keg_mounts_beneath(walk->mounts, place->path, walk->length))
			return made_up(place);
		return -ENOENT;
	}
	name = keg_walk_in_mount(walk, mount);
	if (mount->kind != KEG_MOUNT_HOST) {
		r = keg_system_look(walk->task, mount, name, place);
		if (r == -ENOENT && keg_mounts_beneath(walk->mounts, place->path, walk->length))
			return made_up(place);
		return r;
	}
	/* What lies in a mounted file is nowhere. */
	if (mount->name && *name)
		return -ENOTDIR;
	if (walk->directory >= 0 && *name && last)
		return keg_walk_found(
			walk, keg_beneath(walk->directory, last, O_PATH | O_NOFOLLOW, 0));
	r = keg_walk_found(walk, keg_beneath(mount->fd, place->name, O_PATH | O_NOFOLLOW, 0));
	/* The directory that this would be in is made up, and hides what the host has there. */
	return r == -ELOOP || r == -ENOTDIR ? -ENOENT : r;
}

/* Where the link in place leads: into `to`, at least one character. */
int keg_walk_read_link(struct keg_walk_state *walk, char to[PATH_MAX])
{
	struct keg_place *place = walk->place;
	ssize_t length;

	if (place->made_up)
		return keg_system_link(walk->task, place, to);
	length = readlinkat(place->fd, "", to, PATH_MAX - 1);
	if (length <= 0)
		return length < 0 ? -errno : -ENOENT;
	to[length] = '\0';
	return 0;
}

/* /proc/PID/fd/N of what has no path any more, or never had: the open file itself. */
int keg_walk_be_descriptor(struct keg_walk_state *walk)
{
	struct keg_place *place = walk->place;
	KEG_HELD struct keg_file *file =
		keg_system_descriptor(walk->task, place->pid, place->number);

	if (!file)
		return -ENOENT;
	place->kind = KEG_PLACE_DESCRIPTOR;
	place->directory = file->kind == KEG_FILE_DIRECTORY;
	return keg_open_stat(walk->task, file, &place->stat);
}
