/* SPDX-License-Identifier: MIT */
/* keg exec: what it says of wrong words, before there is a sandbox or even KVM. */
#include "program.h"

static void help(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "exec", "--help");
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	assert_has(outcome.out, "usage: keg exec [OPTION]... [--] PROGRAM [WORD...]");
	for (char *line = strtok(outcome.out, "\n"); line; line = strtok(NULL, "\n")) {
		if (strlen(line) > 80)
			fail_msg("%zu columns: %s", strlen(line), line);
	}
	program_release(&outcome);
	/* What follows the program is the program's. */
	run_keg(&outcome, "exec", "--device", "/nonexistent", "/bin/true", "--help");
	assert_complaint(&outcome, 125, "there is no device /nonexistent");
	program_release(&outcome);
}

/* 125, as of env(1) and timeout(1): 2 may be the program's own. */
static void wrong_usage(void **state)
{
	static const struct {
		const char *words[4];
		const char *complaint;
	} wrong[] = {
		{{NULL}, "which program? Try: keg exec -- /bin/echo hello"},
		{{"--"}, "which program?"},
		{{"--stats"}, "which program?"},
		{{"--frob", "/bin/true"}, "no option '--frob': see 'keg help exec'"},
		{{"--memroy", "1G", "/bin/true"}, "did you mean '--memory'?"},
		{{"-q", "/bin/true"}, "no option '-q'"},
		{{"--memory"}, "--memory needs a value: --memory SIZE"},
		{{"--memory=1.5G", "/bin/true"}, "such as 512M"},
		{{"--time=soon", "/bin/true"}, "seconds"},
		{{"--processes=0", "/bin/true"}, "--processes takes"},
		{{"--threads=70000", "/bin/true"}, "--threads takes"},
		{{"--files=2", "/bin/true"}, "--files takes"},
		{{"--net", "lan", "/bin/true"}, "none or host, not 'lan'"},
		{{"--ro", "", "/bin/true"}, "--ro"},
		{{"--env-all=no", "/bin/true"}, "takes no value"},
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		const char *words[6] = {"exec"};

		memcpy(words + 1, wrong[i].words, sizeof(wrong[i].words));
		program_run(&outcome, NULL, 0, words);
		assert_complaint(&outcome, 125, wrong[i].complaint);
		program_release(&outcome);
	}
}

static void without_kvm_it_says_what_to_do(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "exec", "--device", "/nonexistent", "--", "/bin/true");
	assert_complaint(&outcome, 125, "KVM's is usually /dev/kvm");
	program_release(&outcome);
	run_keg(&outcome, "exec", "--device", "/dev/null", "--", "/bin/true");
	assert_complaint(&outcome, 125, "/dev/null is not KVM's device");
	program_release(&outcome);
}

static const struct completion completions[] = {
	{{"complete", "ex"}, "exec\n"},
	{{"complete", "exec", "--t"}, "--tmpfs\n--time\n--threads\n--trace\n"},
	{{"complete", "exec", "--net", ""}, "none\nhost\n"},
	{{"complete", "exec", "--net=h"}, "--net=host\n"},
	/* Files, which the shell offers: for options, and for the program and its words. */
	{{"complete", "exec", "--ro", "/u"}, ""},
	{{"complete", "exec", "--", "/bin/tr"}, ""},
	{{"complete", "exec", "--", "--m"}, ""},
	{{"complete", "exec", "--", "/bin/ls", "--st"}, ""},
	{{"complete", "exec", "/bin/ls", "--st"}, ""},
	{{"complete", "exec", "--stats", "--js"}, "--json\n"},
	{{"complete", "exec", "--net", "none", "--js"}, "--json\n"},
};

static void completion(void **state)
{
	(void)state;
	assert_completions(completions, sizeof(completions) / sizeof(completions[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help),
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(without_kvm_it_says_what_to_do),
		cmocka_unit_test(completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
