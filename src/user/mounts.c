/* SPDX-License-Identifier: MIT */
/* The list of mounts. */
#include "user/mount_list.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <keg/user.h>

#include "base/error.h"

int keg_mounts_create(struct keg_mounts **out)
{
	struct keg_mounts *mounts = calloc(1, sizeof(*mounts));

	*out = mounts;
	if (!mounts)
		return keg_fail(ENOMEM, "no memory for a list of mounts");
	mounts->references = 1;
	mounts->host_dev = mounts->host_proc = -1;
	return 0;
}

struct keg_mounts *keg_mounts_share(struct keg_mounts *mounts)
{
	atomic_fetch_add(&mounts->references, 1);
	return mounts;
}

static void end_mount(struct keg_mount *mount)
{
	if (mount->temporary)
		keg_tmpfs_remove(mount->fd, mount->temporary);
	if (mount->fd >= 0)
		close(mount->fd);
	free(mount->temporary);
	free(mount->name);
	free(mount->path);
}

void keg_mounts_destroy(struct keg_mounts *mounts)
{
	if (!mounts || atomic_fetch_sub(&mounts->references, 1) != 1)
		return;
	while (mounts->count)
		end_mount(&mounts->at[--mounts->count]);
	if (mounts->host_dev >= 0)
		close(mounts->host_dev);
	if (mounts->host_proc >= 0)
		close(mounts->host_proc);
	free(mounts);
}

/* ---- What lies where ---- */

/* Whether a path is the other or lies in it. */
static bool lies_in(const char *path, size_t length, const char *other, size_t other_length)
{
	return length >= other_length && memcmp(path, other, other_length) == 0 &&
	       (length == other_length || path[other_length] == '/');
}

const struct keg_mount *keg_mounts_cover(
	const struct keg_mounts *mounts, const char *path, size_t length)
{
	const struct keg_mount *found = NULL;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const struct keg_mount *mount = &mounts->at[i];

		if (lies_in(path, length, mount->path, mount->length) &&
			(!found || found->length < mount->length))
			found = mount;
	}
	return found;
}

bool keg_mounts_beneath(const struct keg_mounts *mounts, const char *path, size_t length)
{
	for (uint32_t i = 0; i < mounts->count; i++)
		if (mounts->at[i].length > length &&
			lies_in(mounts->at[i].path, mounts->at[i].length, path, length))
			return true;
	return false;
}

size_t keg_mounts_child(const struct keg_mounts *mounts, uint32_t index, const char *path,
	size_t length, const char **name)
{
	const struct keg_mount *mount = &mounts->at[index];

	if (mount->length <= length || !lies_in(mount->path, mount->length, path, length))
		return 0;
	*name = mount->path + length + 1;
	return strcspn(*name, "/");
}

/* ---- How it is made ---- */

/* Takes over what `mount` has, also when it fails. */
static int add(struct keg_mounts *mounts, struct keg_mount *mount, const char *guest)
{
	char path[PATH_MAX];
	uint32_t kept = 0;
	int r = keg_mounts_target(mounts, guest, path);

	if (!r && mounts->count == KEG_MOUNTS_MOST)
		r = keg_fail(ENOSPC, "there are %d mounts already", KEG_MOUNTS_MOST);
	if (!r && !(mount->path = strdup(path)))
		r = keg_fail(ENOMEM, "no memory for the mount %s", guest);
	if (r) {
		end_mount(mount);
		return r;
	}
	mount->length = strlen(path);
	/* What it covers is out of reach. */
	for (uint32_t i = 0; i < mounts->count; i++) {
		/* Those before i are kept, or not looked at again.
		 * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
		if (lies_in(mounts->at[i].path, mounts->at[i].length, path, mount->length))
			end_mount(&mounts->at[i]);
		else
			mounts->at[kept++] = mounts->at[i];
	}
	mounts->count = kept;
	mounts->at[mounts->count++] = *mount;
	return 0;
}

/* A file is found by its name in the directory that holds it: only so it can be opened anew. */
static int find_file(struct keg_mount *mount, const char *host, const struct stat *st)
{
	char *path = realpath(host, NULL), *slash = path ? strrchr(path, '/') : NULL;
	struct stat found;
	int fd, r;

	if (!slash) {
		free(path);
		return keg_fail_errno(errno, "finding %s", host);
	}
	mount->name = strdup(slash + 1);
	slash[slash == path] = '\0';
	mount->fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (!mount->name)
		return keg_fail(ENOMEM, "no memory for the mount of %s", host);
	if (mount->fd < 0)
		return keg_fail_errno(errno, "opening the directory of %s", host);
	fd = keg_beneath(mount->fd, mount->name, O_PATH | O_NOFOLLOW, 0);
	r = fd < 0 ? fd : keg_beneath_stat(fd, &found);
	if (fd >= 0)
		close(fd);
	if (!r && (found.st_dev != st->st_dev || found.st_ino != st->st_ino))
		r = -ESTALE;
	return r ? keg_fail_errno(-r, "opening %s", host) : 0;
}

static int check_host(struct keg_mount *mount, const char *host, int fd)
{
	struct statfs fs;
	struct stat st;

	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0)
		return keg_fail_errno(errno, "looking at %s", host);
	if (fs.f_type == PROC_SUPER_MAGIC)
		return keg_fail(EINVAL, "%s is the host's /proc: a sandbox has its own", host);
	if (!S_ISDIR(st.st_mode))
		return find_file(mount, host, &st);
	mount->fd = keg_beneath(fd, ".", O_PATH | O_DIRECTORY, 0);
	if (mount->fd == -ENOSYS)
		return keg_fail(ENOTSUP, "the host has no openat2(2), as Linux since 5.6 has it");
	return mount->fd < 0 ? keg_fail_errno(-mount->fd, "opening %s", host) : 0;
}

int keg_mounts_bind(struct keg_mounts *mounts, const char *host, const char *guest, uint32_t flags)
{
	struct keg_mount mount = {
		.kind = KEG_MOUNT_HOST,
		.fd = -1,
		.most = UINT64_MAX,
		.writable = flags & KEG_USER_WRITABLE,
	};
	int fd, r;

	guest = guest ? guest : host;
	if (host[0] != '/' || guest[0] != '/')
		return keg_fail(EINVAL, "%s is no absolute path", host[0] != '/' ? host : guest);
	if (flags & ~(uint32_t)(KEG_USER_WRITABLE | KEG_USER_OPTIONAL))
		return keg_fail(EINVAL, "no such flags: 0x%x", flags);
	fd = open(host, O_PATH | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && flags & KEG_USER_OPTIONAL)
		return 0;
	if (fd < 0)
		return keg_fail_errno(errno, "opening %s", host);
	r = check_host(&mount, host, fd);
	close(fd);
	if (r) {
		end_mount(&mount);
		return r;
	}
	return add(mounts, &mount, guest);
}

int keg_mounts_tmpfs(struct keg_mounts *mounts, const char *guest, uint64_t bytes)
{
	struct keg_mount mount = {
		.kind = KEG_MOUNT_HOST,
		.most = UINT64_MAX,
		.writable = true,
		.empty = true,
	};
	int r;

	if (guest[0] != '/')
		return keg_fail(EINVAL, "%s is no absolute path", guest);
	if (!bytes)
		bytes = 1 << 30;
	r = keg_tmpfs_open(bytes, &mount.fd, &mount.temporary);
	if (r)
		return r;
	if (mount.temporary)
		mount.most = bytes;
	return add(mounts, &mount, guest);
}

int keg_mounts_system(struct keg_mounts *mounts)
{
	static const struct {
		enum keg_mount_kind kind;
		const char *path;
	} systems[] = {
		{KEG_MOUNT_PROC, "/proc"},
		{KEG_MOUNT_DEV, "/dev"},
		{KEG_MOUNT_SYS, "/sys"},
	};

	if (mounts->host_dev < 0)
		mounts->host_dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mounts->host_dev < 0)
		return keg_fail_errno(errno, "opening /dev");
	/* Some files of /proc are shown as the host has them; without it, they are empty. */
	if (mounts->host_proc < 0)
		mounts->host_proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
		struct keg_mount mount = {.kind = systems[i].kind, .fd = -1, .most = UINT64_MAX};
		int r = add(mounts, &mount, systems[i].path);

		if (r)
			return r;
	}
	return keg_mounts_tmpfs(mounts, "/dev/shm", 0);
}
