/* SPDX-License-Identifier: MIT */
/* What /proc and /sys say of the system: proc(5). */
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "user/mount_list.h"
#include "user/pages.h"
#include "user/system_files.h"
#include "user/task.h"

enum { MOST_OF_HOST = 1 << 20 };

static int processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1 : CPU_COUNT(&set);
}

/* What the host says of its processors: the program runs on them. */
void keg_proc_cpuinfo(struct keg_text *text, const struct keg_system_at *at)
{
	int host = at->task->process->user->mounts->host_proc;
	int fd = host < 0 ? -1 : openat(host, "cpuinfo", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char buffer[4096];
	ssize_t length = 0;

	while (fd >= 0 && text->length < MOST_OF_HOST &&
		(length = read(fd, buffer, sizeof(buffer))) > 0)
		keg_text_add(text, buffer, (size_t)length);
	if (fd >= 0)
		close(fd);
	for (int i = 0; !text->length && i < processors(); i++)
		keg_text_print(text, "processor\t: %d\n\n", i);
}

void keg_proc_meminfo(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_pages_usage usage;
	uint64_t left;

	keg_pages_usage(at->task->process->user->pages, &usage);
	left = usage.limit - usage.used;
	const struct {
		const char *name;
		uint64_t bytes;
	} lines[] = {
		{"MemTotal:", usage.limit},
		{"MemFree:", left},
		{"MemAvailable:", left},
		{"Buffers:", 0},
		{"Cached:", 0},
		{"SwapCached:", 0},
		{"Active:", usage.used},
		{"Inactive:", 0},
		{"SwapTotal:", 0},
		{"SwapFree:", 0},
		{"Shmem:", 0},
		{"CommitLimit:", usage.limit},
		{"Committed_AS:", usage.used},
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		keg_text_print(text, "%-15s %8llu kB\n", lines[i].name,
			(unsigned long long)lines[i].bytes / 1024);
}

static struct timespec up(void)
{
	struct timespec time;

	clock_gettime(CLOCK_BOOTTIME, &time);
	return time;
}

void keg_proc_system_stat(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_user *user = at->task->process->user;
	struct timespec now, since = up();

	clock_gettime(CLOCK_REALTIME, &now);
	keg_text_print(text, "cpu  0 0 0 %lld 0 0 0 0 0 0\n", (long long)since.tv_sec * 100);
	for (int i = 0; i < processors(); i++)
		keg_text_print(
			text, "cpu%d 0 0 0 %lld 0 0 0 0 0 0\n", i, (long long)since.tv_sec * 100);
	keg_text_print(text, "intr 0\nctxt 0\nbtime %lld\nprocesses %llu\n",
		(long long)(now.tv_sec - since.tv_sec), (unsigned long long)user->processes_made);
	keg_text_print(text, "procs_running 1\nprocs_blocked 0\n");
}

void keg_proc_uptime(struct keg_text *text, const struct keg_system_at *at)
{
	struct timespec time = up();

	(void)at;
	keg_text_print(text, "%lld.%02ld 0.00\n", (long long)time.tv_sec, time.tv_nsec / 10000000);
}

void keg_proc_loadavg(struct keg_text *text, const struct keg_system_at *at)
{
	struct keg_user *user = at->task->process->user;

	keg_text_print(text, "0.00 0.00 0.00 1/%u %d\n", user->task_count, user->last_pid);
}

void keg_proc_version(struct keg_text *text, const struct keg_system_at *at)
{
	struct utsname name;

	(void)at;
	if (uname(&name) == 0)
		keg_text_print(
			text, "%s version %s (keg) %s\n", name.sysname, name.release, name.version);
}

void keg_proc_filesystems(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "nodev\tproc\nnodev\tsysfs\nnodev\ttmpfs\n\text4\n");
}

void keg_proc_ostype(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "Linux\n");
}

void keg_proc_osrelease(struct keg_text *text, const struct keg_system_at *at)
{
	struct utsname name;

	(void)at;
	if (uname(&name) == 0)
		keg_text_print(text, "%s\n", name.release);
}

/* As uname(2) has it. */
void keg_proc_hostname(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "keg\n");
}

void keg_proc_pid_max(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "4194304\n");
}

static void add_uuid(struct keg_text *text, uint64_t high, uint64_t low)
{
	/* Version 4, variant 1 (RFC 9562, 5.4). */
	keg_text_print(text, "%08llx-%04llx-4%03llx-%04llx-%012llx\n",
		(unsigned long long)(high >> 32), (unsigned long long)(high >> 16 & 0xffff),
		(unsigned long long)(high & 0xfff),
		(unsigned long long)(low >> 48 & 0x3fff) | 0x8000,
		(unsigned long long)(low & 0xffffffffffff));
}

void keg_proc_uuid(struct keg_text *text, const struct keg_system_at *at)
{
	uint64_t random[2];

	(void)at;
	if (getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random))
		add_uuid(text, random[0], random[1]);
}

/* The same as long as the sandbox is. */
void keg_proc_boot_id(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_process *first = at->task->process->user->first;
	uint64_t began = first ? (uint64_t)first->started.tv_nsec : 0;

	add_uuid(text, began * 0x9e3779b97f4a7c15, began * 0xbf58476d1ce4e5b9);
}

void keg_proc_entropy(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "256\n");
}

void keg_proc_ngroups_max(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "65536\n");
}

void keg_proc_cap_last_cap(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "40\n");
}

/* As if there was always enough: pages are taken when they are touched. */
void keg_proc_overcommit(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "1\n");
}

void keg_proc_max_map_count(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "65530\n");
}

void keg_proc_mmap_min_addr(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "65536\n");
}

void keg_proc_pipe_max_size(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "1048576\n");
}

void keg_proc_file_max(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "1048576\n");
}

void keg_sys_cpus(struct keg_text *text, const struct keg_system_at *at)
{
	int last = processors() - 1;

	(void)at;
	keg_text_print(text, last ? "0-%d\n" : "%d\n", last);
}
