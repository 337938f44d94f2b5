/* SPDX-License-Identifier: MIT */
/* keg exec: runs a program in a machine with no kernel in it, as if it had been run directly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <keg/error.h>
#include <keg/vcpu.h>

#include "commands.h"
#include "exec.h"
#include "terminal.h"

/* A run, from its parts to its end. */
struct execution {
	const struct exec_settings *settings;
	struct keg_host *host;
	struct keg_user *user;
	struct exec_trace trace;
	char *program;
	const char **environment;
	uint64_t ready; /* cli_clock() */
};

/* 0, or an exit status after a complaint. */
static int make(struct execution *execution)
{
	const struct exec_settings *settings = execution->settings;
	struct keg_user_config config = {
		.size = sizeof(config),
		.memory = settings->memory.value,
		.time_ns = settings->time_ns.value,
		.processes = (uint32_t)settings->processes.value,
		.threads = (uint32_t)settings->threads.value,
		.files = (uint32_t)settings->files.value,
		.flags = KEG_USER_STOPS | KEG_USER_UMASK | KEG_USER_HELPER,
		.kick_signal = SIGRTMIN,
		.umask = umask(022),
	};

	umask((mode_t)config.umask);
	config.ignored = exec_signals_ignored();
	if (keg_kick_install(SIGRTMIN) < 0 ||
		keg_user_create(execution->host, &config, &execution->user) < 0) {
		cli_error("%s", keg_error_message());
		return EXEC_FAILED;
	}
	execution->environment = exec_environment(settings);
	if (!execution->environment ||
		exec_trace_begin(&execution->trace, execution->user, settings) < 0)
		return EXEC_FAILED;
	return exec_set_up(execution->user, settings, execution->program);
}

/* Dies as the program did. */
static int die(int signo)
{
	const struct rlimit none = {0, 0};
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	signal(signo, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(signo);
	return 128 + signo;
}

static int end_of(const struct keg_user_stop *stop)
{
	switch (stop->end) {
	case KEG_USER_EXITED:
		return stop->status;
	case KEG_USER_KILLED:
		/* Where it faulted; of a signal that was sent, the end says enough. */
		if (stop->what[0] && strncmp(stop->what, "signal ", 7) != 0)
			cli_error("%s", stop->what);
		return die(stop->signal);
	case KEG_USER_TIME:
		cli_error("the time of --time is up");
		return EXEC_TIME;
	case KEG_USER_MEMORY:
		cli_error("the memory of --memory is used up");
		return die(SIGKILL);
	default:
		cli_error("%s", stop->what[0] ? stop->what : keg_error_message());
		return EXEC_FAILED;
	}
}

/* Why there is no program to run, and the exit status that tells of it, as env(1) has them. */
static int cannot_load(const struct execution *execution, int error)
{
	cli_error("%s%s", keg_error_message(),
		error == ENOENT && execution->settings->no_defaults
			? ": --no-defaults shows only what --ro, --rw and --bind do"
			: "");
	switch (error) {
	case ENOENT:
		return EXEC_NOT_FOUND;
	case EACCES:
	case ENOEXEC:
	case ELIBBAD:
	case ELOOP:
		return EXEC_NOT_EXECUTABLE;
	default:
		return EXEC_FAILED;
	}
}

/* Runs the program, which has keg's terminal meanwhile. What keg_user_run() says. */
static int run(struct execution *execution, struct keg_user_stop *stop)
{
	struct keg_user_stats stats = {.size = sizeof(stats)};
	int result;

	if (terminal_lend())
		terminal_guard();
	do {
		result = keg_user_run(execution->user, stop);
		/* The shell that keg runs in waits for keg to stop. SIGCONT comes by its thread. */
		if (result == 0 && stop->end == KEG_USER_STOPPED)
			raise(SIGSTOP);
	} while (result == 0 && stop->end == KEG_USER_STOPPED);
	keg_user_stats(execution->user, &stats);
	/* Who is not ended by others leaves it as it is meant to be: stty(1), say. And what this
	 * program did not do is the doing of another one at the terminal: a pager behind a pipe. */
	if (!stats.terminal_set || (result == 0 && stop->end == KEG_USER_EXITED))
		terminal_keep();
	else
		terminal_leave();
	return result;
}

static int load_and_run(struct execution *execution)
{
	const struct exec_settings *settings = execution->settings;
	struct keg_user_stop stop;
	int result = keg_user_load(execution->user, execution->program,
		(const char *const *)settings->words, execution->environment);

	if (result < 0)
		return cannot_load(execution, -result);
	if (!settings->unconfined && keg_user_confine(execution->user) < 0) {
		cli_error("%s", keg_error_message());
		return EXEC_FAILED;
	}
	execution->ready = cli_clock();
	if (exec_signals_begin(execution->user) < 0) {
		cli_error("out of threads");
		return EXEC_FAILED;
	}
	result = run(execution, &stop);
	exec_signals_end();
	exec_trace_end(&execution->trace);
	if (result < 0) {
		cli_error("%s", keg_error_message());
		return EXEC_FAILED;
	}
	if (settings->stats)
		exec_stats_print(
			execution->user, &stop, execution->ready - cli_began(), settings->json);
	keg_user_destroy(execution->user);
	execution->user = NULL;
	return end_of(&stop);
}

static int exec_run(const void *given)
{
	struct execution execution = {.settings = given};
	char why[CLI_WHY];
	int status = EXEC_FAILED;

	if (!execution.settings->words || !execution.settings->words[0]) {
		cli_error("which program? Try: keg exec -- /bin/echo hello");
		return EXEC_FAILED;
	}
	execution.program = exec_find(execution.settings->words[0], &status);
	if (!execution.program)
		return status;
	execution.host = cli_open_host(execution.settings->device, why);
	if (!execution.host) {
		cli_error("%s", why);
		status = EXEC_FAILED;
	} else {
		status = make(&execution);
		if (status == 0)
			status = load_and_run(&execution);
	}
	keg_user_destroy(execution.user);
	keg_host_destroy(execution.host);
	free(execution.environment);
	free(execution.program);
	return status;
}

static const struct cli_section sections[] = {
	{"Exit status",
		"  The program's own; if a signal killed it, keg dies of that signal, too.\n"
		"  124  the time of --time is up\n"
		"  125  wrong usage, or keg or KVM failed\n"
		"  126  the program cannot be executed\n"
		"  127  there is no such program"},
	{"Examples", "  keg exec -- /bin/echo hello\n"
		     "  keg exec --rw . --ro /usr --ro /bin --cwd . -- make\n"
		     "  keg exec --time 10 --memory 256M --trace -- ./untrusted"},
	{0},
};

const struct cli_command command_exec = {
	.name = "exec",
	.summary = "run a program in a machine with no kernel in it",
	.about = "Runs a Linux program in a virtual machine of its own. Its code runs natively;\n"
		 "its system calls leave the machine, and keg serves or refuses them. It sees its\n"
		 "own file and the system's libraries, read-only, an empty /tmp, and the standard\n"
		 "streams; all else is given by options.",
	.options = exec_options,
	.operand = "--] PROGRAM [WORD...",
	.words_at = offsetof(struct exec_settings, words),
	.takes_words = true,
	.sections = sections,
	.settings_size = sizeof(struct exec_settings),
	.run = exec_run,
	.failed = EXEC_FAILED,
	.wrong = EXEC_FAILED,
};
