/* SPDX-License-Identifier: MIT */
/* Open files, the tree that they are in, and what is told of them. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/xattr.h>

#include "guest.h"

/* Of a file's size. */
static void limits(int fd)
{
	struct rlimit old, few = {100, RLIM_INFINITY};

	signal(SIGXFSZ, SIG_IGN);
	MUST(getrlimit(RLIMIT_FSIZE, &old) == 0);
	few.rlim_max = old.rlim_max;
	MUST(setrlimit(RLIMIT_FSIZE, &few) == 0 && ftruncate(fd, 99) == 0);
	MUST(ftruncate(fd, 101) == -1 && lseek(fd, 99, SEEK_SET) == 99);
	MUST(write(fd, "xy", 2) == 1 && fcntl(fd, F_SETFL, O_APPEND) == 0);
	MUST(write(fd, "x", 1) == -1 && setrlimit(RLIMIT_FSIZE, &old) == 0);
}

void guest_files(void)
{
	int fd = open("/tmp/a", O_RDWR | O_CREAT | O_CLOEXEC, 0600), other, ends[2];
	struct iovec many[40];
	char text[64] = "0123456789";
	struct statfs fs;
	struct stat st;
	loff_t at = 0;

	MUST(fd >= 0 && write(fd, text, 10) == 10);
	MUST(pwrite(fd, "x", 1, 3) == 1 && pread(fd, text, 4, 0) == 4 && text[3] == 'x');
	for (int i = 0; i < 40; i++)
		many[i] = (struct iovec){text + i, 1};
	MUST(preadv(fd, many, 40, 0) == 10 && writev(fd, many, 40) == 40);
	MUST(lseek(fd, 0, SEEK_SET) == 0 && read(fd, text, sizeof(text)) == 50);
	MUST(ftruncate(fd, 8192) == 0 && truncate("/tmp/a", 100) == 0);
	MUST(fallocate(fd, 0, 0, 4096) == 0 && fdatasync(fd) == 0 && fsync(fd) == 0);
	MUST(fstatfs(fd, &fs) == 0 && fstat(fd, &st) == 0 && fchmod(fd, 0640) == 0);
	MUST(fcntl(fd, F_SETFL, O_APPEND) == 0 && write(fd, "end", 3) == 3);
	MUST(fcntl(fd, F_SETFL, 0) == 0 && posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0);
	MUST((other = dup(fd)) >= 0 && dup2(fd, 100) == 100 && fcntl(fd, F_DUPFD, 200) == 200);
	MUST(close(other) == 0 && syscall(SYS_close_range, 90u, ~0u, 0) == 0);
	MUST(pipe2(ends, O_CLOEXEC) == 0);
	MUST(splice(fd, &at, ends[1], NULL, 10, 0) == 10 && read(ends[0], text, 10) == 10);
	MUST((other = open("/tmp", O_TMPFILE | O_RDWR, 0600)) >= 0);
	at = 0;
	MUST(sendfile(other, fd, &at, 10) == 10 && close(other) == 0);
	limits(fd);
	many[1].iov_base = (void *)16;
	MUST(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, many, 2) == 1);
	MUST(open("/dev/null", O_RDWR) >= 0 && (other = open("/dev/urandom", O_RDONLY)) >= 0);
	MUST(read(other, text, 8) == 8 && fcntl(ends[1], F_SETPIPE_SZ, 8192) == 8192);
}

/* More than there is room for at first; a lock of each kind. */
void guest_locks(void)
{
	int fd = open("/tmp/a", O_RDWR | O_CREAT, 0600);
	struct flock lock = {.l_type = F_WRLCK, .l_len = 1};

	MUST(fd >= 0);
	for (lock.l_start = 0; lock.l_start < 80; lock.l_start += 2)
		MUST(fcntl(fd, F_SETLK, &lock) == 0);
	lock.l_whence = SEEK_CUR;
	MUST(fcntl(fd, F_SETLKW, &lock) == 0);
	lock.l_whence = SEEK_END;
	lock.l_start = 1000;
	lock.l_type = F_WRLCK;
	MUST(fcntl(fd, F_GETLK, &lock) == 0);
	lock = (struct flock){.l_type = F_RDLCK, .l_start = 500};
	MUST(fcntl(fd, F_OFD_SETLK, &lock) == 0);
	MUST(flock(fd, LOCK_EX) == 0 && close(fd) == 0);
}

static int list(const char *path)
{
	char buffer[2048];
	int fd = open(path, O_RDONLY | O_DIRECTORY), n;

	MUST(fd >= 0);
	while ((n = (int)syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
		continue;
	close(fd);
	return n;
}

void guest_paths(void)
{
	struct timespec times[2] = {{1, 0}, {2, 0}};
	char text[256];
	struct stat st;
	struct statx stx;
	struct statfs fs;
	int fd;

	MUST(mkdir("/tmp/d", 0700) == 0 && chdir("/tmp/d") == 0 && getcwd(text, sizeof(text)));
	MUST((fd = open("f", O_CREAT | O_WRONLY, 0600)) >= 0);
	MUST(link("f", "g") == 0 && symlink("../d/f", "s") == 0 && stat("s", &st) == 0);
	MUST(readlink("s", text, sizeof(text)) == 6 && lstat("s", &st) == 0);
	MUST(rename("g", "h") == 0 && access("h", R_OK) == 0 && chmod("h", 0644) == 0);
	MUST(chown("h", st.st_uid, st.st_gid) == 0 && truncate("h", 5) == 0);
	MUST(utimensat(AT_FDCWD, "h", times, 0) == 0 && statfs("h", &fs) == 0);
	MUST(statx(AT_FDCWD, "h", 0, STATX_ALL, &stx) == 0 && mkfifo("p", 0600) == 0);
	MUST(listxattr("h", text, sizeof(text)) >= 0 || 1);
	MUST(getxattr("h", "user.a", text, sizeof(text)) == -1);
	MUST(list("/tmp/d") == 0 && list("/") == 0 && list("/dev") == 0 && list("/proc") == 0);
	MUST(list("/proc/self/fd") == 0 && list("/sys") == 0 && list("/tmp/..") == 0);
	MUST(unlink("h") == 0 && unlink("s") == 0 && unlink("f") == 0 && unlink("p") == 0);
	MUST(fstat(fd, &st) == 0 && futimens(fd, times) == 0 && close(fd) == 0);
	MUST(chdir("..") == 0 && rmdir("d") == 0);
	MUST((fd = open("/tmp", O_PATH)) >= 0 && fchdir(fd) == 0);
	umask(022);
	/* Where there is a mount beneath a file, and one of the host's beneath a mount. */
	MUST(stat("/host/passwd/x", &st) == 0 && stat("/host/passwd", &st) == 0);
	MUST(list("/host") == 0 && stat("/root/dev/null", &st) == 0);
	MUST(stat("/root/proc/version", &st) == -1);
	MUST(mkdir("/tmp/e", 0700) == 0 && (fd = open("/tmp/e", O_RDONLY)) >= 0);
	MUST(rename("/tmp/e", "/tmp/f") == 0 && fstatat(fd, "..", &st, 0) == 0);
	MUST(rename("/tmp/f", "/host/passwd/x") == -1);
	MUST(open("/no/such", O_RDONLY) == -1 && open("/", O_RDWR) == -1);
}

void guest_events(void)
{
	struct itimerspec soon = {.it_value = {0, 1}};
	int event = eventfd(1, EFD_CLOEXEC), memory, timer, watch, fd;
	uint64_t count;
	char text[512];

	MUST(event >= 0 && read(event, &count, 8) == 8);
	MUST((memory = memfd_create("m", MFD_ALLOW_SEALING)) >= 0 && ftruncate(memory, 4096) == 0);
	MUST(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW) == 0 && write(memory, "x", 1) == 1);
	MUST((timer = timerfd_create(CLOCK_MONOTONIC, 0)) >= 0);
	MUST(timerfd_settime(timer, 0, &soon, NULL) == 0 && read(timer, &count, 8) == 8);
	MUST((watch = inotify_init1(IN_NONBLOCK)) >= 0);
	MUST(inotify_add_watch(watch, "/tmp", IN_CREATE) >= 0);
	MUST((fd = open("/tmp/w", O_CREAT | O_RDWR, 0600)) >= 0);
	MUST(read(watch, text, sizeof(text)) > 0 && close(watch) == 0);
}
