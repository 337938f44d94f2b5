/* SPDX-License-Identifier: MIT */
/* Waiting for files as programs do: poll, select, epoll, with and without signals. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t came;
static void note(int signo)
{
	came = signo;
}

static void handle(int signo)
{
	struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};

	came = 0;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

static double now(void)
{
	struct timespec time;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void polling(void)
{
	struct pollfd fds[4];
	double begin;
	int ends[2];

	CHECK(pipe(ends) == 0);
	fds[0] = (struct pollfd){ends[0], POLLIN, 7};
	fds[1] = (struct pollfd){ends[1], POLLOUT, 7};
	fds[2] = (struct pollfd){-1, POLLIN, 7};
	fds[3] = (struct pollfd){999, POLLIN, 7};
	CHECK(poll(fds, 4, -1) == 2);
	CHECK(!fds[0].revents && fds[1].revents == POLLOUT && !fds[2].revents);
	CHECK(fds[3].revents == POLLNVAL);
	begin = now();
	CHECK(poll(fds, 1, 30) == 0 && now() - begin >= 0.03);
	CHECK(write(ends[1], "x", 1) == 1);
	CHECK(poll(fds, 1, 0) == 1 && fds[0].revents == POLLIN);
	close(ends[1]);
	CHECK(poll(fds, 1, -1) == 1 && fds[0].revents == (POLLIN | POLLHUP));
	close(ends[0]);
	CHECK(syscall(SYS_poll, 0x10, 1, 0) == -1 && errno == EFAULT);
	CHECK(syscall(SYS_poll, fds, 1u << 31, 0) == -1 && errno == EINVAL);
}

/* Neither poll nor epoll_wait is done again after a handler: signal(7). */
static void interrupted(void)
{
	struct epoll_event event;
	struct pollfd fd;
	int ends[2], epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK(pipe(ends) == 0);
	fd = (struct pollfd){ends[0], POLLIN, 0};
	handle(SIGALRM);
	ualarm(20000, 0);
	CHECK(poll(&fd, 1, -1) == -1 && errno == EINTR && came == SIGALRM);
	ualarm(20000, 0);
	CHECK(epoll_wait(epoll, &event, 1, 5000) == -1 && errno == EINTR);
	ualarm(20000, 0);
	CHECK(select(0, NULL, NULL, NULL, NULL) == -1 && errno == EINTR);
	close(epoll);
	close(ends[0]);
	close(ends[1]);
}

/* A signal that nobody handles lets the wait go on, as long as it was to be. */
static void stopped(void)
{
	double begin = now();
	int status;
	pid_t child = fork();

	if (child == 0) {
		CHECK(poll(NULL, 0, 100) == 0);
		_exit(0);
	}
	usleep(20000);
	CHECK(kill(child, SIGSTOP) == 0);
	CHECK(waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
	CHECK(kill(child, SIGCONT) == 0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(now() - begin >= 0.1 && now() - begin < 2);
}

/* The mask is there while it waits, and no longer. */
static void masks(void)
{
	struct timespec time = {5, 0};
	sigset_t blocked, none, mask;
	struct epoll_event event;
	int epoll = epoll_create1(0);

	handle(SIGUSR1);
	sigemptyset(&none);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	CHECK(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && came == 0);
	CHECK(ppoll(NULL, 0, &time, &none) == -1 && errno == EINTR && came == SIGUSR1);
	CHECK(sigprocmask(0, NULL, &mask) == 0 && sigismember(&mask, SIGUSR1));
	came = 0;
	CHECK(kill(getpid(), SIGUSR1) == 0 && came == 0);
	CHECK(pselect(0, NULL, NULL, NULL, &time, &none) == -1 && came == SIGUSR1);
	came = 0;
	CHECK(kill(getpid(), SIGUSR1) == 0 && came == 0);
	CHECK(epoll_pwait(epoll, &event, 1, 5000, &none) == -1 && came == SIGUSR1);
	came = 0;
	time.tv_sec = 0;
	CHECK(ppoll(NULL, 0, &time, &none) == 0);
	CHECK(sigprocmask(0, NULL, &mask) == 0 && sigismember(&mask, SIGUSR1));
	CHECK(sigprocmask(SIG_SETMASK, &none, NULL) == 0);
	close(epoll);
}

static void selecting(void)
{
	struct timeval time = {0, 20000};
	fd_set in, out;
	int ends[2];

	CHECK(pipe(ends) == 0);
	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(ends[0], &in);
	FD_SET(ends[1], &out);
	CHECK(select(ends[1] + 1, &in, &out, NULL, NULL) == 1);
	CHECK(!FD_ISSET(ends[0], &in) && FD_ISSET(ends[1], &out));
	FD_SET(ends[0], &in);
	CHECK(select(ends[0] + 1, &in, NULL, NULL, &time) == 0);
	CHECK(time.tv_sec == 0 && time.tv_usec == 0 && !FD_ISSET(ends[0], &in));
	CHECK(write(ends[1], "x", 1) == 1);
	time.tv_sec = 10;
	FD_SET(ends[0], &in);
	CHECK(select(ends[0] + 1, &in, NULL, NULL, &time) == 1 && time.tv_sec == 9);
	close(ends[0]);
	CHECK(select(ends[0] + 1, &in, NULL, NULL, &time) == -1 && errno == EBADF);
	close(ends[1]);
	CHECK(select(-1, NULL, NULL, NULL, NULL) == -1 && errno == EINVAL);
}

static void *write_later(void *argument)
{
	usleep(20000);
	CHECK(write(*(int *)argument, "12345678", 8) == 8);
	return NULL;
}

static void epolling(void)
{
	struct epoll_event event = {EPOLLIN, {.u64 = 0x123456789abcdefull}}, got[4];
	int epoll = epoll_create1(0), ready = eventfd(0, 0), file;
	pthread_t thread;
	uint64_t count;

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) == 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ready, &event) == -1 && errno == EEXIST);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, 999, &event) == -1 && errno == EBADF);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, epoll, &event) == -1 && errno == EINVAL);
	CHECK(epoll_ctl(ready, EPOLL_CTL_ADD, epoll, &event) == -1 && errno == EINVAL);
	file = open("/tmp/polled", O_RDWR | O_CREAT, 0600);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, file, &event) == -1 && errno == EPERM);
	close(file);
	CHECK(epoll_wait(epoll, got, 4, 0) == 0 && epoll_wait(epoll, got, 4, 15) == 0);
	CHECK(epoll_wait(epoll, got, 0, 0) == -1 && errno == EINVAL);
	CHECK(pthread_create(&thread, NULL, write_later, &ready) == 0);
	CHECK(epoll_wait(epoll, got, 4, -1) == 1);
	CHECK(got[0].events == EPOLLIN && got[0].data.u64 == event.data.u64);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(read(ready, &count, 8) == 8 && epoll_wait(epoll, got, 4, 0) == 0);
	event.events = EPOLLOUT;
	CHECK(epoll_ctl(epoll, EPOLL_CTL_MOD, ready, &event) == 0);
	CHECK(epoll_wait(epoll, got, 4, -1) == 1 && got[0].events == EPOLLOUT);
	/* Closed: it is no member any more. */
	close(ready);
	CHECK(epoll_wait(epoll, got, 4, 0) == 0);
	close(epoll);
}

/* A close in another thread hurts nobody who waits. */
static void *close_later(void *argument)
{
	int *ends = argument;

	usleep(20000);
	close(ends[0]);
	CHECK(write(ends[2], "x", 1) == 1);
	return NULL;
}

static void closed_meanwhile(void)
{
	int ends[4];
	struct pollfd fds[2];
	pthread_t thread;

	CHECK(pipe(ends) == 0);
	fds[0] = (struct pollfd){ends[0], POLLIN, 0};
	CHECK(pipe(ends + 2) == 0);
	fds[1] = (struct pollfd){ends[2], POLLIN, 0};
	ends[2] = ends[3];
	CHECK(pthread_create(&thread, NULL, close_later, ends) == 0);
	CHECK(poll(fds, 2, 5000) == 1 && fds[1].revents == POLLIN && !fds[0].revents);
	CHECK(pthread_join(thread, NULL) == 0);
	CHECK(poll(fds, 2, 0) == 2 && fds[0].revents == POLLNVAL);
	close(ends[1]);
	close(ends[3]);
	close(fds[1].fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"polling", polling},
		{"interrupted", interrupted},
		{"stopped", stopped},
		{"masks", masks},
		{"selecting", selecting},
		{"epolling", epolling},
		{"closed meanwhile", closed_meanwhile},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
