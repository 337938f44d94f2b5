/* SPDX-License-Identifier: MIT */
/* Clocks, sleeps and timers as a program finds them. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/times.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

static volatile sig_atomic_t count;
static volatile int last_code, last_value, most_overrun;

static void on_signal(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	count++;
	last_code = info->si_code;
	last_value = info->si_value.sival_int;
	if (info->si_code == SI_TIMER && info->si_overrun > most_overrun)
		most_overrun = info->si_overrun;
}

static void handle(int signo)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};

	count = 0;
	CHECK(sigaction(signo, &action, NULL) == 0);
}

static double now(clockid_t clock)
{
	struct timespec time;

	CHECK(clock_gettime(clock, &time) == 0);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void burn(double seconds)
{
	double until = now(CLOCK_PROCESS_CPUTIME_ID) + seconds;

	while (now(CLOCK_PROCESS_CPUTIME_ID) < until)
		for (volatile int i = 0; i < 10000; i++)
			;
}

static void clocks_go_on(void)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
		CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID};
	struct timespec resolution;
	struct timeval time;
	clockid_t other;

	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		double first = now(clocks[i]);

		CHECK(clock_getres(clocks[i], &resolution) == 0 && resolution.tv_nsec > 0);
		for (volatile int j = 0; j < 1000000; j++)
			;
		CHECK(now(clocks[i]) > first);
	}
	CHECK(gettimeofday(&time, NULL) == 0);
	CHECK(now(CLOCK_REALTIME) - (double)time.tv_sec < 3);
	CHECK(clock_gettime(77, &resolution) == -1 && errno == EINVAL);
	CHECK(clock_settime(CLOCK_MONOTONIC, &(struct timespec){1, 0}) == -1);
	CHECK(clock_getcpuclockid(getpid(), &other) == 0 && now(other) > 0);
	CHECK(pthread_getcpuclockid(pthread_self(), &other) == 0 && now(other) > 0);
}

static void processor_time_is_used(void)
{
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID), thread = now(CLOCK_THREAD_CPUTIME_ID);
	struct tms before, after;

	CHECK(times(&before) != -1);
	burn(0.1);
	CHECK(times(&after) != -1);
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - cpu >= 0.1);
	CHECK(now(CLOCK_THREAD_CPUTIME_ID) - thread >= 0.09);
	CHECK(after.tms_utime + after.tms_stime - before.tms_utime - before.tms_stime >= 8);
	cpu = now(CLOCK_PROCESS_CPUTIME_ID);
	usleep(50000);
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - cpu < 0.04);
}

static void sleeps(void)
{
	double began = now(CLOCK_MONOTONIC);
	struct timespec until;

	CHECK(nanosleep(&(struct timespec){0, 30000000}, NULL) == 0);
	CHECK(now(CLOCK_MONOTONIC) - began >= 0.03);
	clock_gettime(CLOCK_MONOTONIC, &until);
	began = now(CLOCK_MONOTONIC);
	until.tv_nsec += 30000000;
	if (until.tv_nsec >= 1000000000)
		until.tv_nsec -= 1000000000, until.tv_sec++;
	CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
	CHECK(now(CLOCK_MONOTONIC) - began >= 0.029);
	CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &(struct timespec){0, 1000000}, NULL) == 0);
	CHECK(nanosleep(&(struct timespec){0, 1000000000}, NULL) == -1 && errno == EINVAL);
	CHECK(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &until, NULL) == EINVAL);
}

static void alarms(void)
{
	struct itimerval timer = {{0, 10000}, {0, 20000}}, left;

	handle(SIGALRM);
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0);
	CHECK(getitimer(ITIMER_REAL, &left) == 0);
	CHECK(left.it_value.tv_usec > 0 && left.it_value.tv_usec <= 20000);
	CHECK(left.it_interval.tv_usec == 10000);
	while (count < 5)
		pause();
	timer = (struct itimerval){{0, 0}, {0, 0}};
	CHECK(setitimer(ITIMER_REAL, &timer, &left) == 0);
	count = 0;
	usleep(30000);
	CHECK(count == 0);
	CHECK(alarm(100) == 0);
	CHECK(alarm(0) == 100);
	CHECK(ualarm(10000, 0) == 0);
	pause();
	CHECK(count == 1);
	timer.it_value.tv_usec = 1000000;
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == -1 && errno == EINVAL);
}

static void profiles(void)
{
	struct itimerval timer = {{0, 10000}, {0, 10000}};
	double cpu = now(CLOCK_PROCESS_CPUTIME_ID);

	handle(SIGPROF);
	CHECK(setitimer(ITIMER_PROF, &timer, NULL) == 0);
	/* In a loop that makes no call. */
	while (count < 5)
		;
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - cpu >= 0.04);
	timer = (struct itimerval){{0, 0}, {0, 0}};
	CHECK(setitimer(ITIMER_PROF, &timer, NULL) == 0);
}

static void posix_timers(void)
{
	struct sigevent event = {
		.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
	struct itimerspec spec = {{0, 5000000}, {0, 10000000}}, left;
	sigset_t set;
	timer_t timer;

	handle(SIGRTMIN);
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
	CHECK(timer_gettime(timer, &left) == 0 && left.it_interval.tv_nsec == 5000000);
	while (count < 3)
		pause();
	CHECK(last_code == SI_TIMER && last_value == 77);
	/* While its signal is blocked, it overruns. */
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	usleep(60000);
	most_overrun = 0;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	CHECK(most_overrun >= 5);
	spec = (struct itimerspec){{0, 0}, {0, 0}};
	CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
	CHECK(timer_getoverrun(timer) >= 0);
	CHECK(timer_delete(timer) == 0);
	CHECK(timer_create(99, &event, &timer) == -1 && errno == EINVAL);
}

static volatile int called;

static void on_timer(union sigval value)
{
	called = value.sival_int;
}

static void timers_with_threads(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_value.sival_int = 5};
	struct itimerspec spec = {{0, 0}, {0, 10000000}};
	timer_t timer;

	event.sigev_notify_function = on_timer;
	CHECK(timer_create(CLOCK_REALTIME, &event, &timer) == 0);
	CHECK(timer_settime(timer, 0, &spec, NULL) == 0);
	for (int i = 0; i < 200 && !called; i++)
		usleep(5000);
	CHECK(called == 5);
	CHECK(timer_delete(timer) == 0);
}

static void timers_that_are_files(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	struct itimerspec spec = {{0, 10000000}, {0, 20000000}}, left;
	double began = now(CLOCK_MONOTONIC);
	uint64_t ticks;

	CHECK(fd >= 0);
	CHECK(timerfd_settime(fd, 0, &spec, NULL) == 0);
	CHECK(timerfd_gettime(fd, &left) == 0 && left.it_interval.tv_nsec == 10000000);
	CHECK(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks >= 1);
	CHECK(now(CLOCK_MONOTONIC) - began >= 0.02);
	usleep(50000);
	CHECK(read(fd, &ticks, sizeof(ticks)) == sizeof(ticks) && ticks >= 4);
	CHECK(timerfd_settime(1, 0, &spec, NULL) == -1 && errno == EINVAL);
	close(fd);
}

static void children_have_no_alarms(void)
{
	struct itimerval left;
	int status;
	pid_t child;

	handle(SIGALRM);
	alarm(100);
	child = fork();
	if (child == 0) {
		CHECK(getitimer(ITIMER_REAL, &left) == 0);
		_exit(left.it_value.tv_sec || left.it_value.tv_usec);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(alarm(0) > 90);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"clocks_go_on", clocks_go_on},
		{"processor_time_is_used", processor_time_is_used},
		{"sleeps", sleeps},
		{"alarms", alarms},
		{"profiles", profiles},
		{"posix_timers", posix_timers},
		{"timers_with_threads", timers_with_threads},
		{"timers_that_are_files", timers_that_are_files},
		{"children_have_no_alarms", children_have_no_alarms},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
