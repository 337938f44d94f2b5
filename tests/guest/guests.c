/* SPDX-License-Identifier: MIT */
/* Runs each guest as a user would, and compares what it prints and how it ends. */
#include "guests.h"

#include "../cli/program.h"

enum { MAX_WORDS = 16 };

/* The words of the command: run, the guest's options, the image. */
static void make_words(const struct guest *guest, const char **words, char *path, size_t size)
{
	size_t count = 0;

	words[count++] = "run";
	for (size_t i = 0; guest->options[i]; i++)
		words[count++] = guest->options[i];
	if (guest->file) {
		snprintf(path, size, "%s/%s", KEG_TEST_GUESTS, guest->file);
		words[count++] = path;
	}
	words[count] = NULL;
}

static void comes_to_the_right_end(void **state)
{
	const struct guest *guest = *state;
	const char *words[MAX_WORDS];
	struct outcome outcome;
	char path[4096];

	make_words(guest, words, path, sizeof(path));
	program_run(&outcome, guest->input, 0, words);
	if (guest->status != ANY && outcome.status != guest->status)
		fail_msg("exit status %d, not %d; it said \"%s\" and \"%s\"", outcome.status,
			guest->status, outcome.out, outcome.err);
	assert_int_equal(outcome.signo, 0);
	if (guest->file)
		assert_string_equal(outcome.out, guest->output);
	else
		assert_has(outcome.out, guest->output);
	program_release(&outcome);
}

int main(void)
{
	struct CMUnitTest *tests = calloc(guest_count, sizeof(*tests));
	int failed;

	require_kvm();
	if (!tests)
		return 1;
	for (unsigned int i = 0; i < guest_count; i++)
		tests[i] = (struct CMUnitTest){
			.name = guests[i].file ? guests[i].file : "the guest that is built in",
			.test_func = comes_to_the_right_end,
			.initial_state = (void *)&guests[i],
		};
	failed = _cmocka_run_group_tests("guests", tests, guest_count, NULL, NULL);
	free(tests);
	return failed;
}
