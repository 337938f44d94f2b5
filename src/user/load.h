/* SPDX-License-Identifier: MIT */
/*
 * Loading a program: ELF64 (System V gABI, AMD64 psABI), its interpreter, scripts, and the stack
 * that it begins with: arguments, environment, auxiliary vector.
 */
#ifndef KEG_USER_LOAD_H
#define KEG_USER_LOAD_H

#include <stddef.h>
#include <stdint.h>

struct keg_task;
struct keg_file;
struct keg_space;

/* What execve's strings are: in keg's memory, copied and bounded (2 MiB, 128 KiB each, as Linux).
 */
struct keg_words {
	char **at; /* ends with NULL */
	uint32_t count;
	uint64_t bytes; /* of all, ends included */
};
#define KEG_WORD_MOST ((size_t)128 * 1024) /* MAX_ARG_STRLEN, the end included */
void keg_words_free(struct keg_words *words);
int keg_words_add(struct keg_words *words, const char *word, size_t length); /* -E2BIG, -ENOMEM */
int keg_words_copy(struct keg_words *words, const char *const given[]);      /* NULL: none */
int keg_words_read(
	struct keg_words *words, struct keg_space *space, uint64_t at); /* -EFAULT, -E2BIG */
/* Puts others in the place of the first. */
int keg_words_lead(struct keg_words *words, const char *const given[]);

struct keg_load {
	const char *path;            /* the sandbox's: what is opened */
	const char *name;            /* as it was asked for: a script and AT_EXECFN have it */
	struct keg_words *arguments; /* change when it is a script */
	struct keg_words *environment;
};
/*
 * Fills an empty space with the program and its first stack, and sets the task's process
 * (executable, auxv, args …) and registers, once nothing can fail any more. Scripts lead to their
 * interpreter, four deep. Takes user->lock for a moment. -ENOEXEC, -EACCES, -ENOENT, -ELOOP,
 * -E2BIG, -ENOMEM, -ELIBBAD; the message says what
 */
int keg_load_program(struct keg_task *task, struct keg_space *space, const struct keg_load *what);

#endif
