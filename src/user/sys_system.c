/* SPDX-License-Identifier: MIT */
/* The system calls about the system, the process's identity, its limits and its settings. */
#include <asm/prctl.h>
#include <asm/unistd.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/process.h"
#include "user/space.h"
#include "user/time.h"

/* ---- The system ---- */

static int64_t sys_refused(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return -EPERM;
}

static int64_t sys_uname(struct keg_task *task, const uint64_t args[6])
{
	struct utsname name;

	/* The C library's structure is the kernel's: six fields of 65 bytes. */
	if (uname(&name) < 0)
		return -errno;
	memset(name.nodename, 0, sizeof(name.nodename));
	memcpy(name.nodename, "keg", sizeof("keg"));
	return keg_space_write(task->process->space, args[0], &name, sizeof(name));
}

static int64_t sys_sysinfo(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_pages_usage usage;
	struct sysinfo info = {.mem_unit = 1};
	struct timespec up;

	keg_pages_usage(user->pages, &usage);
	clock_gettime(CLOCK_BOOTTIME, &up);
	info.uptime = up.tv_sec;
	info.totalram = usage.limit;
	info.freeram = usage.limit - usage.used;
	pthread_mutex_lock(&user->lock);
	info.procs = (unsigned short)user->process_count;
	pthread_mutex_unlock(&user->lock);
	return keg_space_write(task->process->space, args[0], &info, sizeof(info));
}

static int64_t sys_getrandom(struct keg_task *task, const uint64_t args[6])
{
	const uint64_t most = 1 << 20;
	uint64_t length = args[1] < most ? args[1] : most;
	void *buffer = keg_task_buffer(task, length);
	ssize_t got;

	if ((unsigned)args[2] & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!buffer)
		return -ENOMEM;
	got = getrandom(buffer, length, (unsigned)args[2] & GRND_NONBLOCK);
	if (got < 0)
		return -errno;
	return keg_space_write_some(task->process->space, args[0], buffer, (size_t)got);
}

static int64_t sys_getcpu(struct keg_task *task, const uint64_t args[6])
{
	uint32_t cpu = 0, node = 0;

	if (getcpu(&cpu, &node) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		if (args[i] && keg_space_write(task->process->space, args[i], i ? &node : &cpu,
				       sizeof(cpu)) < 0)
			return -EFAULT;
	}
	return 0;
}

/* membarrier(2): the host's own reaches vCPUs too, as they are threads of this process. */
static int64_t sys_membarrier(struct keg_task *task, const uint64_t args[6])
{
	const int known =
		MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED;
	int command = (int)args[0];

	(void)task;
	if (args[1] || (command != MEMBARRIER_CMD_QUERY && (command & ~known || command == known)))
		return -EINVAL;
	if (command == MEMBARRIER_CMD_QUERY)
		return known;
	return syscall(__NR_membarrier, command, 0, 0) < 0 ? -errno : 0;
}

/* ---- Limits and usage ---- */

static int set_limit(struct keg_process *process, int which, const struct rlimit *to)
{
	const struct rlimit *from = &process->limits[which];

	if (to->rlim_cur > to->rlim_max)
		return -EINVAL;
	if (to->rlim_max > from->rlim_max)
		return -EPERM;
	process->limits[which] = *to;
	keg_space_set_limits(
		process->space, &(struct keg_space_limits){process->limits[RLIMIT_AS].rlim_cur,
					process->limits[RLIMIT_DATA].rlim_cur,
					process->limits[RLIMIT_STACK].rlim_cur});
	return 0;
}

static int64_t limit(
	struct keg_task *task, uint64_t pid, uint64_t which, uint64_t new_at, uint64_t old_at)
{
	struct keg_user *user = task->process->user;
	struct keg_space *space = task->process->space;
	struct rlimit old, new;
	int result = 0;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if ((pid_t)pid && (pid_t)pid != task->process->pid)
		return -ESRCH;
	if (new_at && keg_space_read(space, &new, new_at, sizeof(new)) < 0)
		return -EFAULT;
	pthread_mutex_lock(&user->lock);
	old = task->process->limits[which];
	if (new_at)
		result = set_limit(task->process, (int)which, &new);
	pthread_mutex_unlock(&user->lock);
	if (result == 0 && old_at)
		result = keg_space_write(space, old_at, &old, sizeof(old));
	return result;
}

static int64_t sys_getrlimit(struct keg_task *task, const uint64_t args[6])
{
	return limit(task, 0, args[0], 0, args[1]);
}

static int64_t sys_setrlimit(struct keg_task *task, const uint64_t args[6])
{
	return args[1] ? limit(task, 0, args[0], args[1], 0) : -EFAULT;
}

static int64_t sys_prlimit64(struct keg_task *task, const uint64_t args[6])
{
	return limit(task, args[0], args[1], args[2], args[3]);
}

static void usage_of(struct keg_task *task, int who, struct rusage *usage)
{
	struct keg_process *process = task->process;
	struct keg_space_usage space;
	uint64_t ns;

	memset(usage, 0, sizeof(*usage));
	pthread_mutex_lock(&process->user->lock);
	if (who == RUSAGE_CHILDREN)
		*usage = process->children;
	ns = who == RUSAGE_SELF ? keg_process_cpu_ns(process) : keg_task_cpu_ns(task);
	pthread_mutex_unlock(&process->user->lock);
	if (who == RUSAGE_CHILDREN)
		return;
	usage->ru_utime.tv_sec = (time_t)(ns / 1000000000u);
	usage->ru_utime.tv_usec = (suseconds_t)(ns % 1000000000u / 1000);
	keg_space_usage(process->space, &space);
	usage->ru_maxrss = (long)(space.resident / 1024);
	usage->ru_minflt = (long)space.faults;
}

static int64_t sys_getrusage(struct keg_task *task, const uint64_t args[6])
{
	struct rusage usage;
	int who = (int)args[0];

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN && who != RUSAGE_THREAD)
		return -EINVAL;
	usage_of(task, who, &usage);
	return keg_space_write(task->process->space, args[1], &usage, sizeof(usage));
}

/* ---- Settings ---- */

static int64_t sys_arch_prctl(struct keg_task *task, const uint64_t args[6])
{
	struct keg_cpu *cpu = task->cpu;
	bool sets = args[0] == ARCH_SET_FS || args[0] == ARCH_SET_GS;

	if (sets && args[1] >= KEG_USER_TOP)
		return -EPERM;
	switch (args[0]) {
	case ARCH_SET_FS:
		cpu->regs.fs_base = args[1];
		break;
	case ARCH_SET_GS:
		cpu->regs.gs_base = args[1];
		break;
	case ARCH_GET_FS:
		return keg_space_write(task->process->space, args[1], &cpu->regs.fs_base, 8);
	case ARCH_GET_GS:
		return keg_space_write(task->process->space, args[1], &cpu->regs.gs_base, 8);
	default:
		return -EINVAL;
	}
	cpu->bases_changed = true;
	return 0;
}

static int64_t set_name(struct keg_task *task, uint64_t at)
{
	char name[16] = {0};
	ssize_t length = keg_space_read_string(task->process->space, name, at, sizeof(name));

	if (length < 0 && length != -ENAMETOOLONG)
		return length;
	name[15] = 0;
	memcpy(task->name, name, sizeof(name));
	return 0;
}

static int64_t write_int(struct keg_task *task, uint64_t at, int value)
{
	return keg_space_write(task->process->space, at, &value, sizeof(value));
}

/* What prctl(2) tells by its result. -EINVAL: nothing of that name. */
static int64_t get_setting(const struct keg_process *process, int which)
{
	switch (which) {
	case PR_GET_DUMPABLE:
		return process->dumpable;
	case PR_GET_NO_NEW_PRIVS:
		return 1;
	case PR_GET_TIMERSLACK:
		return 50000;
	case PR_GET_KEEPCAPS:
	case PR_GET_SECCOMP:
	case PR_CAPBSET_READ:
		return 0;
	default:
		return -EINVAL;
	}
}

/* What prctl(2) is told as a number. */
static int64_t set_setting(struct keg_process *process, int which, uint64_t value)
{
	switch (which) {
	case PR_SET_PDEATHSIG:
		if (value > KEG_SIGNALS)
			return -EINVAL;
		process->death_signal = (int)value;
		return 0;
	case PR_SET_DUMPABLE:
		if (value > 1)
			return -EINVAL;
		process->dumpable = (int)value;
		return 0;
	case PR_SET_CHILD_SUBREAPER:
		process->subreaper = value;
		return 0;
	case PR_SET_NO_NEW_PRIVS: /* there are none to be had */
		return value == 1 ? 0 : -EINVAL;
	case PR_SET_KEEPCAPS:
	case PR_SET_TIMERSLACK:
		return 0;
	default:
		return get_setting(process, which);
	}
}

static int64_t sys_prctl(struct keg_task *task, const uint64_t args[6])
{
	struct keg_process *process = task->process;

	switch ((int)args[0]) {
	case PR_SET_NAME:
		return set_name(task, args[1]);
	case PR_GET_NAME:
		return keg_space_write(process->space, args[1], task->name, sizeof(task->name));
	case PR_GET_PDEATHSIG:
		return write_int(task, args[1], process->death_signal);
	case PR_GET_CHILD_SUBREAPER:
		return write_int(task, args[1], process->subreaper);
	default:
		return set_setting(process, (int)args[0], args[1]);
	}
}

static int64_t sys_personality(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	return (uint32_t)args[0] == UINT32_MAX || (uint32_t)args[0] == 0 ? 0 : -EINVAL;
}

const struct keg_syscall keg_syscalls_system[] = {
	{__NR_sethostname, "sethostname", "pu", sys_refused},
	{__NR_setdomainname, "setdomainname", "pu", sys_refused},
	{__NR_uname, "uname", "p", sys_uname},
	{__NR_sysinfo, "sysinfo", "p", sys_sysinfo},
	{__NR_getrandom, "getrandom", "pux", sys_getrandom},
	{__NR_getcpu, "getcpu", "ppp", sys_getcpu},
	{__NR_membarrier, "membarrier", "dx", sys_membarrier},
	{__NR_getrlimit, "getrlimit", "dp", sys_getrlimit},
	{__NR_setrlimit, "setrlimit", "dp", sys_setrlimit},
	{__NR_prlimit64, "prlimit64", "ddpp", sys_prlimit64},
	{__NR_getrusage, "getrusage", "dp", sys_getrusage},
	{__NR_arch_prctl, "arch_prctl", "xx", sys_arch_prctl},
	{__NR_prctl, "prctl", "dxxxx", sys_prctl},
	{__NR_personality, "personality", "x", sys_personality},
	{0},
};
