/* SPDX-License-Identifier: MIT */
/* Numbers that have names in system calls: flags, operations, errors. */
#ifndef KEG_USER_TRACE_WORDS_H
#define KEG_USER_TRACE_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct keg_word {
	uint64_t value;
	const char *name;
};

/* How the words of an argument's letter are put together. */
struct keg_words_of {
	char letter;
	bool flags;    /* any of them, joined by '|'; else one */
	uint64_t mask; /* with flags: the bits that are one number by themselves (O_ACCMODE), in
			  `words` first */
	const struct keg_word *words; /* ends without a name */
};

const struct keg_words_of *keg_words_for(char letter); /* NULL: none */
const char *keg_errno_name(int error);                 /* "ENOENT"; NULL: unknown */

#endif
