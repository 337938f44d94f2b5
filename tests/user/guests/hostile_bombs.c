/* SPDX-License-Identifier: MIT */
/* As much of everything as there is: each ends at a limit. */
#include "hostile.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>

static void forks(void)
{
	int count = 0;
	pid_t child;

	while ((child = fork()) > 0)
		MUST(++count < 10000);
	if (child == 0)
		for (;;)
			pause();
	MUST(child < 0);
}

/* Each makes more, until all are refused. */
static void forks_of_forks(void)
{
	uint64_t until = now_ms() + 300 * hostile_effort;

	while (now_ms() < until)
		fork();
}

static int wait_for_ever(void *context)
{
	while (!context)
		raw(SYS_pause, 0, 0, 0, 0, 0, 0);
	return 0;
}

static int spin(void *context)
{
	while (!context)
		;
	return 0;
}

static int make_threads(int (*run)(void *))
{
	int flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	int count = 0;

	while (clone(run, (char *)pages(4) + 4 * PAGE, flags, NULL) > 0)
		MUST(++count < 10000);
	return count;
}

static void threads(void)
{
	MUST(make_threads(wait_for_ever) > 1);
	_exit(0);
}

static void spinning_threads(void)
{
	make_threads(spin);
	spin(NULL);
}

static void touched_memory(void)
{
	for (;;) {
		char *at = mmap(
			NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		for (size_t i = 0; at != MAP_FAILED && i < 64 << 20; i += PAGE)
			at[i] = 1;
	}
}

static void populated_memory(void)
{
	for (int i = 0; i < 4096; i++)
		mmap(NULL, 1 << 30, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	/* What is left is enough to say so, or it is not. */
}

static void shared_memory(void)
{
	for (int i = 0; i < 64; i++) {
		char *at = mmap(
			NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

		for (size_t j = 0; at != MAP_FAILED && j < 64 << 20; j += PAGE)
			at[j] = 1;
	}
}

/* Copies, each of which is written to. */
static void forked_memory(void)
{
	char *at = pages(4096);

	memset(at, 1, 4096 * PAGE);
	for (int i = 0; i < 64; i++) {
		if (fork() == 0) {
			memset(at, 2, 4096 * PAGE);
			for (;;)
				pause();
		}
	}
}

/* One page in each table, so that the tables are what memory is needed for. */
static void page_tables(void)
{
	for (uint64_t at = 1ull << 30; at < 0x7f0000000000; at += 1ull << 30) {
		char *page = mmap((void *)at, PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

		if (page != MAP_FAILED)
			*page = 1;
	}
}

static void address_space(void)
{
	size_t length = 1ull << 46;

	while (length >= PAGE) {
		if (mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			    0) == MAP_FAILED)
			length /= 2;
	}
}

static void mappings(void)
{
	char *at = mmap(NULL, 200000 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long count = 0;

	MUST(at != MAP_FAILED);
	while (count < 100000 && mprotect(at + 2 * count * PAGE, PAGE, PROT_READ) == 0)
		count++;
	MUST(count > 1000 && count < 100000 && errno == ENOMEM);
	MUST(munmap(at, 200000 * PAGE) == 0);
}

static int recurse(volatile char *above)
{
	volatile char here[1000];

	here[0] = *above;
	return recurse(here) + here[0];
}

static void stack(void)
{
	char first = 0;

	recurse(&first);
}

static void on_overflow(int signo)
{
	char first = 0;

	(void)signo;
	recurse(&first);
}

static void stack_in_handler(void)
{
	struct sigaction action = {.sa_handler = on_overflow, .sa_flags = SA_ONSTACK | SA_NODEFER};

	sigaltstack(&(stack_t){.ss_sp = pages(16), .ss_size = 16 * PAGE}, NULL);
	sigaction(SIGSEGV, &action, NULL);
	stack();
}

/* ---- Files ---- */

static int open_kind(int kind)
{
	int pair[2] = {-1, -1};
	uint64_t mask = 1;

	switch (kind) {
	case 0:
		return open("/dev/null", O_RDWR);
	case 1:
		return pipe(pair) < 0 ? -1 : pair[0];
	case 2:
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? -1 : pair[0];
	case 3:
		return epoll_create1(0);
	case 4:
		return eventfd(0, 0);
	case 5:
		return timerfd_create(CLOCK_MONOTONIC, 0);
	case 6:
		return inotify_init();
	case 7:
		return (int)raw(SYS_signalfd4, -1, (long)&mask, 8, 0, 0, 0);
	case 8:
		return (int)raw(SYS_memfd_create, (long)"bomb", 0, 0, 0, 0, 0);
	default:
		return dup(2);
	}
}

static void descriptors(void)
{
	for (int kind = 0; kind < 10; kind++) {
		int count = 0;

		while (open_kind(kind) >= 0)
			MUST(++count < 100000);
		raw(SYS_close_range, 4, -1, 0, 0, 0, 0);
	}
}

/* The limit raised as far as it goes, in many processes. */
static void descriptors_of_many(void)
{
	const struct rlimit most = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_NOFILE, &most);
	for (int i = 0; i < 6; i++)
		if (fork() == 0)
			break;
	for (int count = 0; open_kind((int)(chance() % 10)) >= 0 && count < 20000;)
		count++;
	MUST(raw(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0);
}

static void pipe_buffers(void)
{
	char *data = pages(256);
	int pair[2];

	while (pipe2(pair, O_NONBLOCK) == 0) {
		fcntl(pair[1], F_SETPIPE_SZ, 1 << 20);
		while (write(pair[1], data, 256 * PAGE) > 0)
			;
	}
}

static void socket_buffers(void)
{
	char *data = pages(16);
	int pair[2], size = 1 << 30;

	while (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) == 0) {
		setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
		while (write(pair[0], data, 16 * PAGE) > 0)
			;
	}
}

static void fill(const char *path)
{
	char *data = pages(256), name[64];
	ssize_t written = 1;

	for (int i = 0; i < 100000 && written > 0; i++) {
		int fd;

		snprintf(name, sizeof(name), "%s/%d", path, i);
		fd = open(name, O_RDWR | O_CREAT, 0600);
		if (fd < 0)
			break;
		written = write(fd, data, 256 * PAGE);
		close(fd);
	}
	MUST(written <= 0);
}

static void tmpfs(void)
{
	fill("/tmp");
	/* A shared mapping, whose pages there is no room to write back to. */
	int fd = open("/tmp/0", O_RDWR);
	char *at;

	MUST(fd >= 0 && ftruncate(fd, 64 << 20) == 0);
	at = mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	for (size_t i = 0; at != MAP_FAILED && i < 64 << 20; i += PAGE)
		at[i] = 1;
	msync(at, 64 << 20, MS_SYNC);
}

static void tmpfs_names(void)
{
	char name[64];

	for (int i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "/tmp/%d", i);
		if (mkdir(name, 0700) < 0)
			break;
	}
}

static void memfds(void)
{
	char *data = pages(256);

	for (int i = 0; i < 4096; i++) {
		int fd = open_kind(8);

		if (fd < 0 || write(fd, data, 256 * PAGE) <= 0)
			break;
	}
}

static void locks(void)
{
	int fd = open("/rw/locks", O_RDWR | O_CREAT, 0600);

	for (int i = 0; i < 100000; i++) {
		struct flock lock = {.l_type = i & 1 ? F_WRLCK : F_RDLCK,
			.l_whence = SEEK_SET,
			.l_start = 2 * i,
			.l_len = 1};

		if (fcntl(fd, F_SETLK, &lock) < 0)
			break;
	}
}

static void timers(void)
{
	struct itimerspec often = {.it_interval.tv_nsec = 1, .it_value.tv_nsec = 1};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3};
	int count = 0;
	timer_t timer;

	signal(SIGRTMIN + 3, SIG_IGN);
	while (timer_create(CLOCK_MONOTONIC, &event, &timer) == 0 && ++count < 100000)
		timer_settime(timer, 0, &often, NULL);
	MUST(count < 100000);
}

const struct hostile hostile_bombs[] = {
	{"bomb-forks", forks, EXITS, 0},
	{"bomb-forks-of-forks", forks_of_forks, ANYHOW, 0},
	{"bomb-threads", threads, EXITS, 0},
	{"bomb-spinning-threads", spinning_threads, TIME, 1},
	{"bomb-touched-memory", touched_memory, MEMORY | KILLED, 0},
	{"bomb-populated-memory", populated_memory, EXITS | MEMORY | KILLED, 0},
	{"bomb-shared-memory", shared_memory, EXITS | MEMORY | KILLED, 0},
	{"bomb-forked-memory", forked_memory, EXITS | MEMORY | KILLED, 0},
	{"bomb-page-tables", page_tables, EXITS | MEMORY | KILLED, 0},
	{"bomb-address-space", address_space, EXITS, 0},
	{"bomb-mappings", mappings, EXITS, 0},
	{"bomb-stack", stack, KILLED, 0},
	{"bomb-stack-in-handler", stack_in_handler, KILLED | TIME, 1},
	{"bomb-descriptors", descriptors, EXITS, 0},
	{"bomb-descriptors-of-many", descriptors_of_many, EXITS, 0},
	{"bomb-pipe-buffers", pipe_buffers, EXITS, 0},
	{"bomb-socket-buffers", socket_buffers, EXITS, 0},
	{"bomb-tmpfs", tmpfs, EXITS | MEMORY | KILLED, 0},
	{"bomb-tmpfs-names", tmpfs_names, EXITS, 0},
	{"bomb-memfds", memfds, EXITS | MEMORY | KILLED, 0},
	{"bomb-locks", locks, EXITS, 0},
	{"bomb-timers", timers, EXITS, 0},
	{NULL, NULL, 0, 0},
};
