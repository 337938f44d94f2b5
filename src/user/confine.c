/* SPDX-License-Identifier: MIT */
/*
 * Giving up what running a sandbox does not need, for the whole process and for good: so that a
 * program that broke out of its machine, and into keg, would find little there.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"
#include "user/ahead.h"
#include "user/confine_calls.h"
#include "user/landlock.h"
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

static int restrict_files(struct keg_user *user)
{
	int result = 0, rules = keg_ahead_rules(user);

	/* With or without the network: that may have been settled since. */
	if (rules < 0)
		result = keg_landlock_rules(user, &rules);
	if (result < 0 || rules < 0)
		return result;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		result = keg_fail_errno(errno, "restricting this process by Landlock");
	close(rules);
	return result;
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

	keg_ahead_wait(user);
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
