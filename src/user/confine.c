/* SPDX-License-Identifier: MIT */
/*
 * Giving up what running a sandbox does not need, for the whole process and for good: so that a
 * program that broke out of its machine, and into keg, would find little there.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "user/ahead.h"
#include "user/confine_calls.h"
#include "user/landlock.h"
#include "user/mount_list.h"
#include "user/netlink.h"
#include "user/policy.h"
#include "user/task.h"

#if KEG_HAS_SECCOMP
#include "user/confine_filter.h"
#endif

/* ---- Capabilities ---- */

/*
 * All but those by which root reaches files, which the program may do with what is bound, as its
 * caller could. Nothing that is executed gets any back: there are no new privileges, and no execve.
 */
static int drop_capabilities(void)
{
	const uint32_t files = 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH | 1 << CAP_FOWNER;
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[2];

	if (syscall(SYS_capget, &header, held) < 0)
		return keg_fail_errno(errno, "asking for this process's capabilities");
	held[0].permitted &= files;
	held[0].effective &= files;
	held[0].inheritable = 0;
	held[1] = (struct __user_cap_data_struct){0};
	if (syscall(SYS_capset, &header, held) < 0)
		return keg_fail_errno(errno, "giving up capabilities");
	return 0;
}

/* ---- Landlock: the files that are mounted, and no others ---- */

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

static int restrict_files(const struct keg_user *user)
{
	struct keg_landlock_ruleset set = {0};
	size_t size = keg_landlock_handled(user->policy->network, &set);
	int rules, result = 0;

	if (!size)
		return 0; /* the kernel has no Landlock */
	rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
	if (rules < 0)
		return keg_fail_errno(errno, "making a Landlock ruleset");
	for (uint32_t i = 0; result == 0 && i < user->mounts->count; i++)
		result = allow_mount(rules, &user->mounts->at[i], set.handled_access_fs);
	allow_system(rules, user->mounts, set.handled_access_fs);
	if (result == 0 && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		result = -errno;
	close(rules);
	return result < 0 ? keg_fail_errno(-result, "restricting this process by Landlock") : 0;
}

/* ---- System calls ---- */

#if KEG_HAS_SECCOMP
#define MOST_INSTRUCTIONS 512
_Static_assert(sizeof(filter_alone) / sizeof(filter_alone[0]) <= MOST_INSTRUCTIONS &&
		       sizeof(filter_network) / sizeof(filter_network[0]) <= MOST_INSTRUCTIONS,
	"a filter is larger than thought");

/* The filter with this process's number in it. */
static int apply(const struct sock_filter *made, size_t count)
{
	const uint32_t pid = (uint32_t)getpid();
	struct sock_filter own[MOST_INSTRUCTIONS];
	const struct sock_fprog program = {(unsigned short)count, own};

	for (size_t i = 0; i < count; i++) {
		own[i] = made[i];
		own[i].k = made[i].k == KEG_CONFINE_PID ? pid : made[i].k;
	}
	/* It may cost no more than it has to: it is of no use against Spectre here. */
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		    SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) != 0)
		return keg_fail_errno(errno, "filtering this process's system calls");
	return 0;
}
#endif

static int filter_calls(const struct keg_user *user)
{
#if KEG_HAS_SECCOMP
	if (user->policy->network)
		return apply(filter_network, sizeof(filter_network) / sizeof(filter_network[0]));
	return apply(filter_alone, sizeof(filter_alone) / sizeof(filter_alone[0]));
#else
	(void)user;
	return 0;
#endif
}

int keg_user_confine(struct keg_user *user)
{
	int result = 0;

	keg_ahead_end(user);
	/* The last of its kind; who cannot have it does without. */
	if (user->policy->network)
		(void)keg_netlinks_of(user, &result);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return keg_fail_errno(errno, "giving up new privileges");
	result = restrict_files(user);
	if (result == 0)
		result = drop_capabilities();
	return result < 0 ? result : filter_calls(user);
}
