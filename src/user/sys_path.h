/* SPDX-License-Identifier: MIT */
/* System calls that take a path: in several files, with one table, in sys_path.c. */
#ifndef KEG_USER_SYS_PATH_H
#define KEG_USER_SYS_PATH_H

#include "user/mounts.h"
#include "user/syscall.h"

/* sys_path.c */
keg_syscall_function keg_sys_open, keg_sys_openat, keg_sys_openat2, keg_sys_creat;
/* sys_path_stat.c */
keg_syscall_function keg_sys_stat, keg_sys_lstat, keg_sys_newfstatat, keg_sys_statx, keg_sys_statfs,
	keg_sys_access, keg_sys_faccessat, keg_sys_faccessat2, keg_sys_readlink, keg_sys_readlinkat;
/* sys_path_change.c */
keg_syscall_function keg_sys_mkdir, keg_sys_mkdirat, keg_sys_mknod, keg_sys_mknodat, keg_sys_rmdir,
	keg_sys_unlink, keg_sys_unlinkat, keg_sys_symlink, keg_sys_symlinkat;
/* sys_path_rename.c */
keg_syscall_function keg_sys_rename, keg_sys_renameat, keg_sys_renameat2, keg_sys_link,
	keg_sys_linkat;
/* sys_path_attributes.c */
keg_syscall_function keg_sys_chmod, keg_sys_fchmodat, keg_sys_fchmodat2, keg_sys_chown,
	keg_sys_lchown, keg_sys_fchownat, keg_sys_truncate, keg_sys_utime, keg_sys_utimes,
	keg_sys_futimesat, keg_sys_utimensat;
/* sys_path_xattr.c */
keg_syscall_function keg_sys_getxattr, keg_sys_lgetxattr, keg_sys_listxattr, keg_sys_llistxattr,
	keg_sys_setxattr, keg_sys_lsetxattr, keg_sys_removexattr, keg_sys_lremovexattr,
	keg_sys_fgetxattr, keg_sys_flistxattr, keg_sys_fsetxattr, keg_sys_fremovexattr;
/* sys_path_watch.c */
keg_syscall_function keg_sys_inotify_init, keg_sys_inotify_init1, keg_sys_inotify_add_watch,
	keg_sys_inotify_rm_watch;
/* sys_directory.c */
keg_syscall_function keg_sys_chdir, keg_sys_fchdir, keg_sys_getcwd, keg_sys_chroot, keg_sys_umask,
	keg_sys_getdents, keg_sys_getdents64;

/* A path argument that is held (place->fd), and exists. */
int keg_path_held(
	struct keg_task *task, int at, uint64_t path, uint32_t flags, struct keg_place *place);
/* KEG_WALK_ flags from AT_ flags: following unless AT_SYMLINK_NOFOLLOW. */
uint32_t keg_path_walk(uint64_t at_flags);
/* The host's descriptor for the place, and what has to be put after it was used: place->fd, or that
 * of the open file that it stands for. -1: it is made up */
struct keg_file;
int keg_path_descriptor(
	struct keg_task *task, const struct keg_place *place, struct keg_file **file);

/* Where a name may be taken away: keg_place_parent(), and -EBUSY for what holds a mount. */
int keg_path_removable(struct keg_task *task, const struct keg_place *place, const char **last);
/* chmod(2) of what an O_PATH descriptor stands for. */
int keg_path_chmod(int fd, mode_t mode);
/* A name of the host's for a descriptor of this process, for calls that take nothing else. */
#define KEG_PATH_HOST 32
void keg_path_host(int fd, char name[KEG_PATH_HOST]);

#endif
