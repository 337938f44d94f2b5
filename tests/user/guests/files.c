/* SPDX-License-Identifier: MIT */
/* Open files as a program finds them: descriptors, pipes, locks, limits. */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "check.h"

/* Where nothing is; the compiler is not to know. */
static void *volatile const nowhere = (void *)0x10;

/* A file in /tmp with this in it. */
static int scratch(const char *text)
{
	int fd = open("/tmp/scratch", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void descriptors(void)
{
	int fd = scratch("0123456789"), copy, far;
	char text[4];

	copy = dup(fd);
	CHECK(copy > fd);
	CHECK(read(fd, text, 4) == 4 && read(copy, text, 4) == 4 && text[0] == '4');
	far = fcntl(fd, F_DUPFD_CLOEXEC, 100);
	CHECK(far == 100 && fcntl(far, F_GETFD) == FD_CLOEXEC);
	CHECK(dup2(fd, 200) == 200 && fcntl(200, F_GETFD) == 0);
	CHECK(dup3(fd, 200, O_CLOEXEC) == 200 && fcntl(200, F_GETFD) == FD_CLOEXEC);
	CHECK(dup2(fd, fd) == fd && dup3(fd, fd, 0) == -1 && errno == EINVAL);
	CHECK(close(far) == 0 && close(far) == -1 && errno == EBADF);
	CHECK(syscall(SYS_close_range, 150u, ~0u, 0) == 0);
	CHECK(fcntl(200, F_GETFD) == -1 && errno == EBADF);
	CHECK(close(fd) == 0 && close(copy) == 0);
	CHECK(open("/tmp/scratch", O_RDONLY) == fd);
	CHECK(write(fd, "x", 1) == -1 && errno == EBADF);
	CHECK(ftruncate(fd, 0) == -1);
	close(fd);
}

/* The lowest number is taken, and no more than RLIMIT_NOFILE. */
static void limits(void)
{
	struct rlimit old, few = {20, 20};
	int last = 0, fd;

	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
	few.rlim_max = old.rlim_max;
	CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
	while ((fd = dup(1)) >= 0)
		last = fd;
	CHECK(errno == EMFILE && last == 19);
	CHECK(fcntl(1, F_DUPFD, 20) == -1 && errno == EINVAL);
	CHECK(dup2(1, 20) == -1 && errno == EBADF);
	CHECK(close(5) == 0 && dup(1) == 5);
	for (fd = 3; fd < 20; fd++)
		close(fd);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
}

static void data(void)
{
	int fd = scratch("0123456789");
	char a[3], b[4], c[16];
	struct iovec iov[2] = {{a, 3}, {b, 4}};
	struct iovec torn[2] = {{a, 3}, {nowhere, 4}};

	CHECK(readv(fd, iov, 2) == 7 && !memcmp(a, "012", 3) && !memcmp(b, "3456", 4));
	CHECK(pread(fd, c, sizeof(c), 8) == 2 && c[0] == '8');
	CHECK(preadv(fd, iov, 2, 1) == 7 && a[0] == '1');
	CHECK(lseek(fd, 0, SEEK_CUR) == 7);
	CHECK(pwrite(fd, "X", 1, 0) == 1 && pread(fd, c, 1, 0) == 1 && c[0] == 'X');
	CHECK(read(fd, nowhere, 1) == -1 && errno == EFAULT);
	CHECK(write(fd, nowhere, 1) == -1 && errno == EFAULT);
	/* What could not be given is still there. */
	CHECK(lseek(fd, 0, SEEK_SET) == 0 && readv(fd, torn, 2) == 3);
	CHECK(lseek(fd, 0, SEEK_CUR) == 3);
	CHECK(syscall(SYS_writev, fd, iov, 2000) == -1 && errno == EINVAL);
	CHECK(pread(fd, c, 1, -1) == -1 && errno == EINVAL);
	CHECK(pwritev2(fd, iov, 1, 0, RWF_DSYNC) == 3 && preadv2(fd, iov, 1, 0, RWF_HIPRI) == 3);
	CHECK(pwritev2(fd, iov, 1, 0, 1 << 30) == -1 && errno == EOPNOTSUPP);
	close(fd);
}

/* More than keg copies at once. */
static void much(void)
{
	size_t bytes = (5u << 20) + 123;
	unsigned char *from = malloc(bytes), *to = malloc(bytes);
	int fd = scratch("");

	for (size_t i = 0; i < bytes; i++)
		from[i] = (unsigned char)(i * 7 >> 3);
	CHECK(write(fd, from, bytes) == (ssize_t)bytes);
	CHECK(pread(fd, to, bytes, 0) == (ssize_t)bytes && !memcmp(from, to, bytes));
	CHECK(ftruncate(fd, 0) == 0 && close(fd) == 0);
	free(from);
	free(to);
}

static void pipes(void)
{
	int ends[2], count;
	char text[16];
	pid_t child;

	CHECK(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
	CHECK(read(ends[0], text, 1) == -1 && errno == EAGAIN);
	CHECK(write(ends[1], "hello", 5) == 5);
	CHECK(ioctl(ends[0], FIONREAD, &count) == 0 && count == 5);
	CHECK(read(ends[0], text, sizeof(text)) == 5);
	CHECK(fcntl(ends[1], F_SETPIPE_SZ, 8192) == 8192);
	CHECK(fcntl(ends[0], F_SETFL, 0) == 0);
	CHECK((fcntl(ends[0], F_GETFL) & (O_ACCMODE | O_NONBLOCK)) == O_RDONLY);
	child = fork();
	if (child == 0) {
		usleep(20000);
		_exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
	}
	CHECK(read(ends[0], text, sizeof(text)) == 4 && !memcmp(text, "late", 4));
	CHECK(waitpid(child, &count, 0) == child && count == 0);
	close(ends[1]);
	CHECK(read(ends[0], text, 1) == 0);
	close(ends[0]);
	CHECK(syscall(SYS_pipe2, nowhere, 0) == -1 && errno == EFAULT);
}

static volatile sig_atomic_t came;
static void note(int signo)
{
	came = signo;
}

static void broken_pipe(void)
{
	int ends[2], status;
	pid_t child;

	CHECK(pipe(ends) == 0 && close(ends[0]) == 0);
	signal(SIGPIPE, note);
	CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE && came == SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
	signal(SIGPIPE, SIG_DFL);
	child = fork();
	if (child == 0)
		_exit(write(ends[1], "x", 1) == -1 ? 1 : 2);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	close(ends[1]);
}

static void interrupted_read(void)
{
	struct sigaction action = {.sa_handler = note};
	int ends[2];
	char byte;

	CHECK(pipe(ends) == 0);
	CHECK(sigaction(SIGALRM, &action, NULL) == 0);
	came = 0;
	ualarm(20000, 0);
	CHECK(read(ends[0], &byte, 1) == -1 && errno == EINTR && came == SIGALRM);
	close(ends[0]);
	close(ends[1]);
}

static int lock(int fd, int command, int type, off_t start, off_t length)
{
	struct flock lock = {.l_type = (short)type, .l_start = start, .l_len = length};

	return fcntl(fd, command, &lock);
}

/* Runs in a child; 0: true. */
static int in_child(int (*run)(int fd), int fd)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(run(fd));
	CHECK(waitpid(child, &status, 0) == child);
	return status;
}

static int finds_locks(int fd)
{
	struct flock lock = {.l_type = F_RDLCK, .l_len = 0};

	if (fcntl(fd, F_GETLK, &lock) != 0 || lock.l_type != F_WRLCK || lock.l_start != 10)
		return 1;
	if (lock.l_len != 5 || lock.l_pid != getppid())
		return 2;
	lock = (struct flock){.l_type = F_WRLCK, .l_start = 12, .l_len = 1};
	if (fcntl(fd, F_SETLK, &lock) != -1 || errno != EAGAIN)
		return 3;
	lock = (struct flock){.l_type = F_WRLCK, .l_start = 15, .l_len = 5};
	return fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 4;
}

static int takes_all(int fd)
{
	return lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0 ? 0 : 1;
}

static void record_locks(void)
{
	int fd = scratch("0123456789abcdefghij"), other;

	CHECK(lock(fd, F_SETLK, F_WRLCK, 10, 20) == 0);
	CHECK(lock(fd, F_SETLK, F_UNLCK, 15, 0) == 0);
	CHECK(in_child(finds_locks, fd) == 0);
	/* Those of a process that has ended are gone; any close takes one's own away. */
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	CHECK(in_child(takes_all, fd) != 0);
	other = open("/tmp/scratch", O_RDONLY);
	CHECK(other >= 0 && lock(other, F_SETLK, F_WRLCK, 0, 1) == -1 && errno == EBADF);
	CHECK(close(other) == 0);
	CHECK(in_child(takes_all, fd) == 0);
	close(fd);
}

static void waiting_for_locks(void)
{
	int fd = scratch("x"), ends[2], status;
	char byte;
	pid_t child;

	CHECK(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
		CHECK(write(ends[1], "x", 1) == 1);
		usleep(20000);
		_exit(0);
	}
	CHECK(read(ends[0], &byte, 1) == 1);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == -1 && errno == EAGAIN);
	CHECK(lock(fd, F_SETLKW, F_WRLCK, 0, 0) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	close(ends[0]);
	close(ends[1]);
	close(fd);
}

/* Those of a file, and of flock(2), are told apart within one process. */
static void file_locks(void)
{
	int fd = scratch("x"), other = open("/tmp/scratch", O_RDWR);

	CHECK(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 0) == 0);
	CHECK(lock(other, F_OFD_SETLK, F_WRLCK, 0, 0) == -1 && errno == EAGAIN);
	CHECK(lock(other, F_SETLK, F_WRLCK, 0, 0) == -1 && errno == EAGAIN);
	CHECK(flock(fd, LOCK_EX) == 0 && flock(other, LOCK_EX | LOCK_NB) == -1);
	close(fd);
	CHECK(lock(other, F_OFD_SETLK, F_WRLCK, 0, 0) == 0 && flock(other, LOCK_EX | LOCK_NB) == 0);
	close(other);
}

static void file_size(void)
{
	struct rlimit old, small = {100, 100};
	int fd = scratch("");
	char text[200] = {0};

	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, note);
	CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
	came = 0;
	CHECK(write(fd, text, sizeof(text)) == 100 && came == 0);
	CHECK(write(fd, text, 1) == -1 && errno == EFBIG && came == SIGXFSZ);
	came = 0;
	CHECK(ftruncate(fd, 101) == -1 && errno == EFBIG && came == SIGXFSZ);
	CHECK(ftruncate(fd, 50) == 0);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	close(fd);
}

static void events_and_memory(void)
{
	int event = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK), memory;
	uint64_t count = 0;
	char text[4];

	CHECK(read(event, &count, 8) == 8 && count == 1);
	CHECK(read(event, &count, 8) == 8 && read(event, &count, 8) == 8);
	CHECK(read(event, &count, 8) == -1 && errno == EAGAIN);
	close(event);
	memory = memfd_create("some", MFD_ALLOW_SEALING);
	CHECK(memory >= 0 && ftruncate(memory, 1 << 20) == 0);
	CHECK(fcntl(memory, F_ADD_SEALS, F_SEAL_GROW) == 0);
	CHECK(fcntl(memory, F_GET_SEALS) == F_SEAL_GROW);
	CHECK(ftruncate(memory, 2 << 20) == -1 && errno == EPERM);
	CHECK(pwrite(memory, "data", 4, 100) == 4 && pread(memory, text, 4, 100) == 4);
	close(memory);
	memory = memfd_create("huge", 0);
	CHECK(ftruncate(memory, 1ll << 50) == -1 && errno == EFBIG);
	close(memory);
}

static void copies(void)
{
	int fd = scratch("0123456789"), out = open("/tmp/copy", O_RDWR | O_CREAT | O_TRUNC, 0600);
	int ends[2];
	off_t from = 2, to = 0;
	char text[16];

	CHECK(sendfile(out, fd, &from, 4) == 4 && from == 6);
	CHECK(pread(out, text, 4, 0) == 4 && !memcmp(text, "2345", 4));
	from = 8;
	CHECK(copy_file_range(fd, &from, out, &to, 2, 0) == 2 && from == 10 && to == 2);
	CHECK(pipe(ends) == 0);
	from = 0;
	CHECK(splice(fd, &from, ends[1], NULL, 5, 0) == 5);
	CHECK(read(ends[0], text, 16) == 5 && !memcmp(text, "01234", 5));
	close(ends[0]);
	close(ends[1]);
	close(out);
	close(fd);
}

/* A file and what is mapped of it are one. */
static void mapped(void)
{
	int fd = scratch("0123456789");
	char *memory, text[4];

	CHECK(ftruncate(fd, 8192) == 0);
	memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED && !memcmp(memory, "0123", 4));
	memcpy(memory + 5000, "abc", 3);
	CHECK(pread(fd, text, 3, 5000) == 3 && !memcmp(text, "abc", 3));
	CHECK(pwrite(fd, "X", 1, 5001) == 1 && !memcmp(memory + 5000, "aXc", 3));
	memory[1] = 'Y';
	CHECK(write(fd, "Z", 1) == 1 && !memcmp(memory, "ZY2", 3));
	CHECK(fcntl(fd, F_SETFL, O_APPEND) == 0 && write(fd, "end", 3) == 3);
	CHECK(pread(fd, text, 3, 8192) == 3 && !memcmp(text, "end", 3));
	CHECK(munmap(memory, 8192) == 0);
	close(fd);
}

static void modes(void)
{
	int fd = scratch("x");
	struct stat st;

	CHECK(fchmod(fd, 06755) == 0 && fstat(fd, &st) == 0);
	CHECK((st.st_mode & 07777) == 0755 && S_ISREG(st.st_mode) && st.st_size == 1);
	CHECK(fchown(fd, st.st_uid, (gid_t)-1) == 0);
	CHECK(fchown(fd, st.st_uid + 1, (gid_t)-1) == -1 && errno == EPERM);
	CHECK(fsync(fd) == 0 && fdatasync(fd) == 0 && fallocate(fd, 0, 0, 100) == 0);
	/* Nothing types for the terminal's owner; nothing that is not known reaches the host. */
	CHECK(ioctl(1, TIOCSTI, "x") == -1 && errno == ENOTTY);
	CHECK(ioctl(fd, 0xdead, 0) == -1 && errno == ENOTTY);
	CHECK(ioctl(fd, FIOCLEX) == 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"descriptors", descriptors},
		{"limits", limits},
		{"data", data},
		{"much", much},
		{"pipes", pipes},
		{"broken pipe", broken_pipe},
		{"interrupted read", interrupted_read},
		{"record locks", record_locks},
		{"waiting for locks", waiting_for_locks},
		{"file locks", file_locks},
		{"file size", file_size},
		{"events and memory", events_and_memory},
		{"copies", copies},
		{"mapped", mapped},
		{"modes", modes},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
