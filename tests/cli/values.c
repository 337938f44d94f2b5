/* SPDX-License-Identifier: MIT */
/* Values and options of the command line. */
#include "testing.h"

#include "cli/cli.h"
#include "cli/options.h"

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"4096", 4096},
		{"0x1000", 4096},
		{"0X1f", 31},
		{"512M", 512ULL << 20},
		{"512MB", 512ULL << 20},
		{"1GiB", 1ULL << 30},
		{"2g", 2ULL << 30},
		{"16k", 16384},
		{"1T", 1ULL << 40},
		{"0x10K", 16384},
		{"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"", "M", "-1", "+1", " 1", "1 ", "1.5G", "1P", "1MM",
		"1Mi", "1ib", "0x", "x", "18446744073709551616", "16777216T",
		"99999999999999999999G", "1\n"};
	uint64_t bytes;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		bytes = 1;
		if (!cli_parse_size(good[i].text, &bytes) || bytes != good[i].bytes)
			fail_msg("\"%s\" is %llu", good[i].text, (unsigned long long)bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bytes = 7;
		if (cli_parse_size(bad[i], &bytes) || bytes != 7)
			fail_msg("\"%s\" is taken", bad[i]);
	}
}

static void numbers(void **state)
{
	uint64_t value = 0;

	(void)state;
	assert_true(cli_parse_number("0xffffffffffffffff", &value));
	assert_true(value == UINT64_MAX);
	assert_true(cli_parse_number("010", &value));
	assert_int_equal(value, 10); /* no octal */
	assert_false(cli_parse_number("4K", &value));
	assert_false(cli_parse_number("0x10000000000000000", &value));
	assert_false(cli_parse_number("0xg", &value));
	assert_int_equal(value, 10);
}

static void seconds(void **state)
{
	uint64_t ns = 0;

	(void)state;
	assert_true(cli_parse_seconds("10", &ns));
	assert_int_equal(ns, 10000000000);
	assert_true(cli_parse_seconds("0.5", &ns));
	assert_int_equal(ns, 500000000);
	assert_true(cli_parse_seconds("1.0000000019", &ns));
	assert_int_equal(ns, 1000000001);
	assert_true(cli_parse_seconds("3.", &ns));
	assert_int_equal(ns, 3000000000);
	assert_false(cli_parse_seconds("", &ns));
	assert_false(cli_parse_seconds(".5", &ns));
	assert_false(cli_parse_seconds("-1", &ns));
	assert_false(cli_parse_seconds("1e3", &ns));
	assert_false(cli_parse_seconds("1s", &ns));
	assert_false(cli_parse_seconds("18446744073710", &ns));
	assert_int_equal(ns, 3000000000);
}

static void nearest(void **state)
{
	static const char *const names[] = {"run", "info", "memory", "load-address", NULL};

	(void)state;
	assert_string_equal(cli_nearest("rnu", names), "run");
	assert_string_equal(cli_nearest("inf", names), "info");
	assert_string_equal(cli_nearest("memroy", names), "memory");
	assert_string_equal(cli_nearest("load", names), "load-address");
	assert_null(cli_nearest("xyzzy", names));
	assert_null(cli_nearest("", names));
	assert_null(cli_nearest("a-word-that-is-longer-than-any-option-can-be", names));
}

/* ---- A table of options ---- */

struct settings {
	bool flag, other;
	const char *string, *operand;
	struct cli_number size;
	int choice;
	struct cli_optional_string file;
};

static const struct cli_choice colours[] = {{"red", 1}, {"green", 2}, {NULL, 0}};

static const struct cli_option options[] = {
	{.help = "A heading"},
	{.name = "flag",
		.letter = 'f',
		.help = "-",
		.set = cli_set_flag,
		.field = offsetof(struct settings, flag)},
	{.name = "other",
		.letter = 'o',
		.help = "-",
		.set = cli_set_flag,
		.field = offsetof(struct settings, other)},
	{.name = "string",
		.letter = 's',
		.argument = "TEXT",
		.help = "-",
		.set = cli_set_string,
		.field = offsetof(struct settings, string)},
	{.name = "size",
		.argument = "SIZE",
		.help = "-",
		.set = cli_set_size,
		.field = offsetof(struct settings, size)},
	{.name = "colour",
		.argument = "COLOUR",
		.help = "-",
		.set = cli_set_choice,
		.field = offsetof(struct settings, choice),
		.choices = colours},
	{.name = "file",
		.letter = 'j',
		.argument = "FILE",
		.argument_optional = true,
		.help = "-",
		.set = cli_set_optional,
		.field = offsetof(struct settings, file)},
	{0},
};

static const struct cli_command command = {
	.name = "try",
	.options = options,
	.operand = "IMAGE",
	.operand_at = offsetof(struct settings, operand),
};

static enum cli_parsed parse(struct settings *settings, const char *const *words)
{
	memset(settings, 0, sizeof(*settings));
	return cli_parse(&command, (char **)words, settings);
}
#define PARSE(settings, ...) parse(settings, (const char *const[]){__VA_ARGS__, NULL})

static void options_are_taken(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--flag", "--string", "a b", "image", "--size=2K"), CLI_PARSED);
	assert_true(s.flag);
	assert_false(s.other);
	assert_string_equal(s.string, "a b");
	assert_string_equal(s.operand, "image");
	assert_true(s.size.given);
	assert_int_equal(s.size.value, 2048);
	assert_int_equal(PARSE(&s, "-fos", "-x", "--colour", "green"), CLI_PARSED);
	assert_true(s.flag && s.other);
	assert_string_equal(s.string, "-x");
	assert_int_equal(s.choice, 2);
	assert_int_equal(PARSE(&s, "-sword", "--string="), CLI_PARSED);
	assert_string_equal(s.string, "");
	assert_int_equal(PARSE(&s, "--file", "image"), CLI_PARSED);
	assert_true(s.file.given);
	assert_null(s.file.value);
	assert_string_equal(s.operand, "image");
	assert_int_equal(PARSE(&s, "--file=a"), CLI_PARSED);
	assert_string_equal(s.file.value, "a");
	assert_int_equal(PARSE(&s, "--", "--flag"), CLI_PARSED);
	assert_string_equal(s.operand, "--flag");
	assert_int_equal(PARSE(&s, "-"), CLI_PARSED);
	assert_string_equal(s.operand, "-");
}

static void help_is_seen_anywhere(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "image", "--help"), CLI_PARSED_HELP);
	assert_int_equal(PARSE(&s, "-fh"), CLI_PARSED_HELP);
	assert_int_equal(PARSE(&s, "--string", "--help"), CLI_PARSED);
}

static void wrong_options_are_refused(void **state)
{
	struct settings s;

	(void)state;
	assert_int_equal(PARSE(&s, "--flags"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--fla"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--flag=1"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--string"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "-s"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "-fx"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--size", "many"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--colour=blue"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--file="), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "one", "two"), CLI_PARSED_WRONG);
	assert_int_equal(PARSE(&s, "--=x"), CLI_PARSED_WRONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(numbers),
		cmocka_unit_test(seconds),
		cmocka_unit_test(nearest),
		cmocka_unit_test(options_are_taken),
		cmocka_unit_test(help_is_seen_anywhere),
		cmocka_unit_test(wrong_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
