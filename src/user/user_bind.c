/* SPDX-License-Identifier: MIT */
/* What a sandbox's user lets it see. */
#include <errno.h>

#include "base/error.h"
#include "user/mounts.h"
#include "user/task.h"

/* Mounts do not change once there is a program that walks them. */
static int check(const struct keg_user *user)
{
	return user->first ? keg_fail(EBUSY, "a program is loaded: nothing more can be bound") : 0;
}

int keg_user_bind(struct keg_user *user, const char *host, const char *guest, uint32_t flags)
{
	int r = check(user);

	return r ? r : keg_mounts_bind(user->mounts, host, guest, flags);
}

int keg_user_bind_empty(struct keg_user *user, const char *guest, uint64_t bytes)
{
	int r = check(user);

	return r ? r : keg_mounts_tmpfs(user->mounts, guest, bytes);
}

int keg_user_bind_system(struct keg_user *user)
{
	int r = check(user);

	return r ? r : keg_mounts_system(user->mounts);
}
