/* SPDX-License-Identifier: MIT */
/*
 * A terminal's line: what termios(3) says is done to what is typed on it and printed on it. It
 * knows no files and no processes: bytes go in, and come out, on both sides.
 *
 * Threads: none; the owner's lock is held.
 */
#ifndef KEG_USER_LINE_H
#define KEG_USER_LINE_H

#include <asm/termbits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define KEG_LINE_MOST    16384 /* typed, and not read yet */
#define KEG_LINE_LONGEST 4095  /* a line that is edited: termios(3), canonical mode */
/* How many bytes one that is printed can become: a tab's spaces. */
#define KEG_LINE_EXPANDS 8

struct keg_line {
	struct termios2 termios;
	uint16_t input[KEG_LINE_MOST];  /* a byte each, and KEG_LINE_ marks */
	uint32_t from, to;              /* what is in it */
	uint32_t edited;                /* from here on a line that is still edited */
	uint32_t column, edited_column; /* where printing is, and where editing began */
	bool literal;                   /* VLNEXT: the next one means nothing */
	bool stopped;                   /* VSTOP: nothing is printed */
	/* What typing does beside: prints, sends a signal to who is in the foreground, discards
	 * what was printed and not seen yet. */
	void (*print)(void *context, const uint8_t *bytes, size_t length);
	void (*signal)(void *context, int signo);
	void (*discard)(void *context);
	void *context;
};

/* As a new terminal of Linux is set: tty_std_termios in tty_ioctl(4). */
void keg_line_begin(struct keg_line *line);
/* What a program sets; what a pseudo terminal cannot be is put right. */
void keg_line_set(struct keg_line *line, const struct termios2 *termios);

/* Types: how many bytes were taken; less than length, there is no room for now. */
size_t keg_line_type(struct keg_line *line, const uint8_t *bytes, size_t length);
/* What is to be read: bytes of at most one line, -1 nothing yet; 0 the end of the file. */
ssize_t keg_line_read(struct keg_line *line, uint8_t *to, size_t most);
bool keg_line_is_readable(const struct keg_line *line);
/* Bytes that can be read: FIONREAD. */
uint32_t keg_line_count(const struct keg_line *line);
void keg_line_flush(struct keg_line *line);

/* Prints: what `length` bytes become, of which there can be KEG_LINE_EXPANDS times as many. */
size_t keg_line_print(struct keg_line *line, const uint8_t *bytes, size_t length, uint8_t *to);

#endif
