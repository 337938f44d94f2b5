/* SPDX-License-Identifier: MIT */
/* Extended attributes: those of users; there are no others. They are set by a descriptor that is
 * opened for it: Landlock does not look at who sets them by a path, but at what is opened. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "user/files.h"
#include "user/space.h"
#include "user/sys_path.h"
#include "user/task.h"

enum {
	LONGEST_NAME = 256, /* with its end; as XATTR_NAME_MAX */
	LARGEST = 65536,    /* a value, or the list: as XATTR_SIZE_MAX and XATTR_LIST_MAX */
};

static bool is_user(const char *name)
{
	return strncmp(name, "user.", 5) == 0;
}

static int read_name(struct keg_task *task, uint64_t at, char name[LONGEST_NAME])
{
	ssize_t length = keg_space_read_string(task->process->space, name, at, LONGEST_NAME);

	if (length == -ENAMETOOLONG || length == 0)
		return -ERANGE;
	return length < 0 ? (int)length : 0;
}

/* The host's name for the place's file. -EOPNOTSUPP: it is made up */
static int find_host(struct keg_task *task, uint64_t path, uint32_t walk, struct keg_place *place,
	char host[KEG_PATH_HOST])
{
	int r = keg_path_held(task, AT_FDCWD, path, walk, place);

	if (r < 0)
		return r;
	if (place->made_up)
		return -EOPNOTSUPP;
	keg_path_host(place->fd, host);
	return 0;
}

/* At most `size` bytes to the program; 0: only how many there are. */
static int64_t give(
	struct keg_task *task, uint64_t to, uint64_t size, const void *from, ssize_t length)
{
	if (!size)
		return length;
	if ((uint64_t)length > size)
		return -ERANGE;
	return keg_space_write(task->process->space, to, from, (size_t)length) < 0 ? -EFAULT
										   : length;
}

/* The host's name for an open file. -EBADF, -EOPNOTSUPP it is made up, or has no name */
static int find_open(
	struct keg_task *task, uint64_t number, struct keg_file **file, char host[KEG_PATH_HOST])
{
	*file = keg_task_file(task, number);
	if (!*file || (*file)->kind == KEG_FILE_PATH)
		return -EBADF;
	if ((*file)->operations || !(*file)->path)
		return -EOPNOTSUPP;
	keg_path_host((*file)->fd, host);
	return 0;
}

static int64_t get_of(
	struct keg_task *task, const char *host, const char *name, const uint64_t args[6])
{
	void *buffer;
	ssize_t length;

	if (!is_user(name))
		return -EOPNOTSUPP;
	buffer = keg_task_buffer(task, LARGEST);
	if (!buffer)
		return -ENOMEM;
	length = getxattr(host, name, buffer, LARGEST);
	return length < 0 ? -errno : give(task, args[2], args[3], buffer, length);
}

static int64_t do_get(struct keg_task *task, const uint64_t args[6], uint32_t walk)
{
	KEG_PLACE struct keg_place place;
	char host[KEG_PATH_HOST], name[LONGEST_NAME];
	int r;

	place.fd = -1;
	r = read_name(task, args[1], name);
	if (!r)
		r = find_host(task, args[0], walk, &place, host);
	return r < 0 ? r : get_of(task, host, name, args);
}

int64_t keg_sys_getxattr(struct keg_task *task, const uint64_t args[6])
{
	return do_get(task, args, KEG_WALK_FOLLOW);
}

int64_t keg_sys_lgetxattr(struct keg_task *task, const uint64_t args[6])
{
	return do_get(task, args, 0);
}

int64_t keg_sys_fgetxattr(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = NULL;
	char host[KEG_PATH_HOST], name[LONGEST_NAME];
	int r = read_name(task, args[1], name);

	if (!r)
		r = find_open(task, args[0], &file, host);
	return r < 0 ? r : get_of(task, host, name, args);
}

/* Leaves the names that a program may see; how long the list is then. */
static ssize_t keep_user(char *list, ssize_t length)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < length;) {
		ssize_t bytes = (ssize_t)strlen(list + at) + 1;

		if (is_user(list + at)) {
			memmove(list + kept, list + at, (size_t)bytes);
			kept += bytes;
		}
		at += bytes;
	}
	return kept;
}

static int64_t list_of(struct keg_task *task, const char *host, const uint64_t args[6])
{
	char *buffer = keg_task_buffer(task, LARGEST + 1);
	ssize_t length;

	if (!buffer)
		return -ENOMEM;
	length = listxattr(host, buffer, LARGEST);
	if (length < 0)
		return -errno;
	buffer[length] = '\0';
	return give(task, args[1], args[2], buffer, keep_user(buffer, length));
}

static int64_t do_list(struct keg_task *task, const uint64_t args[6], uint32_t walk)
{
	KEG_PLACE struct keg_place place;
	char host[KEG_PATH_HOST];
	int r = find_host(task, args[0], walk, &place, host);

	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	return list_of(task, host, args);
}

int64_t keg_sys_listxattr(struct keg_task *task, const uint64_t args[6])
{
	return do_list(task, args, KEG_WALK_FOLLOW);
}

int64_t keg_sys_llistxattr(struct keg_task *task, const uint64_t args[6])
{
	return do_list(task, args, 0);
}

int64_t keg_sys_flistxattr(struct keg_task *task, const uint64_t args[6])
{
	KEG_HELD struct keg_file *file = NULL;
	char host[KEG_PATH_HOST];
	int r = find_open(task, args[0], &file, host);

	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	return list_of(task, host, args);
}

/* ---- Setting ---- */

/* xattr(7): the others are the privileged's, or no names at all. */
static int check_name(const char *name)
{
	if (is_user(name))
		return 0;
	return strncmp(name, "trusted.", 8) == 0 || strncmp(name, "security.", 9) == 0
		       ? -EPERM
		       : -EOPNOTSUPP;
}

/* A descriptor by which the attributes of what is there can be set: none of O_PATH. */
static int open_again(const struct keg_place *place)
{
	const int both = O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	char host[KEG_PATH_HOST];
	int fd = -1;

	if (!S_ISREG(place->stat.st_mode) && !S_ISDIR(place->stat.st_mode))
		return -EPERM;
	keg_path_host(place->fd, host);
	if (S_ISREG(place->stat.st_mode))
		fd = open(host, O_WRONLY | both);
	/* A program that is being executed cannot be opened so. */
	if (fd < 0 && (S_ISDIR(place->stat.st_mode) || errno == ETXTBSY))
		fd = open(host, O_RDONLY | both);
	return (int)keg_host_result(fd);
}

/* The same of a path, where it may be changed; to be closed. */
static int open_path(struct keg_task *task, uint64_t path, uint32_t walk)
{
	KEG_PLACE struct keg_place place;
	int r;

	place.fd = -1;
	r = keg_path_held(task, AT_FDCWD, path, walk, &place);
	if (r < 0)
		return r;
	if (place.made_up)
		return -EOPNOTSUPP;
	return place.writable ? open_again(&place) : -EROFS;
}

static int64_t set_of(struct keg_task *task, int fd, const char *name, const uint64_t args[6])
{
	void *value = keg_task_buffer(task, LARGEST);

	if (!value)
		return -ENOMEM;
	if (args[3] > LARGEST)
		return -E2BIG;
	if (keg_space_read(task->process->space, value, args[2], args[3]) < 0)
		return -EFAULT;
	return keg_host_result(fsetxattr(fd, name, value, args[3], (int)args[4]));
}

/* Sets or removes it. */
static int64_t change_of(
	struct keg_task *task, int fd, const char *name, const uint64_t args[6], bool set)
{
	return set ? set_of(task, fd, name, args) : keg_host_result(fremovexattr(fd, name));
}

static bool has_bad_flags(const uint64_t args[6], bool set)
{
	return set && (uint32_t)args[4] & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE);
}

static int64_t change(struct keg_task *task, const uint64_t args[6], uint32_t walk, bool set)
{
	char name[LONGEST_NAME];
	int64_t result;
	int fd;

	if (has_bad_flags(args, set))
		return -EINVAL;
	result = read_name(task, args[1], name);
	fd = result < 0 ? (int)result : open_path(task, args[0], walk);
	if (fd < 0)
		return fd;
	result = check_name(name);
	if (result == 0)
		result = change_of(task, fd, name, args, set);
	close(fd);
	return result;
}

int64_t keg_sys_setxattr(struct keg_task *task, const uint64_t args[6])
{
	return change(task, args, KEG_WALK_FOLLOW, true);
}

int64_t keg_sys_lsetxattr(struct keg_task *task, const uint64_t args[6])
{
	return change(task, args, 0, true);
}

int64_t keg_sys_removexattr(struct keg_task *task, const uint64_t args[6])
{
	return change(task, args, KEG_WALK_FOLLOW, false);
}

int64_t keg_sys_lremovexattr(struct keg_task *task, const uint64_t args[6])
{
	return change(task, args, 0, false);
}

/* The file may be changed, by its open descriptor. */
static int64_t check_open(const struct keg_file *file)
{
	if (!file || file->kind == KEG_FILE_PATH)
		return -EBADF;
	if (file->operations || !file->path || file->kind == KEG_FILE_STREAM)
		return -EOPNOTSUPP;
	return file->writable_mount ? 0 : -EROFS;
}

static int64_t change_open(struct keg_task *task, const uint64_t args[6], bool set)
{
	KEG_HELD struct keg_file *file = keg_task_file(task, args[0]);
	char name[LONGEST_NAME];
	int64_t result = check_open(file);

	if (has_bad_flags(args, set))
		return -EINVAL;
	if (result == 0)
		result = read_name(task, args[1], name);
	if (result == 0)
		result = check_name(name);
	return result < 0 ? result : change_of(task, file->fd, name, args, set);
}

int64_t keg_sys_fsetxattr(struct keg_task *task, const uint64_t args[6])
{
	return change_open(task, args, true);
}

int64_t keg_sys_fremovexattr(struct keg_task *task, const uint64_t args[6])
{
	return change_open(task, args, false);
}
