/* SPDX-License-Identifier: MIT */
/*
 * The host's system calls that running a sandbox needs, for the filter that keg_user_confine()
 * puts this process under. Nothing that executes programs, makes processes, traces, mounts, loads
 * or changes identities is among them.
 *
 * CALL(name): with any arguments.
 */
#ifndef KEG_USER_CONFINE_CALLS_H
#define KEG_USER_CONFINE_CALLS_H

/* Stands for this process's number in the filter, which is made before there is one: no process can
 * have it (proc(5), pid_max). */
#define KEG_CONFINE_PID 0x7eed0001

/* Headers that are older than Linux 6.6 do not know it, nor do libseccomp's. */
#ifndef __NR_fchmodat2
#define __NR_fchmodat2 452
#endif
#ifndef __SNR_fchmodat2
#define __SNR_fchmodat2 __NR_fchmodat2
#endif

/* clang-format off */

/* Memory, threads, signals, time: what keg and the C library are made of. */
#define KEG_CONFINE_BASE(CALL) \
	CALL(brk) CALL(mmap) CALL(munmap) CALL(mremap) CALL(mprotect) CALL(madvise) CALL(mincore) \
	CALL(exit) CALL(exit_group) CALL(futex) CALL(set_robust_list) CALL(rseq) \
	CALL(set_tid_address) CALL(sched_yield) CALL(sched_getaffinity) CALL(getcpu) \
	CALL(membarrier) CALL(getpid) CALL(getpgrp) CALL(gettid) CALL(getppid) CALL(getuid) \
	CALL(geteuid) CALL(getgid) CALL(getegid) CALL(getrusage) CALL(uname) \
	CALL(sysinfo) CALL(getrandom) CALL(rt_sigaction) CALL(rt_sigprocmask) \
	CALL(rt_sigreturn) CALL(rt_sigpending) CALL(rt_sigtimedwait) CALL(sigaltstack) \
	CALL(restart_syscall) CALL(clock_gettime) CALL(clock_getres) \
	CALL(clock_nanosleep) CALL(nanosleep) CALL(gettimeofday) CALL(time) CALL(times) \
	CALL(timer_create) CALL(timer_settime) CALL(timer_gettime) \
	CALL(timer_getoverrun) CALL(timer_delete) CALL(timerfd_create) \
	CALL(timerfd_settime) CALL(timerfd_gettime)

/*
 * Files, beneath what Landlock leaves reachable. What it does not look at, and keg does not do, is
 * not here: owners, and setxattr(2), which sets attributes by a path.
 *
 * Modes and times it does not look at either, and keg does: of what a walk has come to, an O_PATH
 * descriptor. That takes a call with a path, empty (AT_EMPTY_PATH) or in /proc, whose text no filter
 * sees: fchmodat2(2), chmod(2) on a Linux before 6.6, and utimensat(2). fchmod(2) and futimens(3)
 * would do without one, but they want the file opened, which cannot be done with a socket or a
 * symbolic link, nor with what its owner may not read.
 */
#define KEG_CONFINE_FILES(CALL) \
	CALL(read) CALL(write) CALL(readv) CALL(writev) CALL(pread64) CALL(pwrite64) \
	CALL(preadv) CALL(pwritev) CALL(preadv2) CALL(pwritev2) CALL(lseek) CALL(close) \
	CALL(close_range) CALL(dup) CALL(dup2) CALL(dup3) CALL(fcntl) CALL(flock) \
	CALL(fstat) CALL(newfstatat) CALL(statx) CALL(stat) CALL(lstat) CALL(fstatfs) \
	CALL(statfs) CALL(fsync) CALL(fdatasync) CALL(syncfs) CALL(sync_file_range) \
	CALL(ftruncate) CALL(fallocate) CALL(fadvise64) CALL(readahead) CALL(sendfile) \
	CALL(copy_file_range) CALL(splice) CALL(tee) CALL(memfd_create) CALL(openat) \
	CALL(openat2) CALL(getdents64) CALL(readlink) CALL(readlinkat) CALL(unlinkat) \
	CALL(mkdirat) CALL(mknodat) CALL(renameat) CALL(renameat2) CALL(linkat) \
	CALL(symlinkat) CALL(utimensat) CALL(access) CALL(faccessat) CALL(faccessat2) \
	CALL(chmod) CALL(fchmod) CALL(fchmodat2) CALL(umask) CALL(rmdir) CALL(unlink) \
	CALL(getxattr) CALL(listxattr) CALL(fsetxattr) CALL(fremovexattr) \
	CALL(inotify_init1) CALL(inotify_add_watch) CALL(inotify_rm_watch)

/* Waiting, and what is between processes. */
#define KEG_CONFINE_CHANNELS(CALL) \
	CALL(pipe2) CALL(poll) CALL(ppoll) CALL(select) CALL(pselect6) \
	CALL(epoll_create1) CALL(epoll_ctl) CALL(epoll_wait) CALL(epoll_pwait) \
	CALL(epoll_pwait2) CALL(eventfd2) CALL(socketpair) CALL(bind) CALL(listen) \
	CALL(accept) CALL(accept4) CALL(connect) CALL(getsockname) CALL(getpeername) \
	CALL(sendto) CALL(recvfrom) CALL(sendmsg) CALL(recvmsg) CALL(sendmmsg) \
	CALL(recvmmsg) CALL(shutdown) CALL(setsockopt) CALL(getsockopt)

/* ioctl(2)'s requests besides KVM's own: of terminals, pipes and sockets. TIOCSTI is not one. */
#define KEG_CONFINE_REQUESTS(REQUEST) \
	REQUEST(TCGETS) REQUEST(TCGETS2) REQUEST(TCSETS2) REQUEST(TCSETSW2) \
	REQUEST(TCSETSF2) REQUEST(TCSETS) REQUEST(TCSETSW) REQUEST(TCSETSF) \
	REQUEST(TCGETA) REQUEST(TCSETA) REQUEST(TCSETAW) REQUEST(TCSETAF) \
	REQUEST(TIOCGWINSZ) REQUEST(TIOCSWINSZ) REQUEST(TIOCGPGRP) REQUEST(TIOCGSID) \
	REQUEST(TIOCOUTQ) REQUEST(FIONREAD) REQUEST(TCSBRK) REQUEST(TCSBRKP) \
	REQUEST(TCXONC) REQUEST(TCFLSH) REQUEST(FIONBIO) REQUEST(SIOCATMARK)

/* Those of netdevice(7) that only look, with a network. */
#define KEG_CONFINE_INTERFACES(REQUEST) \
	REQUEST(SIOCGIFCONF) REQUEST(SIOCGIFNAME) REQUEST(SIOCGIFFLAGS) REQUEST(SIOCGIFADDR) \
	REQUEST(SIOCGIFDSTADDR) REQUEST(SIOCGIFBRDADDR) REQUEST(SIOCGIFNETMASK) \
	REQUEST(SIOCGIFMETRIC) REQUEST(SIOCGIFMTU) REQUEST(SIOCGIFHWADDR) \
	REQUEST(SIOCGIFINDEX) REQUEST(SIOCGIFMAP) REQUEST(SIOCGIFTXQLEN)

/* clang-format on */

#endif
