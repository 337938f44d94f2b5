/* SPDX-License-Identifier: MIT */
/* A terminal's line: typing and reading. termios(3) has the names of what is done. */
#include "user/line.h"

#include <signal.h>
#include <string.h>

#include "user/line_echo.h"

/* Marks of a byte in line->input. */
#define ENDS       0x100 /* its line ends with it */
#define IS_NOTHING 0x200 /* VEOF: ends a line, and is not read */

static bool is_set(const struct keg_line *line, tcflag_t flag)
{
	return line->termios.c_lflag & flag;
}

static bool has(const struct keg_line *line, tcflag_t flag)
{
	return line->termios.c_iflag & flag;
}

/* Whether the byte is that special character, which 0 switches off (_POSIX_VDISABLE). */
static bool is_special(const struct keg_line *line, uint8_t byte, int which)
{
	return byte && line->termios.c_cc[which] == byte;
}

/* ---- Setting ---- */

void keg_line_begin(struct keg_line *line)
{
	static const cc_t characters[NCCS] = {
		[VINTR] = 3,
		[VQUIT] = 28,
		[VERASE] = 127,
		[VKILL] = 21,
		[VEOF] = 4,
		[VMIN] = 1,
		[VSTART] = 17,
		[VSTOP] = 19,
		[VSUSP] = 26,
		[VREPRINT] = 18,
		[VDISCARD] = 15,
		[VWERASE] = 23,
		[VLNEXT] = 22,
	};

	line->termios = (struct termios2){
		.c_iflag = ICRNL | IXON,
		.c_oflag = OPOST | ONLCR,
		.c_cflag = B38400 | CS8 | CREAD,
		.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
		.c_ispeed = 38400,
		.c_ospeed = 38400,
	};
	memcpy(line->termios.c_cc, characters, sizeof(characters));
}

void keg_line_set(struct keg_line *line, const struct termios2 *termios)
{
	bool was_canonical = is_set(line, ICANON);

	line->termios = *termios;
	/* Eight bits and no parity: there is no wire (pty(7)). */
	line->termios.c_cflag = (termios->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8 | CREAD;
	line->termios.c_line = 0;
	if (!has(line, IXON))
		line->stopped = false;
	if (was_canonical == is_set(line, ICANON))
		return;
	/* What is there is a line of its own now, or many bytes that are none. */
	for (uint32_t i = line->from; i < line->to; i++)
		line->input[i] &= (uint16_t)~ENDS;
	if (!was_canonical && line->to > line->from)
		line->input[line->to - 1] |= ENDS;
	line->edited = line->to;
	line->literal = false;
}

/* ---- What is typed ---- */

void keg_line_flush(struct keg_line *line)
{
	line->from = line->to = line->edited = 0;
}

/* Whether a byte more has to wait until some are read. The only line, which is edited, always gets
 * more: else it could not be ended, nor be given up. */
static bool is_full(const struct keg_line *line)
{
	if (is_set(line, ICANON) && line->edited == line->from)
		return false;
	return line->to - line->from + 1 >= KEG_LINE_MOST ||
	       line->to - line->edited >= KEG_LINE_LONGEST;
}

static void put(struct keg_line *line, uint16_t byte)
{
	if (line->to == KEG_LINE_MOST) {
		memmove(line->input, line->input + line->from,
			(line->to - line->from) * sizeof(line->input[0]));
		line->to -= line->from;
		line->edited -= line->from;
		line->from = 0;
	}
	if (line->to < KEG_LINE_MOST)
		line->input[line->to++] = byte;
}

/* A byte of a line that is edited, or of none. */
static void put_byte(struct keg_line *line, uint8_t byte)
{
	if (!is_set(line, ICANON)) {
		put(line, byte);
		line->edited = line->to;
		return;
	}
	if (line->to - line->edited >= KEG_LINE_LONGEST) {
		if (has(line, IMAXBEL))
			keg_line_bell(line);
		return;
	}
	if (line->to == line->edited)
		line->edited_column = line->column;
	keg_line_echo(line, byte);
	put(line, byte);
}

static void end_line(struct keg_line *line, uint16_t byte)
{
	put(line, byte | ENDS);
	line->edited = line->to;
}

/* ---- Editing ---- */

static uint8_t last(const struct keg_line *line)
{
	return (uint8_t)line->input[line->to - 1];
}

/* Takes away the last character, which may be several bytes. */
static void erase(struct keg_line *line)
{
	if (line->to == line->edited)
		return;
	if (has(line, IUTF8)) {
		while (line->to - 1 > line->edited && (last(line) & 0xc0) == 0x80)
			line->to--;
	}
	line->to--;
	keg_line_rub_out(line, (uint8_t)line->input[line->to], line->input + line->edited,
		line->to - line->edited);
}

static bool is_in_word(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       (byte >= 'A' && byte <= 'Z') || byte == '_' || byte >= 0x80;
}

static void erase_word(struct keg_line *line)
{
	while (line->to > line->edited && !is_in_word(last(line)))
		erase(line);
	while (line->to > line->edited && is_in_word(last(line)))
		erase(line);
}

static void kill_line(struct keg_line *line)
{
	if (is_set(line, ECHO) &&
		!(is_set(line, ECHOK) && is_set(line, ECHOKE) && is_set(line, ECHOE))) {
		line->to = line->edited;
		keg_line_echo(line, line->termios.c_cc[VKILL]);
		if (is_set(line, ECHOK))
			keg_line_echo_plain(line, '\n');
		return;
	}
	while (line->to > line->edited)
		erase(line);
}

static void print_again(struct keg_line *line)
{
	keg_line_echo(line, line->termios.c_cc[VREPRINT]);
	keg_line_echo_plain(line, '\n');
	line->edited_column = line->column;
	for (uint32_t i = line->edited; i < line->to; i++)
		keg_line_echo(line, (uint8_t)line->input[i]);
}

/* Whether the byte edits the line, or ends it. */
static bool edit(struct keg_line *line, uint8_t byte)
{
	bool extended = is_set(line, IEXTEN);

	if (is_special(line, byte, VERASE)) {
		erase(line);
	} else if (is_special(line, byte, VKILL)) {
		kill_line(line);
	} else if (extended && is_special(line, byte, VWERASE)) {
		erase_word(line);
	} else if (extended && is_special(line, byte, VLNEXT)) {
		line->literal = true;
		keg_line_echo_next(line);
	} else if (extended && is_set(line, ECHO) && is_special(line, byte, VREPRINT)) {
		print_again(line);
	} else if (byte == '\n') {
		if (is_set(line, ECHO) || is_set(line, ECHONL))
			keg_line_echo_plain(line, '\n');
		end_line(line, byte);
	} else if (is_special(line, byte, VEOF)) {
		end_line(line, IS_NOTHING);
	} else if (is_special(line, byte, VEOL) || (extended && is_special(line, byte, VEOL2))) {
		keg_line_echo(line, byte);
		end_line(line, byte);
	} else {
		return false;
	}
	return true;
}

/* ---- Typing ---- */

static void start(struct keg_line *line)
{
	line->stopped = false;
}

/* Whether the byte stops what is printed, or lets it go on. */
static bool controls_flow(struct keg_line *line, uint8_t byte)
{
	if (!has(line, IXON))
		return false;
	if (is_special(line, byte, VSTART)) {
		start(line);
		return true;
	}
	if (is_special(line, byte, VSTOP)) {
		line->stopped = true;
		return true;
	}
	if (has(line, IXANY))
		start(line);
	return false;
}

static bool sends_signal(struct keg_line *line, uint8_t byte)
{
	int signo = is_special(line, byte, VINTR)   ? SIGINT
		    : is_special(line, byte, VQUIT) ? SIGQUIT
		    : is_special(line, byte, VSUSP) ? SIGTSTP
						    : 0;

	if (!is_set(line, ISIG) || !signo)
		return false;
	if (!is_set(line, NOFLSH)) {
		keg_line_flush(line);
		line->discard(line->context);
	}
	start(line);
	keg_line_echo(line, byte);
	line->signal(line->context, signo);
	return true;
}

/* What ICRNL and its kin make of it; -1: nothing. */
static int translate(const struct keg_line *line, uint8_t byte)
{
	if (byte == '\r')
		return has(line, IGNCR) ? -1 : has(line, ICRNL) ? '\n' : '\r';
	return byte == '\n' && has(line, INLCR) ? '\r' : byte;
}

/* Of what is no line's. */
static void echo(struct keg_line *line, uint8_t byte)
{
	if (byte != '\n')
		keg_line_echo(line, byte);
	else if (is_set(line, ECHO))
		keg_line_echo_plain(line, byte);
}

static void type(struct keg_line *line, uint8_t byte)
{
	int translated;

	if (has(line, ISTRIP))
		byte &= 0x7f;
	if (has(line, IUCLC) && is_set(line, IEXTEN) && byte >= 'A' && byte <= 'Z')
		byte = (uint8_t)(byte - 'A' + 'a');
	if (line->literal) {
		line->literal = false;
		put_byte(line, byte);
		return;
	}
	if (controls_flow(line, byte) || sends_signal(line, byte))
		return;
	translated = translate(line, byte);
	if (translated < 0 || (is_set(line, ICANON) && edit(line, (uint8_t)translated)))
		return;
	if (!is_set(line, ICANON))
		echo(line, (uint8_t)translated);
	put_byte(line, (uint8_t)translated);
}

size_t keg_line_type(struct keg_line *line, const uint8_t *bytes, size_t length)
{
	size_t done = 0;

	while (done < length && !is_full(line))
		type(line, bytes[done++]);
	return done;
}

/* ---- Reading ---- */

bool keg_line_is_readable(const struct keg_line *line)
{
	return line->edited > line->from;
}

uint32_t keg_line_count(const struct keg_line *line)
{
	uint32_t count = 0;

	for (uint32_t i = line->from; i < line->edited; i++)
		count += !(line->input[i] & IS_NOTHING);
	return count;
}

ssize_t keg_line_read(struct keg_line *line, uint8_t *to, size_t most)
{
	size_t done = 0;

	if (!keg_line_is_readable(line))
		return -1;
	while (done < most && line->from < line->edited) {
		uint16_t byte = line->input[line->from++];

		if (!(byte & IS_NOTHING))
			to[done++] = (uint8_t)byte;
		if (byte & ENDS)
			return (ssize_t)done;
	}
	/* An end of file after what has just filled the buffer is that line's end, no other. */
	if (done && line->from < line->edited && line->input[line->from] & IS_NOTHING)
		line->from++;
	return (ssize_t)done;
}
