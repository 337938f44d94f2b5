/* SPDX-License-Identifier: MIT */
/* The program that plugins' tests call, guests/plugin.c, in a sandbox. */
#ifndef KEG_TESTS_PLUGIN_FIXTURE_H
#define KEG_TESTS_PLUGIN_FIXTURE_H

#include "testing.h"

#include <errno.h>

#include <keg/keg.h>

extern struct keg_user *user;
extern struct keg_user_stop stop; /* of the last run or end_of() */

uint64_t symbol(const char *name);

void load(const char *const words[]);
/* Setups: loads the program and runs it to `rest`; and marks it. Teardown: all ends. */
int start(void **state);
int start_marked(void **state);
int end(void **state);

/* A function's result: it must return. */
uint64_t call_of(struct keg_user *which, const char *name, uint64_t a, uint64_t b, uint64_t c);
uint64_t call(const char *name, uint64_t a);
/* How a call ended. */
uint32_t end_of(const char *name, uint64_t a, uint64_t limit_ns);

#define FREE(name)   cmocka_unit_test_setup_teardown(name, start, end)
#define MARKED(name) cmocka_unit_test_setup_teardown(name, start_marked, end)

int plugin_main(int argc, char *argv[], int (*run)(void));

#endif
