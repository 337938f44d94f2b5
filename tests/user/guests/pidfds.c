/* SPDX-License-Identifier: MIT */
/* Files that stand for processes, as a program finds them. */
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "check.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int pidfd, int signo, siginfo_t *info)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signo, info, 0);
}

static short events_of(int fd, int timeout)
{
	struct pollfd wanted = {fd, POLLIN | POLLOUT, 0};

	CHECK(poll(&wanted, 1, timeout) >= 0);
	return wanted.revents;
}

static pid_t sleeper(void)
{
	pid_t child = fork();

	CHECK(child >= 0);
	while (child == 0)
		pause();
	return child;
}

static void opened(void)
{
	char name[64], link[64] = "";
	int fd = pidfd_open(getpid(), 0);

	CHECK(fd >= 0);
	CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(fd, F_GETFL) & ~O_LARGEFILE) == O_RDWR);
	CHECK(read(fd, link, sizeof(link)) < 0 && errno == EINVAL);
	CHECK(write(fd, link, 8) < 0 && errno == EINVAL);
	CHECK(events_of(fd, 0) == 0);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	CHECK(readlink(name, link, sizeof(link)) == 18 && !memcmp(link, "anon_inode:[pidfd]", 18));
	CHECK(pidfd_open(0, 0) < 0 && errno == EINVAL);
	CHECK(pidfd_open(-1, 0) < 0 && errno == EINVAL);
	CHECK(pidfd_open(getpid(), 1) < 0 && errno == EINVAL);
	CHECK(pidfd_open(99999, 0) < 0 && errno == ESRCH);
	close(fd);
}

static void is_readable_when_it_ends(void)
{
	pid_t child = sleeper();
	int fd = pidfd_open(child, 0), epoll = epoll_create1(0);
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u64 = 42};

	CHECK(fd >= 0 && epoll >= 0);
	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0);
	CHECK(events_of(fd, 0) == 0);
	CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
	CHECK(send_signal(fd, 0, NULL) == 0);
	CHECK(send_signal(fd, SIGTERM, NULL) == 0);
	CHECK(events_of(fd, -1) == POLLIN);
	CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
	CHECK(event.events == EPOLLIN && event.data.u64 == 42);
	/* A zombie still gets signals, though it does nothing with them. */
	CHECK(send_signal(fd, SIGTERM, NULL) == 0);
	CHECK(pidfd_open(child, 0) >= 0);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(send_signal(fd, 0, NULL) < 0 && errno == ESRCH);
	CHECK(events_of(fd, 0) & POLLIN);
	close(epoll);
	close(fd);
}

static void waited_for(void)
{
	pid_t child = sleeper(), other = sleeper();
	int fd = pidfd_open(child, 0), no_wait = pidfd_open(child, O_NONBLOCK);
	siginfo_t info = {0};

	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0);
	CHECK(waitid(P_PIDFD, (id_t)no_wait, &info, WEXITED) < 0 && errno == EAGAIN);
	kill(other, SIGKILL);
	CHECK(waitid(P_PID, (id_t)other, &info, WEXITED) == 0 && info.si_pid == other);
	CHECK(send_signal(fd, SIGKILL, NULL) == 0);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
	CHECK(info.si_pid == child && info.si_code == CLD_KILLED && info.si_status == SIGKILL);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 && errno == ECHILD);
	CHECK(waitid(P_PIDFD, 1, &info, WEXITED) < 0 && errno == EBADF);
	CHECK(waitid(P_PIDFD, 1000, &info, WEXITED) < 0 && errno == EBADF);
	CHECK(waitid(P_PIDFD, (id_t)-1, &info, WEXITED) < 0 && errno == EINVAL);
	close(fd);
	/* Not of who is not the caller's child. */
	fd = pidfd_open(getpid(), 0);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0 && errno == ECHILD);
	close(fd);
	close(no_wait);
}

static void signals_with_words(void)
{
	int fd = pidfd_open(getpid(), 0);
	siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE}, got;
	pid_t child = sleeper();
	int to_child = pidfd_open(child, 0);
	sigset_t set;

	info.si_value.sival_int = 1234;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK(send_signal(fd, SIGUSR2, &info) < 0 && errno == EINVAL);
	CHECK(send_signal(fd, SIGUSR1, &info) == 0);
	CHECK(sigwaitinfo(&set, &got) == SIGUSR1 && got.si_value.sival_int == 1234);
	info.si_code = SI_USER;
	CHECK(send_signal(to_child, SIGUSR1, &info) < 0 && errno == EPERM);
	CHECK(send_signal(fd, 65, NULL) < 0 && errno == EINVAL);
	CHECK(send_signal(1, SIGUSR1, NULL) < 0 && errno == EBADF);
	CHECK(send_signal(fd, SIGUSR1, (siginfo_t *)8) < 0 && errno == EFAULT);
	CHECK(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0x100) < 0 && errno == EINVAL);
	close(fd);
	/* A directory of /proc will do for this one. */
	fd = open("/proc/self", O_RDONLY | O_DIRECTORY);
	CHECK(send_signal(fd, SIGUSR1, NULL) == 0 && sigwaitinfo(&set, &got) == SIGUSR1);
	close(fd);
	fd = open("/proc", O_RDONLY | O_DIRECTORY);
	CHECK(send_signal(fd, SIGUSR1, NULL) < 0 && errno == EBADF);
	close(fd);
	kill(child, SIGKILL);
	CHECK(waitpid(child, NULL, 0) == child);
	close(to_child);
}

static pid_t clone3_with(uint64_t flags, int *pidfd)
{
	struct clone_args args = {.flags = CLONE_PIDFD | flags,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void made_by_clone(void)
{
	siginfo_t info = {0};
	int fd = -1, old;
	pid_t child = clone3_with(0, &fd);

	if (child == 0)
		_exit(fcntl(fd, F_GETFD) < 0 ? 7 : 1);
	CHECK(child > 0 && fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0);
	CHECK(info.si_pid == child && info.si_status == 7);
	close(fd);
	old = fd = dup(1);
	close(fd);
	child = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	if (child == 0)
		_exit(8);
	CHECK(child > 0 && waitid(P_PIDFD, (id_t)fd, &info, WEXITED) == 0 && info.si_status == 8);
	close(fd);
	CHECK(clone3_with(CLONE_THREAD | CLONE_SIGHAND | CLONE_VM, &fd) < 0 && errno == EINVAL);
	CHECK(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0) < 0 &&
		errno == EINVAL);
	/* There is no child then, nor a file. */
	CHECK(clone3_with(0, (int *)8) < 0 && errno == EFAULT);
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
	fd = dup(1);
	CHECK(fd == old);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"opened", opened},
		{"is readable when it ends", is_readable_when_it_ends},
		{"waited for", waited_for},
		{"signals with words", signals_with_words},
		{"made by clone", made_by_clone},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
