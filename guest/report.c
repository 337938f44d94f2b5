/* SPDX-License-Identifier: MIT */
/* Lines of text without a C library. */
#include "report.h"

static char line[160];
static unsigned int length;

static uint32_t tests, failed;

static void put_character(char character)
{
	line[length++] = character;
	if (character == '\n' || length == sizeof(line)) {
		console_write(line, length);
		length = 0;
	}
}

void put(const char *text)
{
	while (*text)
		put_character(*text++);
}

void put_number(uint32_t value, unsigned int digits)
{
	char reversed[10];
	unsigned int count = 0;

	do {
		reversed[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value || count < digits);
	while (count)
		put_character(reversed[--count]);
}

void put_hex(uint32_t value)
{
	int shift = 28;

	put("0x");
	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put_character("0123456789abcdef"[value >> shift & 15]);
}

/* Names are padded, so that what is said of them stands in one column. */
static void put_name(const char *name)
{
	unsigned int end = length + 12;

	put(name);
	while (length < end)
		put_character(' ');
}

void fact(const char *name)
{
	put("  ");
	put_name(name);
}

void verdict(bool passed, const char *name)
{
	put(passed ? "  ok      " : "  FAILED  ");
	put_name(name);
	if (!passed)
		failed |= 1u << tests;
	tests++;
}

uint32_t conclusion(void)
{
	uint32_t count = 0;

	put("\n");
	for (uint32_t rest = failed; rest; rest >>= 1)
		count += rest & 1;
	if (!failed) {
		put("all tests passed\n");
		return 0;
	}
	put_number(count, 1);
	put(" of ");
	put_number(tests, 1);
	put(" tests failed\n");
	return failed;
}

uint32_t option(const char *text, const char *name)
{
	uint32_t value = 0;

	while (*text) {
		const char *rest = text, *wanted = name;

		while (*wanted && *rest == *wanted) {
			rest++;
			wanted++;
		}
		if (!*wanted) {
			for (; *rest >= '0' && *rest <= '9'; rest++)
				value = value * 10 + (uint32_t)(*rest - '0');
			return value;
		}
		/* On to the next word. */
		while (*text && *text != ' ')
			text++;
		while (*text == ' ')
			text++;
	}
	return 0;
}
