/* SPDX-License-Identifier: MIT */
/* Values on the command line: numbers, sizes, times, words. */
#include <stdlib.h>
#include <string.h>

#include "options.h"

static const uint64_t ns_per_second = 1000000000;

static int digit_of(char c, unsigned int base)
{
	int digit = -1;

	if (c >= '0' && c <= '9')
		digit = c - '0';
	else if (c >= 'a' && c <= 'f')
		digit = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		digit = c - 'A' + 10;
	return digit < (int)base ? digit : -1;
}

/* The number that `text` begins with. Returns what follows it, or NULL if there is none. */
static const char *take_number(const char *text, uint64_t *value)
{
	unsigned int base = 10;
	uint64_t number = 0;
	int digit;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	}
	if (digit_of(*text, base) < 0)
		return NULL;
	for (; (digit = digit_of(*text, base)) >= 0; text++) {
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, (unsigned int)digit, &number))
			return NULL;
	}
	*value = number;
	return text;
}

bool cli_parse_number(const char *text, uint64_t *value)
{
	uint64_t number;
	const char *rest = take_number(text, &number);

	if (!rest || *rest)
		return false;
	*value = number;
	return true;
}

bool cli_parse_size(const char *text, uint64_t *bytes)
{
	static const char letters[] = "KMGTkmgt";
	uint64_t number;
	const char *rest = take_number(text, &number);
	const char *letter;

	if (!rest)
		return false;
	if (*rest) {
		letter = strchr(letters, *rest);
		if (!letter)
			return false;
		rest++;
		if (strcmp(rest, "") != 0 && strcmp(rest, "B") != 0 && strcmp(rest, "iB") != 0)
			return false;
		if (__builtin_mul_overflow(
			    number, UINT64_C(1) << (10 * ((letter - letters) % 4 + 1)), &number))
			return false;
	}
	*bytes = number;
	return true;
}

bool cli_parse_seconds(const char *text, uint64_t *ns)
{
	uint64_t seconds = 0, fraction = 0, unit = ns_per_second;

	if (*text < '0' || *text > '9')
		return false;
	for (; *text >= '0' && *text <= '9'; text++) {
		seconds = seconds * 10 + (uint64_t)(*text - '0');
		if (seconds > UINT64_MAX / ns_per_second - 1)
			return false;
	}
	if (*text == '.') {
		for (text++; *text >= '0' && *text <= '9'; text++) {
			unit /= 10;
			fraction += unit * (uint64_t)(*text - '0');
		}
	}
	if (*text)
		return false;
	*ns = seconds * ns_per_second + fraction;
	return true;
}

const char *cli_set_flag(const struct cli_option *option, const char *value, void *field)
{
	(void)option;
	(void)value;
	*(bool *)field = true;
	return NULL;
}

const char *cli_set_string(const struct cli_option *option, const char *value, void *field)
{
	(void)option;
	*(const char **)field = value;
	return NULL;
}

const char *cli_set_name(const struct cli_option *option, const char *value, void *field)
{
	(void)option;
	*(const char **)field = value;
	return *value ? NULL : "a name";
}

const char *cli_set_optional(const struct cli_option *option, const char *value, void *field)
{
	struct cli_optional_string *string = field;

	(void)option;
	if (value && !*value)
		return "a file's name after the '='";
	string->value = value;
	string->given = true;
	return NULL;
}

const char *cli_set_number(const struct cli_option *option, const char *value, void *field)
{
	struct cli_number *number = field;

	number->given = true;
	if (!cli_parse_number(value, &number->value))
		return "a number, such as 4 or 0x100000";
	if (option->most && (number->value < option->least || number->value > option->most))
		return "a number in range";
	return NULL;
}

const char *cli_set_size(const struct cli_option *option, const char *value, void *field)
{
	struct cli_number *number = field;

	(void)option;
	number->given = true;
	return cli_parse_size(value, &number->value) ? NULL : "a size, such as 512M or 2G";
}

const char *cli_set_seconds(const struct cli_option *option, const char *value, void *field)
{
	struct cli_number *number = field;

	(void)option;
	number->given = true;
	return cli_parse_seconds(value, &number->value) ? NULL : "seconds, such as 10 or 0.5";
}

const char *cli_set_choice(const struct cli_option *option, const char *value, void *field)
{
	for (const struct cli_choice *choice = option->choices; choice->name; choice++) {
		if (strcmp(choice->name, value) == 0) {
			*(int *)field = choice->value;
			return NULL;
		}
	}
	return option->argument;
}
