/* SPDX-License-Identifier: MIT */
/* The commands, each in the file of its name. */
#ifndef KEG_CLI_COMMANDS_H
#define KEG_CLI_COMMANDS_H

#include "cli.h"

extern const struct cli_command command_run;
extern const struct cli_command command_exec;
extern const struct cli_command command_info;
extern const struct cli_command command_help;     /* main.c */
extern const struct cli_command command_complete; /* hidden: for tools/completion */

#endif
