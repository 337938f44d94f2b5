/* SPDX-License-Identifier: MIT */
/* Lengths, counts and arrays that are too large, negative, or wrap. */
#include "hostile.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

static const long sizes[] = {0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, 1 << 24, 0x7fffffff,
	0x80000000, 0xffffffff, 0x100000000, 0x7ffff000, 0x7ffff001, 1l << 47, 0x7fffffffffffffff,
	(long)0x8000000000000000, -4096, -1};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static int a_file(void)
{
	int fd = open("/rw/counts", O_RDWR | O_CREAT | O_TRUNC, 0600);

	MUST(fd >= 0);
	MUST(write(fd, "0123456789", 10) == 10);
	return fd;
}

static void transfers(void)
{
	static const int calls[] = {SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_getdents64,
		SYS_getrandom, SYS_recvfrom, SYS_sendto, SYS_readlink, SYS_getcwd};
	int fd = a_file(), pair[2], pipes[2];
	char *buffer = pages(1);

	signal(SIGPIPE, SIG_IGN);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	MUST(pipe2(pipes, O_NONBLOCK) == 0);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (size_t j = 0; j < SIZES; j++) {
			raw(calls[i], fd, (long)buffer, sizes[j], 0, 0, 0);
			raw(calls[i], pair[j & 1], (long)buffer, sizes[j], MSG_DONTWAIT, 0, 0);
			raw(calls[i], pipes[j & 1], (long)buffer, sizes[j], 0, 0, 0);
			raw(calls[i], (long)buffer, sizes[j], 0, 0, 0, 0);
			raw(calls[i], fd, (long)buffer, 10, sizes[j], 0, 0);
		}
		ftruncate(fd, 10);
	}
	/* What it could take is what the file has. */
	lseek(fd, 0, SEEK_SET);
	MUST(raw(SYS_read, fd, (long)buffer, 0x7fffffff, 0, 0, 0) == 10);
}

static void vectors(void)
{
	static const int calls[] = {SYS_readv, SYS_writev, SYS_preadv, SYS_pwritev, SYS_preadv2,
		SYS_pwritev2, SYS_vmsplice};
	struct iovec *vector = pages(17);
	int fd = a_file(), pipes[2];

	MUST(pipe2(pipes, O_NONBLOCK) == 0);
	for (int i = 0; i < 1025; i++)
		vector[i] = (struct iovec){vector + 4000, 1};
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		MUST(raw(calls[i], fd, (long)vector, 1025, 0, 0, 0) < 0);
		for (size_t j = 0; j < SIZES; j++) {
			raw(calls[i], fd, (long)vector, sizes[j], 0, 0, 0);
			raw(calls[i], pipes[j & 1], (long)vector, sizes[j], 0, 0, 0);
			raw(calls[i], fd, (long)(vector + 1024), 1, sizes[j], 0, 0);
		}
	}
}

static void wrapping_vectors(void)
{
	struct iovec *vector = pages(4);
	int fd = a_file(), pipes[2];

	MUST(pipe2(pipes, O_NONBLOCK) == 0);
	for (size_t i = 0; i < SIZES; i++) {
		for (size_t j = 0; j < SIZES; j++) {
			vector[0] = (struct iovec){vector + 64, (size_t)sizes[i]};
			vector[1] = (struct iovec){vector + 64, (size_t)sizes[j]};
			vector[2] = (struct iovec){(void *)sizes[i], (size_t)sizes[j]};
			raw(SYS_readv, fd, (long)vector, 3, 0, 0, 0);
			raw(SYS_pwritev, fd, (long)vector, 3, 0, 0, 0);
			raw(SYS_writev, pipes[1], (long)vector, 2, 0, 0, 0);
			raw(SYS_readv, pipes[0], (long)vector, 3, 0, 0, 0);
			ftruncate(fd, 10);
		}
	}
}

static void offsets(void)
{
	static const int calls[] = {SYS_lseek, SYS_ftruncate, SYS_pread64, SYS_fadvise64,
		SYS_readahead, SYS_sync_file_range, SYS_copy_file_range, SYS_fallocate};
	int fd = a_file();
	char *buffer = pages(1);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		for (size_t j = 0; j < SIZES; j++) {
			for (size_t k = 0; k < SIZES; k++) {
				if (calls[i] == SYS_ftruncate || calls[i] == SYS_fallocate)
					raw(calls[i], fd, -sizes[j] | (1l << 62), sizes[k], 0, 0,
						0);
				else
					raw(calls[i], fd, sizes[j], sizes[k], 0, 0, 0);
				raw(calls[i], fd, (long)buffer, sizes[j], sizes[k], 0, 0);
			}
		}
	}
	ftruncate(fd, 0);
}

static void polls(void)
{
	struct pollfd *fds = pages(3);
	struct timespec none = {0, 0};
	fd_set *set = pages(1);

	for (int i = 0; i < 1500; i++)
		fds[i] = (struct pollfd){i * 1021, -1, 0};
	for (size_t i = 0; i < SIZES; i++) {
		raw(SYS_poll, (long)fds, sizes[i], 0, 0, 0, 0);
		raw(SYS_ppoll, (long)fds, sizes[i], (long)&none, 0, 8, 0);
		memset(set, 0xff, PAGE);
		raw(SYS_select, sizes[i], (long)set, (long)set, (long)set, (long)&none, 0);
		raw(SYS_pselect6, sizes[i], (long)set, 0, 0, (long)&none, 0);
		raw(SYS_select, 1024, (long)set + PAGE - 64, (long)set, 0, (long)&none, 0);
	}
}

static void epoll_arrays(void)
{
	struct epoll_event *events = pages(2);
	int epoll = epoll_create1(0), pipes[2];

	MUST(epoll >= 0 && pipe(pipes) == 0);
	MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, pipes[1], &(struct epoll_event){.events = EPOLLOUT}) ==
		0);
	for (size_t i = 0; i < SIZES; i++) {
		raw(SYS_epoll_wait, epoll, (long)events, sizes[i], 0, 0, 0);
		raw(SYS_epoll_pwait, epoll, (long)events + 2 * PAGE - 12, sizes[i], 0, 0, sizes[i]);
		raw(SYS_epoll_wait, epoll, sizes[i], 1, 0, 0, 0);
		raw(SYS_epoll_ctl, epoll, sizes[i] & 7, pipes[0], sizes[i], 0, 0);
		raw(SYS_epoll_create, sizes[i], 0, 0, 0, 0, 0);
	}
}

static void send_and_receive(int pair[2], struct msghdr *header)
{
	raw(SYS_sendmsg, pair[0], (long)header, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0, 0);
	raw(SYS_recvmsg, pair[1], (long)header, MSG_DONTWAIT, 0, 0, 0);
}

static void messages(void)
{
	char *buffer = pages(1);
	struct iovec vector = {buffer, 16};
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
	for (size_t i = 0; i < SIZES; i++) {
		for (size_t j = 0; j < SIZES; j++) {
			size_t size = (size_t)sizes[i];
			void *wild = (void *)sizes[j];
			struct msghdr each[] = {
				{.msg_iov = &vector, .msg_iovlen = size},
				{.msg_iov = wild, .msg_iovlen = size},
				{.msg_iov = &vector,
					.msg_iovlen = 1,
					.msg_control = buffer,
					.msg_controllen = size},
				{.msg_iov = &vector,
					.msg_iovlen = 1,
					.msg_control = wild,
					.msg_controllen = size},
				{.msg_iov = &vector,
					.msg_iovlen = 1,
					.msg_name = buffer,
					.msg_namelen = (socklen_t)size},
				{.msg_iov = &vector,
					.msg_iovlen = 1,
					.msg_name = wild,
					.msg_namelen = (socklen_t)size},
			};

			memcpy(buffer, &sizes[j], sizeof(sizes[j]));
			for (size_t k = 0; k < sizeof(each) / sizeof(each[0]); k++)
				send_and_receive(pair, &each[k]);
		}
	}
	for (size_t i = 0; i < SIZES; i++) {
		raw(SYS_sendmmsg, pair[0], (long)buffer, sizes[i], MSG_DONTWAIT, 0, 0);
		raw(SYS_recvmmsg, pair[1], (long)buffer, sizes[i], MSG_DONTWAIT, 0, 0);
	}
}

static void groups_and_sets(void)
{
	static const int calls[] = {SYS_getgroups, SYS_setgroups, SYS_sched_getaffinity,
		SYS_sched_setaffinity, SYS_rt_sigprocmask, SYS_rt_sigpending, SYS_rt_sigsuspend,
		SYS_rt_sigtimedwait, SYS_rt_sigaction, SYS_mincore, SYS_mlock, SYS_sethostname,
		SYS_get_robust_list, SYS_set_robust_list, SYS_getrandom};
	char *buffer = pages(1);

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i] == SYS_rt_sigsuspend)
			continue;
		for (size_t j = 0; j < SIZES; j++) {
			raw(calls[i], sizes[j], (long)buffer, 0, 8, 0, 0);
			raw(calls[i], (long)buffer, sizes[j], (long)buffer, 8, 0, 0);
			raw(calls[i], 0, sizes[j], (long)buffer, 8, 0, 0);
			raw(calls[i], 1, (long)buffer, (long)buffer, sizes[j], 0, 0);
		}
	}
}

const struct hostile hostile_counts[] = {
	{"counts-transfers", transfers, EXITS, 0},
	{"counts-vectors", vectors, EXITS, 0},
	{"counts-wrapping-vectors", wrapping_vectors, EXITS, 0},
	{"counts-offsets", offsets, EXITS, 0},
	{"counts-polls", polls, EXITS, 0},
	{"counts-epoll", epoll_arrays, EXITS, 0},
	{"counts-messages", messages, EXITS, 0},
	{"counts-groups-and-sets", groups_and_sets, EXITS, 0},
	{NULL, NULL, 0, 0},
};
