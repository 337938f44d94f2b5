/* SPDX-License-Identifier: MIT */
/* The system calls about who a process is: keg's own user, and no more than that. */
#include <asm/unistd.h>
#include <errno.h>
#include <unistd.h>

#include "user/space.h"
#include "user/task.h"

static int64_t sys_getuid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return getuid();
}

static int64_t sys_getgid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return getgid();
}

/* setuid(2) and its kin: what it is already is allowed; -1 leaves an id as it is. */
static int64_t same_ids(const uint64_t *ids, int count, uint32_t own)
{
	for (int i = 0; i < count; i++) {
		if ((uint32_t)ids[i] != own && (uint32_t)ids[i] != UINT32_MAX)
			return -EPERM;
	}
	return 0;
}

static int64_t sys_setuid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 1, getuid());
}

static int64_t sys_setgid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 1, getgid());
}

static int64_t sys_setresuid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 3, getuid());
}

static int64_t sys_setresgid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 3, getgid());
}

static int64_t sys_setreuid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 2, getuid());
}

static int64_t sys_setregid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return same_ids(args, 2, getgid());
}

/* setfsuid(2): no error, what it was. */
static int64_t sys_setfsuid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return getuid();
}

static int64_t sys_setfsgid(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return getgid();
}

static int64_t write_three(struct keg_task *task, const uint64_t args[6], uint32_t id)
{
	for (int i = 0; i < 3; i++) {
		if (keg_space_write(task->process->space, args[i], &id, sizeof(id)) < 0)
			return -EFAULT;
	}
	return 0;
}

static int64_t sys_getresuid(struct keg_task *task, const uint64_t args[6])
{
	return write_three(task, args, getuid());
}

static int64_t sys_getresgid(struct keg_task *task, const uint64_t args[6])
{
	return write_three(task, args, getgid());
}

/* No groups but its own: what supplementary groups would allow is for the mounts to say. */
static int64_t sys_getgroups(struct keg_task *task, const uint64_t args[6])
{
	uint32_t own = getgid();

	if ((int)args[0] < 0)
		return -EINVAL;
	if ((int)args[0] == 0)
		return 1;
	return keg_space_write(task->process->space, args[1], &own, sizeof(own)) < 0 ? -EFAULT : 1;
}

static int64_t sys_refused(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return -EPERM;
}

/* capget(2): none, whoever runs keg: nothing that would need one is served. */
static int64_t sys_capget(struct keg_task *task, const uint64_t args[6])
{
	const uint32_t version_3 = 0x20080522; /* <linux/capability.h> */
	struct keg_space *space = task->process->space;
	uint32_t header[2], none[6] = {0};

	if (keg_space_read(space, header, args[0], sizeof(header)) < 0)
		return -EFAULT;
	if (header[0] != version_3) {
		if (keg_space_write(space, args[0], &version_3, sizeof(version_3)) < 0)
			return -EFAULT;
		return args[1] ? -EINVAL : 0;
	}
	return args[1] ? keg_space_write(space, args[1], none, sizeof(none)) : 0;
}

const struct keg_syscall keg_syscalls_identity[] = {
	{__NR_getuid, "getuid", "", sys_getuid},
	{__NR_geteuid, "geteuid", "", sys_getuid},
	{__NR_getgid, "getgid", "", sys_getgid},
	{__NR_getegid, "getegid", "", sys_getgid},
	{__NR_setuid, "setuid", "u", sys_setuid},
	{__NR_setgid, "setgid", "u", sys_setgid},
	{__NR_setreuid, "setreuid", "uu", sys_setreuid},
	{__NR_setregid, "setregid", "uu", sys_setregid},
	{__NR_setresuid, "setresuid", "uuu", sys_setresuid},
	{__NR_setresgid, "setresgid", "uuu", sys_setresgid},
	{__NR_getresuid, "getresuid", "ppp", sys_getresuid},
	{__NR_getresgid, "getresgid", "ppp", sys_getresgid},
	{__NR_setfsuid, "setfsuid", "u", sys_setfsuid},
	{__NR_setfsgid, "setfsgid", "u", sys_setfsgid},
	{__NR_getgroups, "getgroups", "dp", sys_getgroups},
	{__NR_setgroups, "setgroups", "dp", sys_refused},
	{__NR_capget, "capget", "pp", sys_capget},
	{__NR_capset, "capset", "pp", sys_refused},
	{0},
};
