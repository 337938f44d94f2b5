/* SPDX-License-Identifier: MIT */
/* keg exec where there is none yet. */
#include "commands.h"

static int exec_run(char **words)
{
	(void)words;
	cli_error("exec needs x86-64");
	return 125;
}

const struct cli_command command_exec = {
	.name = "exec",
	.summary = "run a program in a machine with no kernel in it (x86-64 only)",
	.about = "Runs a Linux program in a machine with no kernel in it, on x86-64.",
	.run_words = exec_run,
	.failed = 125,
	.hidden = true,
};
