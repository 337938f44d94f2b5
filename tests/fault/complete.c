/* SPDX-License-Identifier: MIT */
/*
 * Everything that libkeg imports can be made to fail (calls.def), or need not be (harmless.def).
 * The argument is the list of its imports, see imports.sh.
 */
#include <fnmatch.h>
#include <stdbool.h>

#include "testing.h"

static const char *const calls[] = {
#define CALL(name, ...)    #name,
#define END(name, ...)     #name,
#define OWN(name, ...)     #name,
#define ALSO(symbol, name) #symbol,
#include "fault/calls.def"
};

static const struct {
	const char *name; /* may end in * */
	const char *reason;
} harmless[] = {
#define HARMLESS(name, reason) {name, reason},
#include "fault/harmless.def"
};

static const char *list; /* the file of imports */

static bool is_call(const char *name)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (strcmp(calls[i], name) == 0)
			return true;
	}
	return false;
}

static bool is_harmless(const char *name)
{
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		if (fnmatch(harmless[i].name, name, 0) == 0)
			return true;
	}
	return false;
}

static void test_every_import_is_known(void **state)
{
	char name[256];
	size_t count = 0, unknown = 0;
	FILE *file = fopen(list, "r");

	(void)state;
	assert_non_null(file);
	for (; fgets(name, sizeof(name), file); count++) {
		name[strcspn(name, "\n")] = 0;
		if (is_call(name) || is_harmless(name))
			continue;
		print_error("libkeg calls %s(): if it can fail, add it to tests/fault/calls.def; "
			    "if not, to tests/fault/harmless.def, with the reason\n",
			name);
		unknown++;
	}
	fclose(file);
	assert_int_equal(unknown, 0);
	/* The list is what it should be. */
	assert_true(count > 20);
}

static void test_no_import_is_both(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (is_harmless(calls[i]))
			fail_msg("%s is in both tables", calls[i]);
	}
}

static void test_every_reason_is_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		assert_true(strlen(harmless[i].reason) > 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_import_is_known),
		cmocka_unit_test(test_no_import_is_both),
		cmocka_unit_test(test_every_reason_is_given),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s IMPORTS\n", argv[0]);
		return EXIT_FAILURE;
	}
	list = argv[1];
	return cmocka_run_group_tests_name("fault-complete", tests, NULL, NULL);
}
