/* SPDX-License-Identifier: MIT */
/* What the commands of the program share: exit statuses, the one way to complain, and what a
 * command is. */
#ifndef KEG_CLI_CLI_H
#define KEG_CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <keg/host.h>

/* Exit statuses of all commands but `keg run`, which has its own: run_end.h. */
enum cli_status {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
};

struct cli_option;

/* A part of a command's help, after its options. */
struct cli_section {
	const char *title;
	const char *text; /* printed as it is */
};

/* A subcommand. All texts are wrapped where they are written: at most 80 columns. */
struct cli_command {
	const char *name;
	const char *summary; /* a few words, for the list of commands */
	const char *about;   /* what it does, a paragraph or two */
	const struct cli_option *options;
	const char *operand; /* what its one operand is called, or NULL if it has none */
	size_t operand_at;   /* where the settings have a const char * for it */
	bool takes_words;    /* the first operand and all that follows is somebody else's */
	size_t words_at;     /* with it: where the settings have a char ** for them */
	const char *config;  /* the option that names a configuration file, or NULL */
	const struct cli_section *sections; /* ends with one without a title; may be NULL */
	size_t settings_size;             /* of the structure that `options` fill, zero at first */
	int (*run)(const void *settings); /* returns the exit status */
	int failed;                       /* the exit status where keg itself has failed */
	int wrong;                        /* that of wrong usage; 0: CLI_USAGE */
	bool hidden;
	int (*run_words)(char **words); /* in place of run(): takes its words as they are */
};

/* Every command; ends with one without a name. */
extern const struct cli_command *const cli_commands[];

/* The command of that name, or NULL. */
const struct cli_command *cli_find_command(const char *name);

/* CLOCK_MONOTONIC, in nanoseconds; and when the program began, by that clock. */
uint64_t cli_clock(void);
uint64_t cli_began(void);
void cli_begin(void);

/* Whether keg was given this standard stream, 0 to 2: if not, /dev/null is in its place. */
bool cli_has_stream(int fd);

/* Writes "keg: " and the sentence to standard error. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one of `names` (ends with NULL) that is most like `word`, or NULL if none is like it. */
const char *cli_nearest(const char *word, const char *const *names);

/* Writes what is left in the standard output; complains and returns `failed` if it cannot be
 * written, else `status`. */
int cli_finish_output(int status, int failed);

/* Opens KVM; `path` is NULL for /dev/kvm. If it cannot be opened it returns NULL, and `why` is one
 * sentence that says what to do. */
enum { CLI_WHY = 512 };
struct keg_host *cli_open_host(const char *path, char why[CLI_WHY]);

#endif
