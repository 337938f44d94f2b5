/* SPDX-License-Identifier: MIT */
/*
 * A plugin: functions that work on a text, in a program of its own. It is an ordinary program that
 * does nothing when it is run; examples/plugin.c loads it into a sandbox and calls its functions.
 * Link it statically: it begins in a sandbox that has no other file.
 */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

size_t filter_upper(char *text, size_t length);
size_t filter_rot13(char *text, size_t length);
size_t filter_words(const char *text, size_t length);
size_t filter_loop(char *text, size_t length);
size_t filter_scribble(char *text, size_t length);
void filter_ready(void);

/* How often a filter was called, as far as it knows. */
size_t filter_calls;

/* Each letter's place taker, for filter_rot13(). */
static char rotated[256];

static void make_table(void)
{
	for (int c = 0; c < 256; c++)
		rotated[c] = (char)c;
	for (int i = 0; i < 26; i++) {
		rotated['a' + i] = (char)('a' + (i + 13) % 26);
		rotated['A' + i] = (char)('A' + (i + 13) % 26);
	}
}

size_t filter_upper(char *text, size_t length)
{
	filter_calls++;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)toupper((unsigned char)text[i]);
	return length;
}

size_t filter_rot13(char *text, size_t length)
{
	filter_calls++;
	for (size_t i = 0; i < length; i++)
		text[i] = rotated[(unsigned char)text[i]];
	return length;
}

/* How many words there are. */
size_t filter_words(const char *text, size_t length)
{
	size_t words = 0;
	int inside = 0;

	filter_calls++;
	for (size_t i = 0; i < length; i++) {
		int is_space = isspace((unsigned char)text[i]) != 0;

		words += inside && is_space;
		inside = !is_space;
	}
	return words + (size_t)inside;
}

/* A filter with a mistake in it: it never returns. */
size_t filter_loop(char *text, size_t length)
{
	volatile size_t i = 0;

	(void)text;
	while (i < length)
		;
	return 0;
}

/* One with a worse mistake: it destroys what the others need, and then itself. */
size_t filter_scribble(char *text, size_t length)
{
	volatile uintptr_t nowhere = 16;

	memset(rotated, 'x', sizeof(rotated));
	memset(text, 'x', length);
	filter_calls = 1000000;
	*(volatile char *)nowhere = 0;
	return length;
}

/* The host stops the program here: all is ready. */
__attribute__((noinline)) void filter_ready(void)
{
	__asm__ volatile("");
}

int main(void)
{
	make_table();
	filter_ready();
	return 0;
}
