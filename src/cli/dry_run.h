/* SPDX-License-Identifier: MIT */
/* keg run --dry-run: the machine that would be built. */
#ifndef KEG_CLI_DRY_RUN_H
#define KEG_CLI_DRY_RUN_H

#include "run_machine.h"

/* Prints it: for people, or with --json as a configuration. 0, or -1 after a complaint. */
int dry_run(const struct run_machine *machine);

#endif
