/* SPDX-License-Identifier: MIT */
/*
 * Files that keg makes up: /proc, /dev, /sys. A table has them all; a number in a path ("%") stands
 * for a process, one of its tasks, or one of its descriptors.
 */
#ifndef KEG_USER_SYSTEM_FILES_H
#define KEG_USER_SYSTEM_FILES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "user/mounts.h"

struct keg_listing;
struct keg_process;

/* Text that grows; out of memory it stays as it is, and `failed`. */
struct keg_text {
	char *at;
	size_t length, size;
	bool failed;
};
#define KEG_TEXT_MOST (16u << 20)
void keg_text_add(struct keg_text *text, const void *bytes, size_t length);
void keg_text_print(struct keg_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whose file is written: with user->lock held. `process` and `tid` of files in /proc/PID. */
struct keg_system_at {
	struct keg_task *task; /* who asks */
	struct keg_process *process;
	pid_t tid;
};
typedef void keg_system_write(struct keg_text *text, const struct keg_system_at *at);

struct keg_system_file {
	const char *path; /* beneath the mount */
	mode_t mode;
	keg_system_write *write; /* of a file its text, of a link where it leads */
	const char *host;        /* of a device: its name in the host's /dev */
};
/* Each ends with an entry whose path is NULL. */
extern const struct keg_system_file keg_proc_files[];
extern const struct keg_system_file keg_dev_files[];
extern const struct keg_system_file keg_sys_files[];

/* What the tables' rows are written by: proc_*.c */
keg_system_write keg_proc_exe, keg_proc_cwd, keg_proc_maps, keg_proc_stat, keg_proc_statm,
	keg_proc_status, keg_proc_cmdline, keg_proc_environ, keg_proc_comm, keg_proc_auxv,
	keg_proc_limits, keg_proc_mounts, keg_proc_mountinfo, keg_proc_cgroup, keg_proc_zero,
	keg_proc_root, keg_proc_self, keg_proc_thread_self, keg_proc_self_mounts, keg_proc_wchan;
keg_system_write keg_proc_cpuinfo, keg_proc_meminfo, keg_proc_system_stat, keg_proc_uptime,
	keg_proc_loadavg, keg_proc_version, keg_proc_filesystems, keg_proc_ostype,
	keg_proc_osrelease, keg_proc_hostname, keg_proc_pid_max, keg_proc_uuid, keg_proc_boot_id,
	keg_proc_ngroups_max, keg_proc_cap_last_cap, keg_proc_overcommit, keg_proc_max_map_count,
	keg_proc_mmap_min_addr, keg_proc_pipe_max_size, keg_proc_file_max, keg_sys_cpus,
	keg_proc_entropy;

/* What is at `name` beneath the mount ("" itself): fills the place but its path. -ENOENT */
int keg_system_look(struct keg_task *task, const struct keg_mount *mount, const char *name,
	struct keg_place *place);
/* Where a link leads: for the walk (-EXDEV: to an open file that has no path), and for readlink(2).
 */
int keg_system_link(struct keg_task *task, const struct keg_place *place, char to[PATH_MAX]);
int keg_system_read_link(struct keg_task *task, const struct keg_place *place, char to[PATH_MAX]);
int keg_system_open(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file);
/* Adds the names in a directory. */
int keg_system_list(
	struct keg_task *task, const struct keg_place *place, struct keg_listing *listing);

/* The file that /proc/PID/fd/N is, held; NULL: it is closed. */
struct keg_file *keg_system_descriptor(struct keg_task *task, pid_t pid, int descriptor);

/* The rows that a place is among, and its own. */
const struct keg_system_file *keg_system_table(const struct keg_mount *mount);
const struct keg_system_file *keg_system_row(const struct keg_place *place);
/* The process, if it is there and has the task (0: any); user->lock held. NULL: there is none */
struct keg_process *keg_system_process(struct keg_task *task, pid_t pid, pid_t tid);
/* What the row says. text->at is the caller's, whatever the result. */
int keg_system_text(struct keg_task *task, const struct keg_place *place, struct keg_text *text);

/* What lstat(2) says of what is made up: from a name that stands for it. */
void keg_made_up_stat(struct stat *st, mode_t mode, const char *path);

#endif
