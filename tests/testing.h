/* SPDX-License-Identifier: MIT */
/* What every test program includes: cmocka, and how a test says that it cannot run here. */
#ifndef KEG_TESTS_TESTING_H
#define KEG_TESTS_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <keg/error.h>

/* The exit status that Meson and tools/check take for "skipped". */
enum { TEST_SKIPPED = 77 };

/* Whether the longest tests are to do less: on an emulated host. They say how much they did. */
static inline bool be_quick(void)
{
	return getenv("KEG_TEST_QUICK") != NULL;
}

/* Ends the whole program as skipped, loudly, where KVM cannot be used. */
static inline void require_kvm(void)
{
	if (access("/dev/kvm", R_OK | W_OK) == 0)
		return;
	fprintf(stderr, "SKIPPED: /dev/kvm cannot be used here; run it in the lab: tools/lab\n");
	exit(TEST_SKIPPED);
}

/* A call that must succeed, with keg's own words when it does not. */
#define assert_ok(call)                                                                            \
	do {                                                                                       \
		int assert_ok_rc = (call);                                                         \
		if (assert_ok_rc < 0)                                                              \
			fail_msg("%s: %d: %s", #call, assert_ok_rc, keg_error_message());          \
	} while (0)

/* A call that must fail with -error, and say why in words that hold `words`. */
#define assert_fails(call, error, words)                                                           \
	do {                                                                                       \
		int assert_fails_rc = (call);                                                      \
		if (assert_fails_rc != -(error))                                                   \
			fail_msg("%s: %d, not %d", #call, assert_fails_rc, -(error));              \
		if (!strstr(keg_error_message(), words))                                           \
			fail_msg("%s: \"%s\" lacks \"%s\"", #call, keg_error_message(), words);    \
	} while (0)

#endif
