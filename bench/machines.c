/* SPDX-License-Identifier: MIT */
/*
 * 1,000 machines alive at once in one process, each with memory and a vCPU that has run: how long
 * each took, and how much more resident memory the process has for each. Each arm has a process of
 * its own, so that neither finds what the other has left behind.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

enum { MACHINES = 1000, QUICK_MACHINES = 10, DESCRIPTORS_EACH = 2, OTHER_DESCRIPTORS = 64 };

struct crowd {
	struct bench *bench;
	size_t count;
	void (*live)(struct crowd *crowd); /* makes all, calls all_alive(), ends all */
	double resident_before;
	struct bench_samples times;    /* us, of each machine */
	struct bench_samples resident; /* KiB a machine */
};

static double resident_kib(void)
{
	FILE *statm = fopen("/proc/self/statm", "re");
	char line[128], *second = NULL;
	unsigned long resident;

	/* proc(5): the size of the program, then what of it is resident, in pages. */
	if (statm && fgets(line, sizeof(line), statm))
		second = strchr(line, ' ');
	if (!second)
		bench_die("/proc/self/statm cannot be read");
	resident = strtoul(second, NULL, 10);
	fclose(statm);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1024;
}

/* Room that is resident from the beginning, and so no machine's. */
static void *need_array(size_t count, size_t bytes)
{
	void *array = reallocarray(NULL, count, bytes);

	if (!array)
		bench_die("no memory for %zu machines", count);
	memset(array, 1, count * bytes);
	return array;
}

static void begin(struct crowd *crowd)
{
	crowd->times = (struct bench_samples){
		.values = need_array(crowd->count, sizeof(double)), .capacity = crowd->count};
	crowd->resident_before = resident_kib();
}

static void one_more(struct crowd *crowd, uint64_t began)
{
	bench_samples_add(&crowd->times, (double)(bench_now() - began) / 1000);
}

static void all_alive(struct crowd *crowd)
{
	bench_samples_add(
		&crowd->resident, (resident_kib() - crowd->resident_before) / (double)crowd->count);
}

static void live_by_keg(struct crowd *crowd)
{
	struct machine *machines = need_array(crowd->count, sizeof(*machines));

	begin(crowd);
	for (size_t i = 0; i < crowd->count; i++) {
		uint64_t began = bench_now();

		machine_create(crowd->bench, &guest_exits, false, &machines[i]);
		machine_run(&machines[i]);
		one_more(crowd, began);
	}
	all_alive(crowd);
	for (size_t i = 0; i < crowd->count; i++)
		machine_destroy(&machines[i]);
	free(machines);
}

static void live_by_hand(struct crowd *crowd)
{
	struct bare_machine *machines = need_array(crowd->count, sizeof(*machines));

	begin(crowd);
	for (size_t i = 0; i < crowd->count; i++) {
		uint64_t began = bench_now();

		bare_create(&crowd->bench->bare, &guest_exits, BARE_NO_IRQCHIP, &machines[i]);
		bare_run(&machines[i]);
		one_more(crowd, began);
	}
	all_alive(crowd);
	for (size_t i = 0; i < crowd->count; i++)
		bare_destroy(&machines[i]);
	free(machines);
}

/* In a child: what it finds, medians, goes through the pipe. */
static void __attribute__((noreturn)) child(struct crowd *crowd, int fd)
{
	struct bench_summary times;
	double answer[2];

	crowd->live(crowd);
	bench_summarize(&crowd->times, &times);
	answer[0] = times.median;
	answer[1] = crowd->resident.values[crowd->resident.count - 1];
	if (write(fd, answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		bench_die("writing to a pipe: %s", strerror(errno));
	_exit(EXIT_SUCCESS);
}

static double measure(void *context)
{
	struct crowd *crowd = context;
	double answer[2];
	int fds[2], status;
	pid_t pid;

	fflush(NULL);
	if (pipe(fds))
		bench_die("making a pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		bench_die("fork: %s", strerror(errno));
	if (pid == 0)
		child(crowd, fds[1]);
	close(fds[1]);
	if (read(fds[0], answer, sizeof(answer)) != (ssize_t)sizeof(answer))
		bench_die("a process with %zu machines has failed", crowd->count);
	close(fds[0]);
	waitpid(pid, &status, 0);
	bench_samples_add(&crowd->resident, answer[1]);
	return answer[0];
}

static bool allow_descriptors(size_t machines)
{
	const rlim_t needed = machines * DESCRIPTORS_EACH + OTHER_DESCRIPTORS;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur >= needed)
		return true;
	limit.rlim_cur = needed;
	if (limit.rlim_max < needed)
		limit.rlim_max = needed;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

void bench_machines(struct bench *bench)
{
	const size_t count = bench->quick ? QUICK_MACHINES : MACHINES;
	struct bench_row times = {
		.what = "1,000 machines alive at once, each made in",
		.peer_name = "bare ioctls",
		.unit = "us",
		.unit_digits = 1,
	};
	struct bench_row resident = {
		.what = "... resident memory each",
		.peer_name = "bare ioctls",
		.unit = "KiB",
		.unit_digits = 1,
	};
	struct crowd keg = {.bench = bench, .count = count, .live = live_by_keg};
	struct crowd bare = {.bench = bench, .count = count, .live = live_by_hand};
	const struct bench_arm arms[] = {
		{measure, &keg, &times.keg},
		{measure, &bare, &times.peer},
	};

	if (!allow_descriptors(count)) {
		bench_skip(bench, "the limit of open files (ulimit -n) is too low");
		return;
	}
	if (bench->quick)
		times.what = "10 machines alive at once, each made in";
	bench_take_turns(arms, 2, 0, bench_rounds(bench, 3));
	resident.keg = keg.resident;
	resident.peer = bare.resident;
	bench_add(bench, &times);
	bench_add(bench, &resident);
}
