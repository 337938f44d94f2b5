/* SPDX-License-Identifier: MIT */
/*
 * The stack that a program begins with (AMD64 psABI 3.4.1, figure 3.9): from the top down the
 * strings, then the auxiliary vector, the environment, the arguments and their number.
 */
#ifndef KEG_USER_STACK_H
#define KEG_USER_STACK_H

#include <stddef.h>
#include <stdint.h>

#include "user/load.h"

struct keg_stack_input {
	uint64_t top; /* 16-byte aligned: the stack ends there */
	const struct keg_words *arguments, *environment;
	const char *file; /* as it was asked for: AT_EXECFN */
	uint64_t headers, header_count, base, entry;
	uint64_t hwcap, signal_stack;
	uint64_t vdso; /* 0: there is none */
	unsigned char random[16];
};

#define KEG_AUXV_WORDS 64 /* pairs that end with AT_NULL */

struct keg_stack {
	unsigned char *bytes; /* to be copied to rsp and above; freed by keg_stack_free() */
	size_t size;
	uint64_t rsp; /* 16-byte aligned */
	uint64_t args_at, args_end, env_at, env_end;
	uint64_t auxv[KEG_AUXV_WORDS];
};

/* -E2BIG, -ENOMEM */
int keg_stack_make(const struct keg_stack_input *input, struct keg_stack *stack);
void keg_stack_free(struct keg_stack *stack);

#endif
