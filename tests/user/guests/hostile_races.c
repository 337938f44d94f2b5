/* SPDX-License-Identifier: MIT */
/* Threads that change a call's arguments while it is served. */
#include "hostile.h"

#include <linux/futex.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define MS (300 * hostile_effort)

static uint64_t until;

static bool goes_on(void)
{
	return now_ms() < until;
}

/* Has `change` done again and again in another thread, and `call` in this one, for a while. */
static void race(int (*change)(void *), void (*call)(void *), void *context)
{
	until = now_ms() + MS;
	in_thread(change, context);
	while (goes_on())
		call(context);
	_exit(0);
}

static int leave(void)
{
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

/* ---- Paths: what is checked and what is opened must be one ---- */

static int change_path(void *context)
{
	char *path = context;

	while (goes_on()) {
		memcpy(path, "/rw/../../..", 13);
		memcpy(path, "/rw/file", 9);
		memset(path, 'a', 12);
	}
	return leave();
}

static void open_path(void *context)
{
	char text[16];
	int fd = (int)raw(SYS_openat, AT_FDCWD, (long)context, O_RDONLY, 0, 0, 0);

	if (fd < 0)
		return;
	MUST(read(fd, text, 6) <= 0 || memcmp(text, "canary", 6) != 0);
	close(fd);
}

static void paths(void)
{
	race(change_path, open_path, pages(1));
}

/* A link that leads inside, and outside, in turn. */
static int change_link(void *context)
{
	(void)context;
	while (goes_on()) {
		symlink("/rw", "/rw/turn-new");
		rename("/rw/turn-new", "/rw/turn");
		symlink("../../../../../../../../canary", "/rw/turn-new");
		rename("/rw/turn-new", "/rw/turn");
		symlink("/proc/self/root/canary", "/rw/turn-new");
		rename("/rw/turn-new", "/rw/turn");
	}
	return leave();
}

static void open_by_link(void *context)
{
	char text[16];
	int fd = open("/rw/turn/canary", O_RDONLY);

	(void)context;
	if (fd >= 0) {
		MUST(read(fd, text, 6) <= 0 || memcmp(text, "canary", 6) != 0);
		close(fd);
	}
	fd = open("/rw/turn/hostile", O_RDWR | O_CREAT, 0600);
	if (fd >= 0)
		close(fd);
}

static void links(void)
{
	race(change_link, open_by_link, NULL);
}

/* Directories that move while a path through them is walked. */
static int change_directories(void *context)
{
	(void)context;
	while (goes_on()) {
		rename("/rw/a/b/c", "/rw/c");
		rename("/rw/c", "/rw/a/b/c");
	}
	return leave();
}

static void walk_up(void *context)
{
	char text[16];
	int fd = open("/rw/a/b/c/d/../../../../../canary/canary", O_RDONLY);

	(void)context;
	if (fd < 0)
		fd = open("/rw/a/b/c/d/../../../../../../canary/canary", O_RDONLY);
	if (fd < 0)
		return;
	MUST(read(fd, text, 6) <= 0 || memcmp(text, "canary", 6) != 0);
	close(fd);
}

static void directories(void)
{
	mkdir("/rw/a", 0700);
	mkdir("/rw/a/b", 0700);
	mkdir("/rw/a/b/c", 0700);
	mkdir("/rw/a/b/c/d", 0700);
	race(change_directories, walk_up, NULL);
}

/* ---- Arrays that are read, checked and used ---- */

struct shared {
	struct iovec vector[64];
	struct msghdr header;
	struct epoll_event events[64];
	char *words[64];
	char control[256];
	int pair[2], file;
};

static struct shared *share(void)
{
	struct shared *shared = pages((sizeof(*shared) + PAGE - 1) / PAGE);

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, shared->pair) == 0);
	shared->file = open("/rw/race", O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(shared->file >= 0);
	for (int i = 0; i < 64; i++)
		shared->vector[i] = (struct iovec){shared->control, 8};
	return shared;
}

static int change_vector(void *context)
{
	struct shared *shared = context;

	while (goes_on()) {
		struct iovec *at = &shared->vector[chance() % 64];

		at->iov_len = chance() % 3 ? chance() : 8;
		at->iov_base = chance() % 3 ? (void *)chance() : shared->control;
		at->iov_len = 8;
		at->iov_base = shared->control;
	}
	return leave();
}

static void use_vector(void *context)
{
	struct shared *shared = context;

	raw(SYS_pwritev, shared->file, (long)shared->vector, 64, 0, 0, 0);
	raw(SYS_preadv, shared->file, (long)shared->vector, 64, 0, 0, 0);
	raw(SYS_pwritev, shared->file, (long)shared->vector, 64, 0, 0, 0);
	ftruncate(shared->file, 64);
}

static void vectors(void)
{
	race(change_vector, use_vector, share());
}

static int change_header(void *context)
{
	struct shared *shared = context;
	struct msghdr *header = &shared->header;

	while (goes_on()) {
		header->msg_iovlen = chance() % 2 ? chance() : 1;
		header->msg_controllen = chance() % 2 ? chance() : 64;
		((uint64_t *)shared->control)[0] = chance() % 2 ? chance() : 20;
		((uint32_t *)shared->control)[4] = (uint32_t)chance();
		header->msg_iovlen = 1;
		header->msg_controllen = 24;
		((uint64_t *)shared->control)[0] = 20;
		((uint64_t *)shared->control)[1] = 0x100000001; /* SOL_SOCKET, SCM_RIGHTS */
		((uint32_t *)shared->control)[4] = 1;
	}
	return leave();
}

static void use_header(void *context)
{
	struct shared *shared = context;
	struct msghdr *header = &shared->header;

	header->msg_iov = shared->vector;
	header->msg_control = shared->control;
	raw(SYS_sendmsg, shared->pair[0], (long)header, MSG_DONTWAIT, 0, 0, 0);
	raw(SYS_recvmsg, shared->pair[1], (long)header, MSG_DONTWAIT, 0, 0, 0);
	raw(SYS_close_range, shared->file + 1, -1, 0, 0, 0, 0);
}

static void headers(void)
{
	race(change_header, use_header, share());
}

static int change_words(void *context)
{
	struct shared *shared = context;

	while (goes_on()) {
		memset(shared->control, 'w', sizeof(shared->control));
		shared->words[chance() % 63] = chance() % 4 ? shared->control : (char *)chance();
		shared->control[chance() % 256] = 0;
	}
	return leave();
}

static void use_words(void *context)
{
	struct shared *shared = context;

	raw(SYS_execve, (long)"/rw/no-program", (long)shared->words, (long)shared->words, 0, 0, 0);
	raw(SYS_execve, (long)shared->words[0], (long)shared->words, 0, 0, 0, 0);
}

static void words(void)
{
	race(change_words, use_words, share());
}

static int change_events(void *context)
{
	struct shared *shared = context;

	while (goes_on()) {
		shared->events[chance() % 64].events = (uint32_t)chance();
		shared->events[chance() % 64].data.u64 = chance();
	}
	return leave();
}

static void use_events(void *context)
{
	struct shared *shared = context;
	int epoll = epoll_create1(0);

	for (int i = 0; i < 8; i++)
		epoll_ctl(epoll, 1 + (int)(chance() % 3), shared->pair[i & 1], &shared->events[i]);
	raw(SYS_epoll_wait, epoll, (long)shared->events, 64, 0, 0, 0);
	close(epoll);
}

static void events(void)
{
	race(change_events, use_events, share());
}

/* ---- A robust list that is a circle, and one that changes ---- */

static int change_list(void *context)
{
	uint64_t *list = context;

	while (goes_on()) {
		list[0] = (uintptr_t)list + 8 * (chance() % 64);
		list[8] = chance();
		list[1] = chance();
	}
	return leave();
}

static int end_with_list(void *context)
{
	raw(SYS_set_robust_list, (long)context, 24, 0, 0, 0, 0);
	return leave();
}

static void use_list(void *context)
{
	in_thread(end_with_list, context);
	raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void robust_lists(void)
{
	uint64_t *list = pages(1);

	for (int i = 0; i < 512; i++)
		list[i] = (uintptr_t)&list[i];
	race(change_list, use_list, list);
}

const struct hostile hostile_races[] = {
	{"race-paths", paths, EXITS, 0},
	{"race-links", links, EXITS, 0},
	{"race-directories", directories, EXITS, 0},
	{"race-vectors", vectors, EXITS, 0},
	{"race-headers", headers, EXITS, 0},
	{"race-words", words, EXITS, 0},
	{"race-events", events, EXITS, 0},
	{"race-robust-lists", robust_lists, EXITS, 0},
	{NULL, NULL, 0, 0},
};
