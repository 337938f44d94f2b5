/* SPDX-License-Identifier: MIT */
/* What the kernel's Landlock can restrict, and the rules of a sandbox. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "user/landlock.h"
#include "user/mount_list.h"
#include "user/policy.h"
#include "user/task.h"

size_t keg_landlock_handled(bool network, struct keg_landlock_ruleset *set)
{
	/* What each ABI added: landlock.rst, "Previous limitations". */
	static const struct {
		long abi;
		struct keg_landlock_ruleset adds;
		size_t size;
	} versions[] = {
		{1, {(1 << 13) - 1, 0, 0},
			offsetof(struct keg_landlock_ruleset, handled_access_net)},
		{2, {LANDLOCK_ACCESS_FS_REFER, 0, 0},
			offsetof(struct keg_landlock_ruleset, handled_access_net)},
		{3, {LANDLOCK_ACCESS_FS_TRUNCATE, 0, 0},
			offsetof(struct keg_landlock_ruleset, handled_access_net)},
		{4, {0, LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP, 0},
			offsetof(struct keg_landlock_ruleset, scoped)},
		{5, {LANDLOCK_ACCESS_FS_IOCTL_DEV, 0, 0},
			offsetof(struct keg_landlock_ruleset, scoped)},
		{6, {0, 0, LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL},
			sizeof(struct keg_landlock_ruleset)},
	};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t size = 0;

	*set = (struct keg_landlock_ruleset){0};
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (abi < versions[i].abi)
			break;
		set->handled_access_fs |= versions[i].adds.handled_access_fs;
		set->handled_access_net |= versions[i].adds.handled_access_net;
		set->scoped |= versions[i].adds.scoped;
		size = versions[i].size;
	}
	if (network)
		set->handled_access_net = 0;
	return size;
}

/* ---- Rules: the files that are mounted, and no others ---- */

static int allow(int rules, int fd, uint64_t access)
{
	struct stat st;
	struct landlock_path_beneath_attr beneath = {.parent_fd = fd, .allowed_access = access};

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		beneath.allowed_access &= KEG_LANDLOCK_FILE;
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0)
		return -errno;
	return 0;
}

static int allow_named(int rules, int directory, const char *name, uint64_t access)
{
	int fd = openat(directory, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	int result;

	if (fd < 0)
		return -errno;
	result = allow(rules, fd, access);
	close(fd);
	return result;
}

/* A temporary folder is removed at the end, from the folder that it is in. */
static int allow_removal(int rules, const char *temporary)
{
	char *parent = strdup(temporary), *slash = parent ? strrchr(parent, '/') : NULL;
	int result = -ENOMEM;

	if (slash) {
		*slash = 0;
		result = allow_named(rules, AT_FDCWD, slash == parent ? "/" : parent,
			LANDLOCK_ACCESS_FS_REMOVE_DIR);
	}
	free(parent);
	return result;
}

static int allow_mount(int rules, const struct keg_mount *mount, uint64_t handled)
{
	uint64_t access = handled & (mount->writable ? ~(uint64_t)LANDLOCK_ACCESS_FS_EXECUTE
						     : KEG_LANDLOCK_READ);
	int result;

	if (mount->kind != KEG_MOUNT_HOST)
		return 0;
	result = mount->name ? allow_named(rules, mount->fd, mount->name, access)
			     : allow(rules, mount->fd, access);
	if (result == 0 && mount->temporary)
		result = allow_removal(rules, mount->temporary);
	return result;
}

/* What keg shows of the host's /dev and /proc. */
static void allow_system(int rules, const struct keg_mounts *mounts, uint64_t handled)
{
	static const char *const devices[] = {"null", "zero", "full", "random", "urandom"};
	const uint64_t both =
		handled & (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |
				  LANDLOCK_ACCESS_FS_TRUNCATE | LANDLOCK_ACCESS_FS_IOCTL_DEV);

	for (size_t i = 0; mounts->host_dev >= 0 && i < sizeof(devices) / sizeof(devices[0]); i++)
		allow_named(rules, mounts->host_dev, devices[i], both);
	if (mounts->host_proc >= 0)
		allow_named(rules, mounts->host_proc, "cpuinfo", LANDLOCK_ACCESS_FS_READ_FILE);
}

int keg_landlock_rules(const struct keg_user *user, int *rules)
{
	struct keg_landlock_ruleset set = {0};
	size_t size = keg_landlock_handled(user->policy->network, &set);
	int result = 0;

	*rules = -1;
	if (!size)
		return 0;
	*rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (*rules < 0)
		return keg_fail_errno(errno, "making a Landlock ruleset");
	for (uint32_t i = 0; result == 0 && i < user->mounts->count; i++)
		result = allow_mount(*rules, &user->mounts->at[i], set.handled_access_fs);
	allow_system(*rules, user->mounts, set.handled_access_fs);
	if (result == 0)
		return 0;
	close(*rules);
	*rules = -1;
	return keg_fail_errno(-result, "restricting this process by Landlock");
}
