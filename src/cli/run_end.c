/* SPDX-License-Identifier: MIT */
/* The ends of a run. */
#include "run_end.h"

#include <stdio.h>
#include <string.h>

#include <keg/error.h>

/* The ends that the board tells of. */
static const struct {
	const char *name;
	int status;
} board_ends[] = {
	[KEG_END_POWER_OFF] = {"power-off", RUN_POWER_OFF},
	[KEG_END_RESET] = {"reset", RUN_RESET},
	[KEG_END_HALTED] = {"halted", RUN_HALTED},
	[KEG_END_TRIPLE_FAULT] = {"triple-fault", RUN_TRIPLE_FAULT},
	[KEG_END_DEBUG_EXIT] = {"debug-exit", 0},
	[KEG_END_STOPPED] = {"stopped", RUN_FAILED},
	[KEG_END_FAULT] = {"kvm-fault", RUN_KVM_FAULT},
	[KEG_END_PANIC] = {"panic", RUN_PANIC},
};

/* What this program ended. */
static void end_from_console(const struct console *console, struct run_end *end)
{
	switch (console->stop) {
	case CONSOLE_STOP_KEYS:
		end->name = "keys";
		end->status = RUN_KEYS;
		snprintf(end->message, sizeof(end->message), "ended by Ctrl-A x");
		break;
	case CONSOLE_STOP_SIGNAL:
		end->name = "signal";
		end->signo = console->signo;
		end->status = 128 + console->signo; /* as shells show it */
		snprintf(end->message, sizeof(end->message), "ended by SIG%s",
			sigabbrev_np(console->signo));
		break;
	case CONSOLE_STOP_TIME:
		end->name = "timeout";
		end->status = RUN_TIMEOUT;
		snprintf(end->message, sizeof(end->message),
			"ended because the time of --timeout is up");
		break;
	case CONSOLE_STOP_OUTPUT:
		end->name = "output";
		end->status = RUN_FAILED;
		snprintf(end->message, sizeof(end->message),
			"ended because the guest's output cannot be written: %s",
			strerror(console->output.error));
		break;
	case CONSOLE_RUNNING:
		break;
	}
}

void run_end_of(
	const struct keg_board_result *result, const struct console *console, struct run_end *end)
{
	*end = (struct run_end){
		.name = board_ends[result->end].name, .status = board_ends[result->end].status};
	snprintf(end->message, sizeof(end->message), "%s", result->message);
	if (result->end == KEG_END_DEBUG_EXIT)
		end->status = (int)(result->status & 0xff); /* what exit(3) keeps of it */
	/* Output that is lost is told of, however the guest ended meanwhile. */
	if (result->end == KEG_END_STOPPED || console->stop == CONSOLE_STOP_OUTPUT)
		end_from_console(console, end);
}

void run_end_failed(struct run_end *end)
{
	*end = (struct run_end){.name = "failed", .status = RUN_FAILED};
	snprintf(end->message, sizeof(end->message), "%s", keg_error_message());
}

int run_end_exit(const struct run_end *end)
{
	sigset_t set;

	if (end->signo) {
		fflush(NULL);
		signal(end->signo, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, end->signo);
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
		raise(end->signo);
	}
	return end->status;
}
