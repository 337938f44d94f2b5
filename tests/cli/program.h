/* SPDX-License-Identifier: MIT */
/* Running the built program as a user does: its words, its output, its exit status. */
#ifndef KEG_TESTS_CLI_PROGRAM_H
#define KEG_TESTS_CLI_PROGRAM_H

#include <sys/types.h>

#include "testing.h"

/* How a run of the program ended. */
struct outcome {
	int status; /* its exit status, or 128 + the signal it died of */
	int signo;  /* that signal, or 0 */
	char *out, *err;
};

/* Gives up on a program that never ends. */
enum { PROGRAM_SECONDS = 60 };

/* The program's path: $KEG, or the one that was built with this test. */
const char *program_path(void);

/* Starts it in the child's place. `words` ends with NULL, and lacks the program's own name. */
_Noreturn void program_exec(const char *const *words);

/* Runs it with `input` on its standard input (NULL: nothing at all), as user `uid` unless that is
 * 0. */
void program_run(struct outcome *outcome, const char *input, uid_t uid, const char *const *words);
void program_release(struct outcome *outcome);

#define WORDS(...)            ((const char *const[]){__VA_ARGS__, NULL})
#define run_keg(outcome, ...) program_run(outcome, NULL, 0, WORDS(__VA_ARGS__))

/* Fails with both texts unless `text` holds `part`. */
void assert_has(const char *text, const char *part);

/* A complaint: nothing on standard output, and one line on standard error that holds `part`. */
void assert_complaint(const struct outcome *outcome, int status, const char *part);

/* What the shell is offered for the words of a command line, for each row of a table. */
struct completion {
	const char *words[6], *offered;
};
void assert_completions(const struct completion *rows, size_t count);

/* A new file with these bytes, removed by program_remove_files(). */
const char *program_file(const void *bytes, size_t count);
void program_remove_files(void);

#endif
