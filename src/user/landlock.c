/* SPDX-License-Identifier: MIT */
/* What the kernel's Landlock can restrict. */
#include <sys/syscall.h>
#include <unistd.h>

#include "user/landlock.h"

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
