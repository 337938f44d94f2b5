/* SPDX-License-Identifier: MIT */
/* Letting go of what was needed to get here only. */
#include "testing.h"

#include "cli/settle.h"

/* KiB of files' pages that this process has mapped. */
static long of_files(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	long resident = -1, anonymous = -1;
	char line[128];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		sscanf(line, "Rss: %ld kB", &resident);
		sscanf(line, "Anonymous: %ld kB", &anonymous);
	}
	fclose(file);
	assert_true(resident > 0 && anonymous > 0);
	return resident - anonymous;
}

static void less_of_the_files_is_resident_afterwards(void **state)
{
	long before = of_files(), after;

	(void)state;
	settle();
	after = of_files();
	if (after >= before)
		fail_msg("%ld KiB, and %ld before", after, before);
}

static void constants_variables_and_what_was_relocated_are_as_they_were(void **state)
{
	static const char *const relocated[] = {"relocated when", "the program", "began"};
	static int variable = 1;

	(void)state;
	variable++;
	settle();
	assert_int_equal(variable, 2);
	assert_string_equal(relocated[0], "relocated when");
	assert_string_equal(relocated[2], "began");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(less_of_the_files_is_resident_afterwards),
		cmocka_unit_test(constants_variables_and_what_was_relocated_are_as_they_were),
	};

	return cmocka_run_group_tests_name("cli-settle", tests, NULL, NULL);
}
