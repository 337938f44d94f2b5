/* SPDX-License-Identifier: MIT */
/* Scenarios side by side, each in a process of its own. */
#include "fault/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault/watchdog.h"

enum { AT_A_TIME = 8, MOST_JOBS = 128 };

struct job {
	pid_t pid;
	FILE *said; /* standard output and error of the process */
	int status;
	bool ended;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int sweep(const struct fault_scenario *scenario, enum fault_effort effort)
{
	double began = now();
	struct fault_tally tally = fault_sweep(scenario, effort, stdout);

	printf("%s %s: %zu calls, %zu faults, %zu findings, %.1f s\n",
		tally.findings ? "not ok" : "ok", scenario->name, tally.calls, tally.faults,
		tally.findings, now() - began);
	return tally.findings ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void start(struct job *job, const struct fault_scenario *scenario, enum fault_effort effort)
{
	job->said = tmpfile();
	if (!job->said)
		fail("fault: a temporary file");
	fflush(stdout);
	job->pid = fork();
	if (job->pid < 0)
		fail("fault: another process");
	if (job->pid > 0)
		return;
	/* A process that cannot end says so at once. */
	watchdog_console(dup(STDERR_FILENO));
	dup2(fileno(job->said), STDOUT_FILENO);
	dup2(fileno(job->said), STDERR_FILENO);
	exit(sweep(scenario, effort));
}

/* Waits for one of them to end. */
static void reap(struct job *jobs, size_t count)
{
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		fail("fault: waiting");
	for (size_t i = 0; i < count; i++) {
		if (jobs[i].pid == pid) {
			jobs[i].status = status;
			jobs[i].ended = true;
		}
	}
}

/* Prints what a process has said. True if it ended well. */
static bool report(struct job *job, const struct fault_scenario *scenario)
{
	char line[1024];

	rewind(job->said);
	while (fgets(line, sizeof(line), job->said))
		fputs(line, stdout);
	fclose(job->said);
	if (!WIFEXITED(job->status) || WEXITSTATUS(job->status) > EXIT_FAILURE)
		printf("not ok %s: its process ended with status 0x%x\n", scenario->name,
			(unsigned int)job->status);
	fflush(stdout);
	return job->status == 0;
}

size_t fault_sweep_all(
	const struct fault_scenario *const *scenarios, size_t count, enum fault_effort effort)
{
	struct job jobs[MOST_JOBS] = {{0}};
	size_t started = 0, ended = 0, reported = 0, failed = 0;

	if (count > MOST_JOBS)
		abort();
	while (reported < count) {
		while (started < count && started - ended < AT_A_TIME) {
			start(&jobs[started], scenarios[started], effort);
			started++;
		}
		reap(jobs, started);
		ended++;
		for (; reported < started && jobs[reported].ended; reported++)
			failed += !report(&jobs[reported], scenarios[reported]);
	}
	return failed;
}
