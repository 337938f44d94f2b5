/* SPDX-License-Identifier: MIT */
/* What `keg run` was asked for. */
#ifndef KEG_CLI_RUN_SETTINGS_H
#define KEG_CLI_RUN_SETTINGS_H

#include "options.h"

struct run_settings {
	const char *image; /* NULL: the guest that is built in */
	struct cli_number cpus, memory;
	const char *append, *initrd;
	int kind, mode; /* enum keg_image_kind, enum keg_entry_mode */
	struct cli_number load_address, entry;
	struct cli_number timeout;
	const char *device;
	bool stats;
	struct cli_optional_string json;
};

/* run.c */
int run_guest(const void *given);

#endif
