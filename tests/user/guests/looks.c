/* SPDX-License-Identifier: MIT */
/* What programs and C libraries look at, and processes look at of one another. */
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static void scheduling(void)
{
	struct {
		uint32_t size, policy;
		uint64_t flags;
		int32_t nice;
		uint32_t priority;
		uint64_t rest[3];
	} attr = {0};
	struct timespec slice = {-1, -1};

	CHECK(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0) == 0);
	CHECK(attr.size == 48 && attr.policy == SCHED_OTHER);
	CHECK(attr.nice == getpriority(PRIO_PROCESS, 0));
	CHECK(syscall(SYS_sched_getattr, getpid(), &attr, 8192, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_sched_getattr, 0, &attr, 47, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_sched_getattr, 0, NULL, sizeof(attr), 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_sched_getattr, 9999999, &attr, sizeof(attr), 0) == -1);
	CHECK(errno == ESRCH);
	CHECK(sched_rr_get_interval(0, &slice) == 0 && slice.tv_sec == 0 && slice.tv_nsec >= 0);
	CHECK(sched_rr_get_interval(-1, &slice) == -1 && errno == EINVAL);
}

static void priorities_of_io(void)
{
	CHECK(syscall(SYS_ioprio_get, 1, 0) >= 0);
	CHECK(syscall(SYS_ioprio_get, 1, 9999999) == -1 && errno == ESRCH);
	CHECK(syscall(SYS_ioprio_get, 4, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 7) == 0);
	CHECK(syscall(SYS_ioprio_set, 1, 0, 3 << 13) == 0);
	CHECK(syscall(SYS_ioprio_set, 1, 0, 5 << 13) == -1 && errno == EINVAL);
}

static void memory_policy(void)
{
	unsigned long nodes[16] = {~0ul, ~0ul};
	int policy = -1;

	CHECK(syscall(SYS_get_mempolicy, &policy, NULL, 0, NULL, 0) == 0 && policy == 0);
	CHECK(syscall(SYS_get_mempolicy, &policy, nodes, 1024, NULL, 0) == 0);
	CHECK(nodes[0] == 0 && nodes[15] == 0);
	CHECK(syscall(SYS_get_mempolicy, NULL, nodes, 1024, NULL, 4) == 0 && nodes[0] & 1);
	CHECK(syscall(SYS_get_mempolicy, &policy, NULL, 0, NULL, 8) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_get_mempolicy, &policy, NULL, 0, &policy, 0) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_get_mempolicy, (int *)16, NULL, 0, NULL, 0) == -1 && errno == EFAULT);
}

static int compare(pid_t other, int type, int one_fd, int other_fd)
{
	return (int)syscall(SYS_kcmp, getpid(), other, type, one_fd, other_fd);
}

static void comparing(void)
{
	int fd = open("/", O_RDONLY), second = dup(fd), third = open("/", O_RDONLY), ends[2];
	char byte;
	pid_t child;

	CHECK(compare(getpid(), KCMP_FILE, fd, second) == 0);
	CHECK(compare(getpid(), KCMP_FILE, fd, third) > 0);
	CHECK(compare(getpid(), KCMP_FILE, fd, 999) == -1 && errno == EBADF);
	CHECK(compare(getpid(), KCMP_VM, 0, 0) == 0);
	CHECK(compare(9999999, KCMP_VM, 0, 0) == -1 && errno == ESRCH);
	CHECK(compare(getpid(), 99, 0, 0) == -1 && errno == EINVAL);
	CHECK(pipe(ends) == 0);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		_exit(read(ends[0], &byte, 1) != 0);
	}
	CHECK(compare(child, KCMP_FILE, fd, second) == 0);
	CHECK(compare(child, KCMP_VM, 0, 0) > 0 && compare(child, KCMP_FILES, 0, 0) > 0);
	close(ends[1]);
	CHECK(waitpid(child, NULL, 0) == child);
	close(ends[0]);
	close(fd);
	close(second);
	close(third);
}

static void anothers_file(void)
{
	int ends[2], told[2], own, pidfd, number, got;
	char byte;
	pid_t child;

	CHECK(pipe(ends) == 0 && pipe(told) == 0);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		own = open("/proc/self/comm", O_RDONLY);
		CHECK(write(told[1], &own, sizeof(own)) == sizeof(own));
		_exit(read(ends[0], &byte, 1) != 0);
	}
	CHECK(read(told[0], &number, sizeof(number)) == sizeof(number));
	pidfd = (int)syscall(SYS_pidfd_open, child, 0);
	CHECK(pidfd >= 0);
	got = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	CHECK(got >= 0 && fcntl(got, F_GETFD) == FD_CLOEXEC && read(got, &byte, 1) == 1);
	CHECK(syscall(SYS_kcmp, getpid(), child, KCMP_FILE, got, number) == 0);
	CHECK(syscall(SYS_pidfd_getfd, pidfd, 999, 0) == -1 && errno == EBADF);
	CHECK(syscall(SYS_pidfd_getfd, pidfd, number, 1) == -1 && errno == EINVAL);
	CHECK(syscall(SYS_pidfd_getfd, got, number, 0) == -1 && errno == EBADF);
	close(ends[1]);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(syscall(SYS_pidfd_getfd, pidfd, number, 0) == -1 && errno == ESRCH);
	close(pidfd);
	close(got);
	close(ends[0]);
	close(told[0]);
	close(told[1]);
}

static void note(int signo)
{
	(void)signo;
}

/* A child without its parent's handlers. */
static void cleared_handlers(void)
{
	struct clone_args wish = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
	struct sigaction action;
	int status;
	pid_t child;

	signal(SIGUSR1, note);
	signal(SIGUSR2, SIG_IGN);
	child = (pid_t)syscall(SYS_clone3, &wish, sizeof(wish));
	if (child == 0) {
		if (sigaction(SIGUSR1, NULL, &action) || action.sa_handler != SIG_DFL)
			_exit(1);
		if (sigaction(SIGUSR2, NULL, &action) || action.sa_handler != SIG_IGN)
			_exit(2);
		_exit(0);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	CHECK(sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == note);
	wish.flags |= CLONE_SIGHAND | CLONE_VM;
	CHECK(syscall(SYS_clone3, &wish, sizeof(wish)) == -1 && errno == EINVAL);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"scheduling", scheduling},
		{"priorities of I/O", priorities_of_io},
		{"memory policy", memory_policy},
		{"comparing", comparing},
		{"another's file", anothers_file},
		{"cleared handlers", cleared_handlers},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
