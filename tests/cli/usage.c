/* SPDX-License-Identifier: MIT */
/* What the program says without KVM: help, complaints, and what to do when KVM cannot be used. */
#include "program.h"

#include <sys/stat.h>

static void help_of_every_command(void **state)
{
	static const char *const commands[] = {"run", "info", "help"};
	struct outcome outcome;
	char usage[64];

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct outcome same;

		snprintf(usage, sizeof(usage), "usage: keg %s ", commands[i]);
		run_keg(&outcome, commands[i], "--help");
		assert_int_equal(outcome.status, 0);
		assert_string_equal(outcome.err, "");
		assert_has(outcome.out, usage);
		assert_has(outcome.out, "--help");
		run_keg(&same, "help", commands[i]);
		assert_string_equal(outcome.out, same.out);
		program_release(&same);
		program_release(&outcome);
	}
}

static void help_fits_a_terminal(void **state)
{
	static const char *const commands[] = {"run", "info", "help"};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		run_keg(&outcome, commands[i], "--help");
		for (char *line = strtok(outcome.out, "\n"); line; line = strtok(NULL, "\n")) {
			if (strlen(line) > 80)
				fail_msg("%zu columns: %s", strlen(line), line);
		}
		program_release(&outcome);
	}
}

static void help_lists_the_commands(void **state)
{
	struct outcome outcome, same;

	(void)state;
	run_keg(&outcome, "help");
	run_keg(&same, "--help");
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.out, same.out);
	assert_has(outcome.out, "\n  run ");
	assert_has(outcome.out, "\n  info ");
	program_release(&outcome);
	program_release(&same);
}

static void version(void **state)
{
	struct outcome outcome;
	char expected[64];

	(void)state;
	snprintf(expected, sizeof(expected), "keg %s\n", keg_version());
	run_keg(&outcome, "--version");
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.out, expected);
	program_release(&outcome);
}

/* Each of them is one sentence, and ends with status 2. */
static void wrong_usage(void **state)
{
	static const struct {
		const char *words[4];
		const char *complaint;
	} wrong[] = {
		{{NULL}, "'keg help' lists all commands"},
		{{"rnu"}, "did you mean 'keg run'?"},
		{{"xyzzy"}, "'keg help' lists them"},
		{{"--frob"}, "'--frob'"},
		{{"help", "rum"}, "did you mean 'keg run'?"},
		{{"run", "--memroy", "1G"}, "did you mean '--memory'?"},
		{{"run", "--memory"}, "--memory SIZE"},
		{{"run", "--memory", "1.5G"}, "such as 512M"},
		{{"run", "--memory=5"}, "multiple of 4096"},
		{{"run", "--memory=0"}, "multiple of 4096"},
		{{"run", "--cpus=0"}, "--cpus takes"},
		{{"run", "--cpus=65536"}, "--cpus takes"},
		{{"run", "--cpus", "four"}, "a number"},
		{{"run", "--mode", "fast"}, "auto, real, protected or long"},
		{{"run", "--kind=tar"}, "elf64"},
		{{"run", "--timeout=soon"}, "seconds"},
		{{"run", "a", "b"}, "'b' is too many"},
		{{"run", "-q"}, "keg help run"},
		{{"info", "here"}, "takes options only"},
		{{"info", "--all=yes"}, "takes no value"},
	};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		program_run(&outcome, NULL, 0, wrong[i].words);
		assert_complaint(&outcome, 2, wrong[i].complaint);
		program_release(&outcome);
	}
}

/* Before KVM is needed. */
static void images_that_cannot_be_read(void **state)
{
	const char *empty = program_file("", 0);
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "/nonexistent/kernel");
	assert_complaint(&outcome, 4, "cannot open /nonexistent/kernel");
	program_release(&outcome);
	run_keg(&outcome, "run", "/");
	assert_complaint(&outcome, 4, "is a directory");
	program_release(&outcome);
	run_keg(&outcome, "run", empty);
	assert_complaint(&outcome, 4, "is empty");
	program_release(&outcome);
	run_keg(&outcome, "run", "-");
	assert_complaint(&outcome, 4, "standard input is empty");
	program_release(&outcome);
	run_keg(&outcome, "run", "--memory", "1M", "/dev/zero");
	assert_complaint(&outcome, 4, "give it more with --memory");
	program_release(&outcome);
	run_keg(&outcome, "run", "--memory", "4K", program_path());
	assert_complaint(&outcome, 4, "give it more with --memory");
	program_release(&outcome);
	run_keg(&outcome, "run", "--initrd", "/nonexistent/initrd");
	assert_complaint(&outcome, 4, "cannot open /nonexistent/initrd");
	program_release(&outcome);
	program_remove_files();
}

static void devices_that_are_not_kvm(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "info", "--device", "/dev/null");
	assert_complaint(&outcome, 1, "/dev/null is not KVM's device");
	program_release(&outcome);
	run_keg(&outcome, "info", "--device", "/nonexistent");
	assert_complaint(&outcome, 1, "there is no device /nonexistent");
	program_release(&outcome);
	run_keg(&outcome, "run", "--device", "/dev/null");
	assert_complaint(&outcome, 4, "/dev/null is not KVM's device");
	program_release(&outcome);
}

static void a_device_that_is_closed_to_the_user(void **state)
{
	const char *closed = program_file("", 0);
	struct outcome outcome;

	(void)state;
	if (getuid() != 0)
		skip(); /* only root can become somebody else */
	assert_int_equal(chmod(closed, 0600), 0);
	program_run(&outcome, NULL, 65534, WORDS("info", "--device", closed));
	if (outcome.status == 127 || outcome.status == 126)
		skip(); /* the build folder is closed to others */
	assert_complaint(&outcome, 1, "usermod -aG");
	assert_has(outcome.err, "tools/lab");
	program_release(&outcome);
	assert_int_equal(chown(closed, 0, 65533), 0);
	assert_int_equal(chmod(closed, 0660), 0);
	program_run(&outcome, NULL, 65534, WORDS("run", "--device", closed));
	assert_complaint(&outcome, 4, closed);
	program_release(&outcome);
	program_remove_files();
}

static void output_that_cannot_be_written(void **state)
{
	char command[512];

	(void)state;
	snprintf(command, sizeof(command), "%s help >/dev/full", program_path());
	assert_int_not_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s help >&- 2>&1", program_path());
	assert_int_not_equal(system(command), 0);
}

#ifdef __x86_64__
#define COMMANDS "run\nexec\ninfo\nhelp\n"
#else
#define COMMANDS "run\ninfo\nhelp\n"
#endif

static const struct completion completions[] = {
	{{"complete", ""}, COMMANDS},
	{{"complete", "i"}, "info\n"},
	{{"complete", "run", "--me"}, "--memory\n"},
	{{"complete", "run", "--mode", ""}, "auto\nreal\nprotected\nlong\n"},
	{{"complete", "run", "--mode", "=", "lo"}, "long\n"},
	{{"complete", "run", "--mode", "="}, "auto\nreal\nprotected\nlong\n"},
	{{"complete", "run", "--kind=elf"}, "--kind=elf32\n--kind=elf64\n"},
	{{"complete", "run", "-k", "m"}, "multiboot\n"},
	{{"complete", "run", "--memory", ""}, ""},
	{{"complete", "run", "--disk", "roo"}, ""},
	{{"complete", "run", "--disk", "root.img,ro,s"},
		"root.img,ro,scratch\nroot.img,ro,serial\n"},
	{{"complete", "run", "-n", "user,restrict,no"},
		"user,restrict,none\nuser,restrict,no-offloads\n"},
	{{"complete", "run", "--net=u"}, "--net=user\n"},
	{{"complete", "help", "r"}, "run\n"},
	{{"complete", "nothing", "-"}, ""},
};

static void completion(void **state)
{
	(void)state;
	assert_completions(completions, sizeof(completions) / sizeof(completions[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_of_every_command),
		cmocka_unit_test(help_fits_a_terminal),
		cmocka_unit_test(help_lists_the_commands),
		cmocka_unit_test(version),
		cmocka_unit_test(wrong_usage),
		cmocka_unit_test(images_that_cannot_be_read),
		cmocka_unit_test(devices_that_are_not_kvm),
		cmocka_unit_test(a_device_that_is_closed_to_the_user),
		cmocka_unit_test(output_that_cannot_be_written),
		cmocka_unit_test(completion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
