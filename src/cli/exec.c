/* SPDX-License-Identifier: MIT */
/* keg exec: runs a program in a machine with no kernel in it, as if it had been run directly. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <keg/error.h>
#include <keg/vcpu.h>

#include "commands.h"
#include "exec.h"

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
		.kick_signal = SIGRTMIN,
	};

	if (keg_kick_install(SIGRTMIN) < 0 ||
		keg_user_create(execution->host, &config, &execution->user) < 0) {
		cli_error("%s", keg_error_message());
		return -1;
	}
	execution->environment = exec_environment(settings);
	if (!execution->environment ||
		exec_set_up(execution->user, settings, execution->program) < 0 ||
		exec_trace_begin(&execution->trace, execution->user, settings) < 0)
		return -1;
	return 0;
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
		if (stop->vector && stop->what[0])
			cli_error("%s", stop->what);
		return die(stop->signal);
	case KEG_USER_TIME:
		cli_error("the program's time is up: --time");
		return EXEC_TIME;
	case KEG_USER_MEMORY:
		cli_error("the program's memory is used up: --memory gives it more");
		return die(SIGKILL);
	default:
		cli_error("%s", stop->what[0] ? stop->what : keg_error_message());
		return EXEC_FAILED;
	}
}

static int load_and_run(struct execution *execution)
{
	const struct exec_settings *settings = execution->settings;
	struct keg_user_stop stop;
	pthread_t signals;
	int result = keg_user_load(execution->user, execution->program,
		(const char *const *)settings->words, execution->environment);

	if (result < 0) {
		cli_error("%s: %s", settings->words[0], keg_error_message());
		return result == -EACCES || result == -ENOEXEC ? EXEC_NOT_EXECUTABLE : EXEC_FAILED;
	}
	if (!settings->unconfined && keg_user_confine(execution->user) < 0) {
		cli_error("%s", keg_error_message());
		return EXEC_FAILED;
	}
	execution->ready = cli_clock();
	if (exec_signals_begin(execution->user, &signals) < 0) {
		cli_error("out of threads");
		return EXEC_FAILED;
	}
	result = keg_user_run(execution->user, &stop);
	exec_signals_end(signals);
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
	if (!execution.host)
		cli_error("%s", why);
	else if (make(&execution) == 0)
		status = load_and_run(&execution);
	else
		status = EXEC_FAILED;
	keg_user_destroy(execution.user);
	keg_host_destroy(execution.host);
	free(execution.environment);
	free(execution.program);
	return execution.host ? status : EXEC_FAILED;
}

static const struct cli_section sections[] = {
	{"Exit status",
		"  The program's own; if a signal killed it, keg dies of that signal. 124: its\n"
		"  time was up; 125: keg failed; 126, 127: it cannot be executed, it is not "
		"there."},
	{"Examples", "  keg exec -- /bin/echo hello\n"
		     "  keg exec --rw . --cwd \"$PWD\" -- make\n"
		     "  keg exec --time 10 --memory 256M --trace -- ./untrusted"},
	{0},
};

const struct cli_command command_exec = {
	.name = "exec",
	.summary = "run a program in a machine with no kernel in it",
	.about = "Runs a Linux program in a virtual machine of its own. Its code runs natively; "
		 "its\n"
		 "system calls leave the machine, and keg serves or refuses them. It sees its own\n"
		 "file and the system's libraries, read-only, an empty /tmp, and the standard\n"
		 "streams; all else is given by options.",
	.options = exec_options,
	.operand = "--] PROGRAM [WORD...",
	.words_at = offsetof(struct exec_settings, words),
	.takes_words = true,
	.sections = sections,
	.settings_size = sizeof(struct exec_settings),
	.run = exec_run,
	.failed = EXEC_FAILED,
};
