/* SPDX-License-Identifier: MIT */
/* A terminal's line: printing, and what is printed of what is typed. */
#include "user/line_echo.h"

#define TAB 8

/* ---- Printing ---- */

/* Whether it has no width: the rest of a character in UTF-8. */
static bool is_rest(const struct keg_line *line, uint8_t byte)
{
	return line->termios.c_iflag & IUTF8 && (byte & 0xc0) == 0x80;
}

static size_t print_tab(struct keg_line *line, uint8_t *to)
{
	uint32_t width = TAB - line->column % TAB;

	line->column += width;
	if ((line->termios.c_oflag & TABDLY) != XTABS) {
		*to = '\t';
		return 1;
	}
	for (uint32_t i = 0; i < width; i++)
		to[i] = ' ';
	return width;
}

static size_t print_newline(struct keg_line *line, uint8_t *to)
{
	size_t count = 0;

	if (line->termios.c_oflag & (ONLCR | ONLRET))
		line->column = 0;
	if (line->termios.c_oflag & ONLCR)
		to[count++] = '\r';
	to[count++] = '\n';
	return count;
}

static size_t print_return(struct keg_line *line, uint8_t *to)
{
	if (line->termios.c_oflag & ONOCR && line->column == 0)
		return 0;
	if (line->termios.c_oflag & OCRNL) {
		*to = '\n';
		return 1;
	}
	line->column = 0;
	*to = '\r';
	return 1;
}

static size_t print(struct keg_line *line, uint8_t byte, uint8_t *to)
{
	switch (byte) {
	case '\n':
		return print_newline(line, to);
	case '\r':
		return print_return(line, to);
	case '\t':
		return print_tab(line, to);
	case '\b':
		line->column -= line->column > 0;
		break;
	default:
		if (line->termios.c_oflag & OLCUC && byte >= 'a' && byte <= 'z')
			byte = (uint8_t)(byte - 'a' + 'A');
		line->column += byte >= ' ' && byte != 127 && !is_rest(line, byte);
	}
	*to = byte;
	return 1;
}

size_t keg_line_print(struct keg_line *line, const uint8_t *bytes, size_t length, uint8_t *to)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (line->termios.c_oflag & OPOST)
			count += print(line, bytes[i], to + count);
		else
			to[count++] = bytes[i];
	}
	return count;
}

/* ---- What is typed ---- */

void keg_line_echo_plain(struct keg_line *line, uint8_t byte)
{
	uint8_t printed[KEG_LINE_EXPANDS];
	size_t count = keg_line_print(line, &byte, 1, printed);

	line->print(line->context, printed, count);
}

static bool is_shown_as_two(const struct keg_line *line, uint8_t byte)
{
	return line->termios.c_lflag & ECHOCTL && (byte < ' ' || byte == 127) && byte != '\t';
}

void keg_line_echo(struct keg_line *line, uint8_t byte)
{
	if (!(line->termios.c_lflag & ECHO))
		return;
	if (!is_shown_as_two(line, byte)) {
		keg_line_echo_plain(line, byte);
		return;
	}
	keg_line_echo_plain(line, '^');
	keg_line_echo_plain(line, byte ^ 0x40);
}

void keg_line_echo_next(struct keg_line *line)
{
	if (!(line->termios.c_lflag & ECHO) || !(line->termios.c_lflag & ECHOCTL))
		return;
	keg_line_echo_plain(line, '^');
	keg_line_echo_plain(line, '\b');
}

void keg_line_bell(struct keg_line *line)
{
	keg_line_echo_plain(line, '\a');
}

static uint32_t width_of(const struct keg_line *line, uint8_t byte, uint32_t column)
{
	if (byte == '\t')
		return TAB - column % TAB;
	if (is_shown_as_two(line, byte))
		return 2;
	return byte >= ' ' && byte != 127 && !is_rest(line, byte);
}

void keg_line_rub_out(struct keg_line *line, uint8_t byte, const uint16_t *left, uint32_t count)
{
	uint32_t column = line->edited_column, width;

	if (!(line->termios.c_lflag & ECHO))
		return;
	if (!(line->termios.c_lflag & ECHOE)) {
		keg_line_echo(line, line->termios.c_cc[VERASE]);
		return;
	}
	for (uint32_t i = 0; i < count; i++)
		column += width_of(line, (uint8_t)left[i], column);
	width = width_of(line, byte, column);
	while (width--) {
		keg_line_echo_plain(line, '\b');
		/* What a tab has skipped is empty already. */
		if (byte == '\t')
			continue;
		keg_line_echo_plain(line, ' ');
		keg_line_echo_plain(line, '\b');
	}
}
