/* SPDX-License-Identifier: MIT */
/* /proc/PID: proc(5). All of it is written with user->lock held. */
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "user/pages.h"
#include "user/space.h"
#include "user/system_files.h"
#include "user/task.h"
#include "user/time.h"

enum { MOST_WORDS = 2 << 20 /* of arguments and environment */ };

void keg_proc_self(struct keg_text *text, const struct keg_system_at *at)
{
	keg_text_print(text, "%d", at->task->process->pid);
}

void keg_proc_thread_self(struct keg_text *text, const struct keg_system_at *at)
{
	keg_text_print(text, "%d/task/%d", at->task->process->pid, at->task->tid);
}

void keg_proc_self_mounts(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "self/mounts");
}

void keg_proc_exe(struct keg_text *text, const struct keg_system_at *at)
{
	if (at->process->executable)
		keg_text_print(text, "%s", at->process->executable);
}

void keg_proc_cwd(struct keg_text *text, const struct keg_system_at *at)
{
	char path[PATH_MAX];

	if (!at->process->fs)
		return;
	keg_fs_directory(at->process->fs, path);
	keg_text_print(text, "%s", path);
}

void keg_proc_root(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "/");
}

void keg_proc_cgroup(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "0::/\n");
}

void keg_proc_zero(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "0\n");
}

void keg_proc_wchan(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "0");
}

/* The task that the file is about; NULL: all have ended. */
static const struct keg_task *task_of(const struct keg_system_at *at)
{
	const struct keg_task *first = at->process->tasks;

	for (const struct keg_task *task = first; task; task = task->next)
		if (task->tid == (at->tid ? at->tid : at->process->pid))
			return task;
	return first;
}

static const char *name_of(const struct keg_system_at *at)
{
	const struct keg_task *task = task_of(at);
	const char *program = at->process->executable, *slash;

	if (task && task->name[0])
		return task->name;
	slash = program ? strrchr(program, '/') : NULL;
	return slash ? slash + 1 : "keg";
}

void keg_proc_comm(struct keg_text *text, const struct keg_system_at *at)
{
	keg_text_print(text, "%.15s\n", name_of(at));
}

/* What is in the process's memory, as far as it is there. */
static void add_memory(
	struct keg_text *text, const struct keg_process *process, uint64_t from, uint64_t to)
{
	char buffer[4096];

	if (!process->space || to < from || to - from > MOST_WORDS)
		return;
	while (from < to) {
		size_t most = to - from < sizeof(buffer) ? (size_t)(to - from) : sizeof(buffer);
		ssize_t length = keg_space_read_some(process->space, buffer, from, most);

		if (length <= 0)
			return;
		keg_text_add(text, buffer, (size_t)length);
		from += (uint64_t)length;
	}
}

void keg_proc_cmdline(struct keg_text *text, const struct keg_system_at *at)
{
	add_memory(text, at->process, at->process->args_at, at->process->args_end);
}

void keg_proc_environ(struct keg_text *text, const struct keg_system_at *at)
{
	add_memory(text, at->process, at->process->env_at, at->process->env_end);
}

void keg_proc_auxv(struct keg_text *text, const struct keg_system_at *at)
{
	const uint64_t *auxv = at->process->auxv;
	size_t count = 0, most = sizeof(at->process->auxv) / sizeof(auxv[0]);

	while (count + 2 < most && auxv[count])
		count += 2;
	keg_text_add(text, auxv, (count + 2) * sizeof(auxv[0]));
}

void keg_proc_maps(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_area_view area;
	uint64_t from = 0;

	while (at->process->space && keg_space_area(at->process->space, from, &area) == 0 &&
		!text->failed) {
		size_t before = text->length, wide;

		keg_text_print(text, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu",
			(unsigned long long)area.start, (unsigned long long)area.end,
			area.protection & 1 ? 'r' : '-', area.protection & 2 ? 'w' : '-',
			area.protection & 4 ? 'x' : '-', area.shared ? 's' : 'p',
			(unsigned long long)area.offset, (unsigned)(area.device >> 8 & 0xfff),
			(unsigned)(area.device & 0xff), (unsigned long long)area.inode);
		wide = text->length - before;
		if (area.name[0])
			keg_text_print(
				text, "%*s%s", wide < 73 ? (int)(73 - wide) : 1, "", area.name);
		keg_text_print(text, "\n");
		from = area.end;
	}
}

static struct keg_space_usage usage_of(const struct keg_system_at *at)
{
	struct keg_space_usage usage = {0};

	if (at->process->space)
		keg_space_usage(at->process->space, &usage);
	return usage;
}

void keg_proc_statm(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_space_usage usage = usage_of(at);

	keg_text_print(text, "%llu %llu 0 %llu 0 %llu 0\n",
		(unsigned long long)usage.size / KEG_PAGE,
		(unsigned long long)usage.resident / KEG_PAGE,
		(unsigned long long)usage.text / KEG_PAGE,
		(unsigned long long)(usage.data + usage.stack) / KEG_PAGE);
}

static char state_of(const struct keg_system_at *at)
{
	switch (at->process->state) {
	case KEG_PROCESS_ZOMBIE:
		return 'Z';
	case KEG_PROCESS_STOPPED:
		return 'T';
	default:
		return at->process == at->task->process ? 'R' : 'S';
	}
}

static pid_t parent_of(const struct keg_system_at *at)
{
	return at->process->parent ? at->process->parent->pid : 0;
}

/* In ticks, as everything in stat is. */
static unsigned long long ticks(const struct timeval *time)
{
	return (unsigned long long)time->tv_sec * 100 + (unsigned long long)time->tv_usec / 10000;
}

void keg_proc_stat(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_process *process = at->process;
	struct keg_space_usage usage = usage_of(at);
	const struct timespec *started = &process->started;
	uint64_t cpu = keg_process_cpu_ns(at->process) / 10000000;

	/* Fields 1 to 8, then 9 to 17. */
	keg_text_print(text, "%d (%.15s) %c %d %d %d 0 -1 ", at->tid ? at->tid : process->pid,
		name_of(at), state_of(at), parent_of(at), process->group, process->session);
	keg_text_print(text, "0 %llu 0 0 0 %llu %llu %llu %llu ", (unsigned long long)usage.faults,
		(unsigned long long)cpu, 0ull, ticks(&process->children.ru_utime),
		ticks(&process->children.ru_stime));
	/* 18 to 25. */
	keg_text_print(text, "20 0 %u 0 %llu %llu %llu %llu ", process->task_count,
		(unsigned long long)started->tv_sec * 100 +
			(unsigned long long)started->tv_nsec / 10000000,
		(unsigned long long)usage.size, (unsigned long long)usage.resident / KEG_PAGE,
		(unsigned long long)process->limits[RLIMIT_RSS].rlim_cur);
	/* 26 to 46, which nobody needs, and 47 to 52. */
	keg_text_print(text,
		"1 1 0 0 0 0 0 0 0 0 0 0 %d 0 0 0 0 0 0 0 0 %llu %llu %llu %llu %llu 0\n",
		process->exit_signal, (unsigned long long)process->brk_start,
		(unsigned long long)process->args_at, (unsigned long long)process->args_end,
		(unsigned long long)process->env_at, (unsigned long long)process->env_end);
}

static void add_memory_status(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_space_usage usage = usage_of(at);
	const struct {
		const char *name;
		uint64_t bytes;
	} lines[] = {
		{"VmPeak", usage.size},
		{"VmSize", usage.size},
		{"VmLck", usage.locked},
		{"VmHWM", usage.resident},
		{"VmRSS", usage.resident},
		{"VmData", usage.data},
		{"VmStk", usage.stack},
		{"VmExe", usage.text},
		{"VmSwap", 0},
	};

	for (size_t i = 0; at->process->space && i < sizeof(lines) / sizeof(lines[0]); i++)
		keg_text_print(text, "%s:\t%8llu kB\n", lines[i].name,
			(unsigned long long)lines[i].bytes / 1024);
}

static void add_signal_status(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_task *task = task_of(at);
	const struct keg_actions *actions = at->process->actions;
	unsigned long long ignored = 0, caught = 0;

	for (int signo = 1; actions && signo <= KEG_SIGNALS; signo++) {
		if (actions->of[signo].handler == 1)
			ignored |= KEG_SIGBIT(signo);
		else if (actions->of[signo].handler)
			caught |= KEG_SIGBIT(signo);
	}
	keg_text_print(text, "SigPnd:\t%016llx\nShdPnd:\t%016llx\n",
		task && task->pending ? (unsigned long long)task->pending->set : 0,
		at->process->pending ? (unsigned long long)at->process->pending->set : 0);
	keg_text_print(text, "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		task ? (unsigned long long)task->mask : 0, ignored, caught);
}

void keg_proc_status(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_process *process = at->process;
	unsigned uid = getuid(), euid = geteuid(), gid = getgid(), egid = getegid();
	char state = state_of(at);

	keg_text_print(text, "Name:\t%.15s\nUmask:\t%04o\nState:\t%c (%s)\n", name_of(at),
		process->fs ? (unsigned)keg_fs_umask(process->fs) : 0, state,
		state == 'Z'   ? "zombie"
		: state == 'T' ? "stopped"
		: state == 'R' ? "running"
			       : "sleeping");
	keg_text_print(text, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		process->pid, at->tid ? at->tid : process->pid, parent_of(at));
	keg_text_print(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", uid, euid, euid, euid,
		gid, egid, egid, egid);
	keg_text_print(text, "FDSize:\t64\nGroups:\t\n");
	add_memory_status(text, at);
	keg_text_print(text, "Threads:\t%u\n", process->task_count);
	add_signal_status(text, at);
	for (size_t i = 0; i < 5; i++)
		keg_text_print(text, "Cap%s:\t%016x\n", &"Inh\0Prm\0Eff\0Bnd\0Amb"[4 * i], 0);
	keg_text_print(text, "NoNewPrivs:\t1\nSeccomp:\t0\n");
}

void keg_proc_limits(struct keg_text *text, const struct keg_system_at *at)
{
	static const struct {
		const char *name, *unit;
		int limit;
	} lines[] = {
		{"Max cpu time", "seconds", RLIMIT_CPU},
		{"Max file size", "bytes", RLIMIT_FSIZE},
		{"Max data size", "bytes", RLIMIT_DATA},
		{"Max stack size", "bytes", RLIMIT_STACK},
		{"Max core file size", "bytes", RLIMIT_CORE},
		{"Max resident set", "bytes", RLIMIT_RSS},
		{"Max processes", "processes", RLIMIT_NPROC},
		{"Max open files", "files", RLIMIT_NOFILE},
		{"Max locked memory", "bytes", RLIMIT_MEMLOCK},
		{"Max address space", "bytes", RLIMIT_AS},
		{"Max file locks", "locks", RLIMIT_LOCKS},
		{"Max pending signals", "signals", RLIMIT_SIGPENDING},
		{"Max msgqueue size", "bytes", RLIMIT_MSGQUEUE},
		{"Max nice priority", "", RLIMIT_NICE},
		{"Max realtime priority", "", RLIMIT_RTPRIO},
		{"Max realtime timeout", "us", RLIMIT_RTTIME},
	};

	keg_text_print(
		text, "%-26s%-21s%-21s%-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct rlimit *limit = &at->process->limits[lines[i].limit];
		const rlim_t both[] = {limit->rlim_cur, limit->rlim_max};

		keg_text_print(text, "%-26s", lines[i].name);
		for (size_t j = 0; j < 2; j++) {
			if (both[j] == RLIM_INFINITY)
				keg_text_print(text, "%-21s", "unlimited");
			else
				keg_text_print(text, "%-21llu", (unsigned long long)both[j]);
		}
		keg_text_print(text, "%-10s\n", lines[i].unit);
	}
}
