/* SPDX-License-Identifier: MIT */
/*
 * The program's ioctls, counted, and answered by the test in place of the kernel. A program that
 * uses this is linked with -Wl,--wrap=ioctl.
 */
#ifndef KEG_TESTS_MEM_IOCTLS_H
#define KEG_TESTS_MEM_IOCTLS_H

#include <stdbool.h>
#include <stdint.h>

/* How often `request` was made since the last ioctls_forget(); 0 stands for any request. */
unsigned int ioctls_made(unsigned long request);
void ioctls_forget(void);

/* What to answer to a request in place of the kernel. */
struct ioctl_rule {
	unsigned long request;
	bool with_arg; /* only when its argument is `arg` */
	uintptr_t arg;
	unsigned int skip;  /* how many the kernel gets before */
	unsigned int times; /* how many are answered; 0 for all that follow */
	int answer;         /* a result, or a negative errno */
};

/* Follows a rule from now on, or none (NULL). One at a time. */
void ioctls_obey(const struct ioctl_rule *rule);

/* The everyday rule: the next `request` fails with `error`, those after it do not. */
void ioctls_fail_next(unsigned long request, int error);

/* The rule for a KVM that answers `answer` to questions for the extension `cap`. */
void ioctls_answer_extension(int cap, int answer);

#endif
