/* SPDX-License-Identifier: MIT */
/* Opening what a walk has come to. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/files.h"
#include "user/listing.h"
#include "user/mount_list.h"
#include "user/task.h"

enum {
	LARGE_FILE = 0100000, /* what it is on x86-64: libc has 0 */
	/* What is asked of the host. O_DIRECT would want keg's buffers aligned, O_ASYNC signals. */
	/* O_TMPFILE has O_DIRECTORY in it. */
	PASSED = O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_SYNC |
		 O_NOFOLLOW | O_NOATIME | O_TMPFILE,
};

int keg_open_stat(struct keg_task *task, struct keg_file *file, struct stat *st)
{
	if (file->operations && file->operations->stat)
		return file->operations->stat(task, file, st);
	return keg_beneath_stat(file->fd, st);
}

static bool is_tmpfile(int flags)
{
	return (flags & O_TMPFILE) == O_TMPFILE;
}

static bool changes(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC || is_tmpfile(flags);
}

/* What open(2) says of the kind of file that is there. */
static int check_type(const struct keg_place *place, int flags)
{
	mode_t type = place->stat.st_mode & S_IFMT;

	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return -EEXIST;
	if (type == S_IFLNK)
		return flags & O_DIRECTORY ? -ENOTDIR : -ELOOP;
	if (flags & O_DIRECTORY && type != S_IFDIR)
		return -ENOTDIR;
	if (type == S_IFDIR && !is_tmpfile(flags) && (changes(flags) || flags & O_CREAT))
		return -EISDIR;
	if (place->made_up)
		return 0;
	if (type == S_IFCHR || type == S_IFBLK)
		return -EACCES;
	if (type == S_IFSOCK)
		return -ENXIO;
	/* A FIFO of the host's has somebody at its other end. */
	if (type == S_IFIFO && !place->writable)
		return changes(flags) ? -EROFS : -EACCES;
	return 0;
}

/* The file that a descriptor of the program's stands for, once more. */
static int open_again(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file)
{
	struct keg_file *found = keg_system_descriptor(task, place->pid, place->number);
	int had;

	if (!found)
		return -ENOENT;
	had = found->flags & O_ACCMODE;
	if (found->kind == KEG_FILE_SOCKET || (flags & O_DIRECTORY && !place->directory)) {
		keg_file_put(found);
		return flags & O_DIRECTORY ? -ENOTDIR : -ENXIO;
	}
	if (found->kind == KEG_FILE_PATH || (had != O_RDWR && had != (flags & O_ACCMODE))) {
		keg_file_put(found);
		return -EACCES;
	}
	*file = found;
	return 0;
}

/* ---- The host's files ---- */

/* The host cuts modes with the umask of this process, which is not the program's. */
static int set_mode(int fd, mode_t mode, const struct stat *st)
{
	return mode & 0777 & ~st->st_mode && fchmod(fd, (st->st_mode | mode) & 07777) < 0 ? -errno
											  : 0;
}

/* Where nothing is, or a file without a name shall be: made with the program's umask. */
static int create(
	struct keg_task *task, const struct keg_place *place, int flags, mode_t mode, bool *made)
{
	int fd;

	mode &= 0777 & ~keg_fs_umask(task->process->fs);
	if (place->exists && !is_tmpfile(flags))
		return keg_beneath(place->base, place->name, flags & ~O_CREAT, 0);
	if (place->slash && !is_tmpfile(flags))
		return -EISDIR;
	*made = true;
	if (is_tmpfile(flags))
		return keg_beneath(place->base, place->name, flags & ~O_CREAT, mode);
	fd = keg_beneath(place->base, place->name, flags | O_EXCL, mode);
	if (fd != -EEXIST || flags & O_EXCL)
		return fd;
	/* Somebody else has made it meanwhile. */
	*made = false;
	return keg_beneath(place->base, place->name, flags & ~O_CREAT, 0);
}

/* What was opened is of a kind that may be, whatever has been renamed meanwhile. */
static int check_opened(int fd, int flags, mode_t mode, bool made, bool fifo)
{
	struct stat st;
	int r = keg_beneath_stat(fd, &st);

	if (r)
		return r;
	if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) || (S_ISFIFO(st.st_mode) && !fifo))
		return -EACCES;
	if (made && (r = set_mode(fd, mode, &st)))
		return r;
	/* It was opened so that it could not wait; what the program sees is its own flags. */
	if (!(flags & O_NONBLOCK) && !fifo && !S_ISDIR(st.st_mode) &&
		fcntl(fd, F_SETFL, flags & (O_APPEND | O_NOATIME)) < 0)
		return -errno;
	return 0;
}

static int open_host(struct keg_task *task, const struct keg_place *place, int flags, mode_t mode)
{
	bool fifo = place->exists && S_ISFIFO(place->stat.st_mode), made = false;
	int fd, r;

	if (fifo) {
		fd = keg_beneath_wait(task, place->base, place->name, flags & PASSED & ~O_CREAT);
		if (fd == -EINTR)
			return KEG_RESTART;
	} else if (flags & O_CREAT || is_tmpfile(flags)) {
		fd = create(task, place, (flags & PASSED) | O_NONBLOCK, mode, &made);
	} else {
		fd = keg_beneath(place->base, place->name, (flags & PASSED) | O_NONBLOCK, 0);
	}
	if (fd < 0)
		return fd;
	r = check_opened(fd, flags, mode & ~keg_fs_umask(task->process->fs), made, fifo);
	if (r) {
		close(fd);
		return r;
	}
	return fd;
}

static int make_file(const struct keg_place *place, int fd, int flags, struct keg_file **file)
{
	enum keg_file_kind kind = flags & O_PATH     ? KEG_FILE_PATH
				  : place->directory ? KEG_FILE_DIRECTORY
						     : KEG_FILE_HOST;
	char *path = is_tmpfile(flags) ? NULL : strdup(place->path);
	int r;

	if (!path && !is_tmpfile(flags)) {
		close(fd);
		return -ENOMEM;
	}
	if (is_tmpfile(flags))
		kind = KEG_FILE_HOST;
	r = keg_file_create(kind, fd, flags, path, file);
	if (r)
		return r;
	(*file)->writable_mount = place->writable;
	(*file)->most = place->mount->most;
	return 0;
}

/* O_PATH: what is there, a link too, and neither read nor written. */
static int open_path(const struct keg_place *place, int flags, struct keg_file **file)
{
	int fd;

	if (!place->exists)
		return -ENOENT;
	if (flags & O_DIRECTORY && !place->directory)
		return -ENOTDIR;
	if (place->made_up)
		return keg_made_up_file(KEG_FILE_PATH, place, -1, flags, file);
	fd = keg_beneath(place->base, place->name, O_PATH | O_NOFOLLOW | (flags & O_DIRECTORY), 0);
	return fd < 0 ? fd : make_file(place, fd, flags, file);
}

int keg_place_open(struct keg_task *task, const struct keg_place *place, int flags, mode_t mode,
	struct keg_file **file)
{
	const struct keg_mounts *mounts = task->process->user->mounts;
	int r, fd;

	*file = NULL;
	flags &= ~LARGE_FILE;
	if (flags & O_PATH && place->kind != KEG_PLACE_DESCRIPTOR)
		return open_path(place, flags & (O_PATH | O_DIRECTORY | O_NOFOLLOW), file);
	r = place->exists ? check_type(place, flags) : flags & O_CREAT ? 0 : -ENOENT;
	if (r)
		return r;
	if (place->made_up && place->kind == KEG_PLACE_DESCRIPTOR)
		return open_again(task, place, flags, file);
	if (place->made_up && !place->directory)
		return keg_system_open(task, place, flags, file);
	if (!place->writable && (changes(flags) || !place->exists))
		return place->base >= 0 || place->exists                      ? -EROFS
		       : place->mount && place->mount->kind == KEG_MOUNT_PROC ? -ENOENT
									      : -EACCES;
	if (place->directory && !is_tmpfile(flags) &&
		(place->made_up || keg_mounts_beneath(mounts, place->path,
					   place->path[1] ? strlen(place->path) : 0)))
		return keg_listing_open(task, place, flags, file);
	fd = open_host(task, place, flags, mode);
	return fd < 0 ? fd : make_file(place, fd, flags, file);
}

int keg_open_program(struct keg_task *task, const char *path, struct keg_file **file)
{
	KEG_PLACE struct keg_place place;
	int r = keg_mounts_walk(task, AT_FDCWD, path, KEG_WALK_FOLLOW | KEG_WALK_HOLD, &place);

	*file = NULL;
	if (r)
		return r;
	if (place.made_up || !S_ISREG(place.stat.st_mode) || !(place.stat.st_mode & 0111))
		return -EACCES;
	if (syscall(SYS_faccessat2, place.fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) < 0 &&
		errno != ENOSYS)
		return -errno;
	return keg_place_open(task, &place, O_RDONLY, 0, file);
}

/* ---- Where names are made and taken away ---- */

int keg_place_parent(const struct keg_place *place, const char **last)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(place->name, '/');
	size_t length = slash ? (size_t)(slash - place->name) : 0;

	if (place->made_up && (!place->mount || place->directory))
		return -EBUSY;
	if (place->base < 0)
		return -EACCES;
	if (!place->name[0] || place->mount->name)
		return -EBUSY;
	if (!place->writable)
		return -EROFS;
	*last = slash ? slash + 1 : place->name;
	memcpy(directory, place->name, length);
	directory[length] = '\0';
	return keg_beneath(place->base, directory, O_PATH | O_DIRECTORY, 0);
}
