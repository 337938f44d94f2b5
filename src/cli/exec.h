/* SPDX-License-Identifier: MIT */
/* What keg exec is told, and its parts. */
#ifndef KEG_CLI_EXEC_H
#define KEG_CLI_EXEC_H

#include <signal.h>

#include <keg/user.h>

#include "options.h"

/* Exit statuses where it is not the program's own: those of env(1) and timeout(1). */
enum exec_status {
	EXEC_TIME = 124,
	EXEC_FAILED = 125, /* keg itself, or this machine's KVM; wrong usage */
	EXEC_NOT_EXECUTABLE = 126,
	EXEC_NOT_FOUND = 127,
};

enum exec_network {
	EXEC_NETWORK_NONE,
	EXEC_NETWORK_HOST,
};

struct exec_settings {
	char **words; /* the program and its arguments */
	struct cli_list read_only, writable, binds, empty, environment, allowed,
		denied; /* const char * */
	struct cli_number memory, time_ns, processes, threads, files;
	int network;
	bool all_environment;
	bool no_system;
	bool no_defaults;
	bool unconfined;
	bool json;
	bool stats;
	struct cli_optional_string trace;
	const char *directory;
	const char *device;
};

extern const struct cli_option exec_options[];

/* The host's path of the program: as it is, or found in PATH. NULL, and *status is the exit status,
 * after a complaint. The caller frees it. */
char *exec_find(const char *name, int *status);

/* Sets the sandbox up as the options say. 0, or an exit status after a complaint. */
int exec_set_up(struct keg_user *user, const struct exec_settings *settings, const char *program);

/* The environment that the program gets; ends with NULL; NULL after a complaint. The strings are
 * the settings' and the environment's own. */
const char **exec_environment(const struct exec_settings *settings);

/* Those that keg's caller wants to be ignored, as keg_user_config has them: nohup(1). */
uint64_t exec_signals_ignored(void);
/* Signals that keg gets become the program's. Begin blocks them in the calling thread, before
 * others are made; end: nothing is done to the sandbox from then on. */
int exec_signals_begin(struct keg_user *user);
void exec_signals_end(void);

/* Prints each call to `file`, in words or as a line of JSON. */
struct exec_trace {
	FILE *file;
	bool json;
	uint64_t began;
};
int exec_trace_begin(
	struct exec_trace *trace, struct keg_user *user, const struct exec_settings *settings);
void exec_trace_end(struct exec_trace *trace);

/* How the run ended, what it cost. */
void exec_stats_print(
	struct keg_user *user, const struct keg_user_stop *stop, uint64_t start_ns, bool json);

#endif
