/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes a pseudo terminal's line: the input sets flags, types, reads and prints. No more is read
 * than was typed, and what is printed is no longer than it may become.
 */
#include "fuzzing.h"

#include <string.h>

#include "user/line.h"

enum { SET, CHARACTER, TYPE, READ, PRINT, FLUSH, STEPS };

/* In an input: each may fill the line, and long inputs would be few. */
enum { MOST_STEPS = 24 };

static void show(void *context, const uint8_t *bytes, size_t length)
{
	(void)context;
	fuzz_check(length <= KEG_LINE_EXPANDS && (length == 0 || bytes != NULL));
}

static void note(void *context, int signo)
{
	(void)context;
	fuzz_check(signo > 0);
}

static void discard(void *context)
{
	(void)context;
}

static void set(struct keg_line *line, const uint8_t *data, size_t length)
{
	struct termios2 termios = line->termios;
	tcflag_t flags[4] = {0};

	memcpy(flags, data, length < sizeof(flags) ? length : sizeof(flags));
	termios.c_iflag = flags[0];
	termios.c_lflag ^= flags[1];
	termios.c_oflag = flags[2];
	termios.c_cflag = flags[3];
	keg_line_set(line, &termios);
}

static void step(struct keg_line *line, unsigned what, const uint8_t *data, size_t length)
{
	uint8_t to[256 * KEG_LINE_EXPANDS];
	ssize_t n;

	switch (what) {
	case SET:
		set(line, data, length);
		break;
	case CHARACTER:
		for (size_t i = 0; i + 1 < length; i += 2)
			line->termios.c_cc[data[i] % NCCS] = data[i + 1];
		break;
	case TYPE:
		for (int i = 0; i < 64; i++)
			fuzz_check(keg_line_type(line, data, length) <= length);
		break;
	case READ:
		n = keg_line_read(line, to, length);
		fuzz_check(n <= (ssize_t)length);
		break;
	case PRINT:
		fuzz_check(keg_line_print(line, data, length, to) <= length * KEG_LINE_EXPANDS);
		break;
	default:
		keg_line_flush(line);
	}
	fuzz_check(line->from <= line->edited && line->edited <= line->to);
	fuzz_check(line->to <= KEG_LINE_MOST);
	fuzz_check(keg_line_count(line) <= line->to - line->from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keg_line line;

	memset(&line, 0, sizeof(line));
	line.print = show;
	line.signal = note;
	line.discard = discard;
	keg_line_begin(&line);
	for (int i = 0; i < MOST_STEPS && size >= 2; i++) {
		size_t length = data[1] < size - 2 ? data[1] : size - 2;

		step(&line, data[0] % STEPS, data + 2, length);
		data += 2 + length;
		size -= 2 + length;
	}
	return 0;
}
