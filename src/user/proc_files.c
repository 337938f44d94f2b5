/* SPDX-License-Identifier: MIT */
/* What there is in /proc, /dev and /sys. */
#include "user/system_files.h"

#include <string.h>

#include "user/mount_list.h"
#include "user/task.h"

#define DIRECTORY (S_IFDIR | 0555)
#define FILE_READ (S_IFREG | 0444)
#define FILE_OWN  (S_IFREG | 0400)
#define LINK      (S_IFLNK | 0777)
#define DEVICE    (S_IFCHR | 0666)

const struct keg_system_file keg_proc_files[] = {
	{"", DIRECTORY, NULL, NULL},
	{"%", DIRECTORY, NULL, NULL},
	{"%/auxv", FILE_OWN, keg_proc_auxv, NULL},
	{"%/cgroup", FILE_READ, keg_proc_cgroup, NULL},
	{"%/cmdline", FILE_READ, keg_proc_cmdline, NULL},
	{"%/comm", FILE_READ, keg_proc_comm, NULL},
	{"%/cwd", LINK, keg_proc_cwd, NULL},
	{"%/environ", FILE_OWN, keg_proc_environ, NULL},
	{"%/exe", LINK, keg_proc_exe, NULL},
	{"%/fd", S_IFDIR | 0500, NULL, NULL},
	{"%/fd/%", S_IFLNK | 0700, NULL, NULL},
	{"%/limits", FILE_READ, keg_proc_limits, NULL},
	{"%/maps", FILE_READ, keg_proc_maps, NULL},
	{"%/mountinfo", FILE_READ, keg_proc_mountinfo, NULL},
	{"%/mounts", FILE_READ, keg_proc_mounts, NULL},
	{"%/oom_score", FILE_READ, keg_proc_zero, NULL},
	{"%/oom_score_adj", FILE_READ, keg_proc_zero, NULL},
	{"%/root", LINK, keg_proc_root, NULL},
	{"%/stat", FILE_READ, keg_proc_stat, NULL},
	{"%/statm", FILE_READ, keg_proc_statm, NULL},
	{"%/status", FILE_READ, keg_proc_status, NULL},
	{"%/task", DIRECTORY, NULL, NULL},
	{"%/task/%", DIRECTORY, NULL, NULL},
	{"%/task/%/comm", FILE_READ, keg_proc_comm, NULL},
	{"%/task/%/stat", FILE_READ, keg_proc_stat, NULL},
	{"%/task/%/status", FILE_READ, keg_proc_status, NULL},
	{"%/wchan", FILE_READ, keg_proc_wchan, NULL},
	{"cpuinfo", FILE_READ, keg_proc_cpuinfo, NULL},
	{"filesystems", FILE_READ, keg_proc_filesystems, NULL},
	{"loadavg", FILE_READ, keg_proc_loadavg, NULL},
	{"meminfo", FILE_READ, keg_proc_meminfo, NULL},
	{"mounts", LINK, keg_proc_self_mounts, NULL},
	{"self", LINK, keg_proc_self, NULL},
	{"stat", FILE_READ, keg_proc_system_stat, NULL},
	{"sys", DIRECTORY, NULL, NULL},
	{"sys/fs", DIRECTORY, NULL, NULL},
	{"sys/fs/file-max", FILE_READ, keg_proc_file_max, NULL},
	{"sys/fs/pipe-max-size", FILE_READ, keg_proc_pipe_max_size, NULL},
	{"sys/kernel", DIRECTORY, NULL, NULL},
	{"sys/kernel/cap_last_cap", FILE_READ, keg_proc_cap_last_cap, NULL},
	{"sys/kernel/hostname", FILE_READ, keg_proc_hostname, NULL},
	{"sys/kernel/ngroups_max", FILE_READ, keg_proc_ngroups_max, NULL},
	{"sys/kernel/osrelease", FILE_READ, keg_proc_osrelease, NULL},
	{"sys/kernel/ostype", FILE_READ, keg_proc_ostype, NULL},
	{"sys/kernel/pid_max", FILE_READ, keg_proc_pid_max, NULL},
	{"sys/kernel/random", DIRECTORY, NULL, NULL},
	{"sys/kernel/random/boot_id", FILE_READ, keg_proc_boot_id, NULL},
	{"sys/kernel/random/entropy_avail", FILE_READ, keg_proc_entropy, NULL},
	{"sys/kernel/random/uuid", FILE_READ, keg_proc_uuid, NULL},
	{"sys/vm", DIRECTORY, NULL, NULL},
	{"sys/vm/max_map_count", FILE_READ, keg_proc_max_map_count, NULL},
	{"sys/vm/mmap_min_addr", FILE_READ, keg_proc_mmap_min_addr, NULL},
	{"sys/vm/overcommit_memory", FILE_READ, keg_proc_overcommit, NULL},
	{"thread-self", LINK, keg_proc_thread_self, NULL},
	{"uptime", FILE_READ, keg_proc_uptime, NULL},
	{"version", FILE_READ, keg_proc_version, NULL},
	{NULL, 0, NULL, NULL},
};

static void dev_fd(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "/proc/self/fd");
}

static void dev_stdin(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "/proc/self/fd/0");
}

static void dev_stdout(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "/proc/self/fd/1");
}

static void dev_stderr(struct keg_text *text, const struct keg_system_at *at)
{
	(void)at;
	keg_text_print(text, "/proc/self/fd/2");
}

const struct keg_system_file keg_dev_files[] = {
	{"", S_IFDIR | 0755, NULL, NULL},
	{"fd", LINK, dev_fd, NULL},
	{"full", DEVICE, NULL, "full"},
	{"null", DEVICE, NULL, "null"},
	{"ptmx", DEVICE, NULL, "ptmx"},
	{"pts", S_IFDIR | 0755, NULL, NULL},
	{"pts/%", S_IFCHR | 0620, NULL, NULL},
	{"random", DEVICE, NULL, "random"},
	{"stderr", LINK, dev_stderr, NULL},
	{"stdin", LINK, dev_stdin, NULL},
	{"stdout", LINK, dev_stdout, NULL},
	{"tty", DEVICE, NULL, "tty"},
	{"urandom", DEVICE, NULL, "urandom"},
	{"zero", DEVICE, NULL, "zero"},
	{NULL, 0, NULL, NULL},
};

const struct keg_system_file keg_sys_files[] = {
	{"", DIRECTORY, NULL, NULL},
	{"devices", DIRECTORY, NULL, NULL},
	{"devices/system", DIRECTORY, NULL, NULL},
	{"devices/system/cpu", DIRECTORY, NULL, NULL},
	{"devices/system/cpu/online", FILE_READ, keg_sys_cpus, NULL},
	{"devices/system/cpu/possible", FILE_READ, keg_sys_cpus, NULL},
	{NULL, 0, NULL, NULL},
};

/* ---- Mounts, as the program sees them ---- */

/* Octal for what separates fields (fstab(5)). */
static void add_path(struct keg_text *text, const char *path)
{
	if (!*path)
		path = "/";
	for (; *path; path++)
		keg_text_print(text, strchr(" \t\n\\", *path) ? "\\%03o" : "%c", *path);
}

static const char *type_of(const struct keg_mount *mount)
{
	static const char *const types[] = {
		[KEG_MOUNT_HOST] = "ext4",
		[KEG_MOUNT_PROC] = "proc",
		[KEG_MOUNT_DEV] = "devtmpfs",
		[KEG_MOUNT_SYS] = "sysfs",
	};

	return mount->empty ? "tmpfs" : types[mount->kind];
}

void keg_proc_mounts(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_mounts *mounts = at->task->process->user->mounts;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const struct keg_mount *mount = &mounts->at[i];

		keg_text_print(text, "keg ");
		add_path(text, mount->path);
		keg_text_print(text, " %s %s,nosuid,nodev 0 0\n", type_of(mount),
			mount->writable ? "rw" : "ro");
	}
}

void keg_proc_mountinfo(struct keg_text *text, const struct keg_system_at *at)
{
	const struct keg_mounts *mounts = at->task->process->user->mounts;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const struct keg_mount *mount = &mounts->at[i];
		const char *mode = mount->writable ? "rw" : "ro";

		keg_text_print(text, "%u 1 0:%u / ", i + 2, i + 2);
		add_path(text, mount->path);
		keg_text_print(text, " %s,nosuid,nodev - %s keg %s\n", mode, type_of(mount), mode);
	}
}
