/* SPDX-License-Identifier: MIT */
/* A terminal's line: what is typed, read, echoed and printed, by termios(3). */
#include "testing.h"

#include <signal.h>

#include "user/line.h"

static struct keg_line line;
static char screen[1 << 16];
static size_t shown;
static int signals[8];
static unsigned signal_count, discarded;

static void show(void *context, const uint8_t *bytes, size_t length)
{
	(void)context;
	for (size_t i = 0; i < length && shown < sizeof(screen) - 1; i++)
		screen[shown++] = (char)bytes[i];
	screen[shown] = '\0';
}

static void note(void *context, int signo)
{
	(void)context;
	signals[signal_count++ % 8] = signo;
}

static void discard(void *context)
{
	(void)context;
	discarded++;
}

static int begin(void **state)
{
	(void)state;
	memset(&line, 0, sizeof(line));
	line.print = show;
	line.signal = note;
	line.discard = discard;
	keg_line_begin(&line);
	shown = signal_count = discarded = 0;
	screen[0] = '\0';
	return 0;
}

static void type(const char *text)
{
	assert_int_equal(keg_line_type(&line, (const uint8_t *)text, strlen(text)), strlen(text));
}

static void reads(const char *text)
{
	uint8_t got[256];
	ssize_t n = keg_line_read(&line, got, sizeof(got) - 1);

	assert_int_equal(n, strlen(text));
	assert_memory_equal(got, text, strlen(text));
}

static void shows(const char *text)
{
	assert_string_equal(screen, text);
	shown = 0;
	screen[0] = '\0';
}

static void set(tcflag_t input, tcflag_t output, tcflag_t local)
{
	struct termios2 termios = line.termios;

	termios.c_iflag = input;
	termios.c_oflag = output;
	termios.c_lflag = local;
	keg_line_set(&line, &termios);
}

static void nothing_is_read_before_a_line_has_ended(void **state)
{
	uint8_t byte;

	(void)state;
	type("word");
	assert_false(keg_line_is_readable(&line));
	assert_int_equal(keg_line_read(&line, &byte, 1), -1);
	type("\rnext");
	assert_int_equal(keg_line_count(&line), 5);
	reads("word\n");
	assert_false(keg_line_is_readable(&line));
	shows("word\r\nnext");
}

static void a_line_that_is_too_long_for_the_reader_is_read_in_parts(void **state)
{
	uint8_t part[3];

	(void)state;
	type("abcd\nxy\n");
	assert_int_equal(keg_line_read(&line, part, 3), 3);
	assert_memory_equal(part, "abc", 3);
	reads("d\n");
	reads("xy\n");
}

static void an_end_of_file_ends_a_line_and_is_not_read(void **state)
{
	uint8_t part[3];

	(void)state;
	type("abc\4");
	assert_int_equal(keg_line_read(&line, part, 3), 3);
	assert_false(keg_line_is_readable(&line));
	type("\4");
	reads("");
	shows("abc");
}

static void a_line_is_edited(void **state)
{
	(void)state;
	type("ab\x7f");
	shows("ab\b \b");
	type("\t\x7f");
	shows("\t\b\b\b\b\b\b\b");
	type("\1\x7f");
	shows("^A\b \b\b \b");
	type(" two words\x17");
	shows(" two words\b \b\b \b\b \b\b \b\b \b");
	type("\x15\x7f\x17\n");
	reads("\n");
	type("a\x16\4b\x16\x7f\n");
	reads("a\4b\x7f\n");
}

static void a_line_is_shown_again(void **state)
{
	(void)state;
	type("ab\x12");
	shows("ab^R\r\nab");
}

static void characters_of_many_bytes_are_one(void **state)
{
	(void)state;
	set(ICRNL | IUTF8, OPOST | ONLCR, ISIG | ICANON | ECHO | ECHOE | IEXTEN);
	type("a\xe2\x82\xac\x7f");
	shows("a\xe2\x82\xac\b \b");
	type("\n");
	reads("a\n");
}

static void keys_send_signals(void **state)
{
	(void)state;
	type("gone\3\x1c\x1a");
	assert_int_equal(signal_count, 3);
	assert_int_equal(signals[0], SIGINT);
	assert_int_equal(signals[1], SIGQUIT);
	assert_int_equal(signals[2], SIGTSTP);
	assert_int_equal(discarded, 3);
	shows("gone^C^\\^Z");
	type("\n");
	reads("\n");
	set(0, 0, ISIG | ICANON | NOFLSH);
	type("kept\3\n");
	assert_int_equal(signal_count, 4);
	assert_int_equal(discarded, 3);
	reads("kept\n");
	/* A character that is switched off is one like others. */
	line.termios.c_cc[VINTR] = 0;
	assert_int_equal(keg_line_type(&line, (const uint8_t *)"\0\3\n", 3), 3);
	assert_int_equal(signal_count, 4);
}

static void printing_stops_and_goes_on(void **state)
{
	(void)state;
	type("\x13");
	assert_true(line.stopped);
	type("\x11");
	assert_false(line.stopped);
	set(IXON | IXANY, 0, ICANON);
	type("\x13x");
	assert_false(line.stopped);
	type("\x13");
	set(0, 0, ICANON);
	assert_false(line.stopped);
}

static void without_canonical_mode_each_byte_is_read(void **state)
{
	(void)state;
	set(0, 0, 0);
	type("\r\3\4\x7f");
	reads("\r\3\4\x7f");
	shows("");
	set(INLCR | ISTRIP, 0, ECHO);
	type("\n\xe1");
	reads("\ra");
	shows("\ra");
}

static void what_was_typed_stays_when_the_mode_changes(void **state)
{
	(void)state;
	type("one\ntw");
	set(0, 0, 0);
	reads("one\ntw");
	type("more\n");
	set(0, 0, ICANON);
	reads("more\n");
	type("x");
	assert_false(keg_line_is_readable(&line));
}

static void there_is_an_end_to_what_is_kept(void **state)
{
	static uint8_t many[2 * KEG_LINE_MOST];
	size_t taken;

	(void)state;
	memset(many, 'x', sizeof(many));
	/* A line that is edited can always be ended. */
	assert_int_equal(keg_line_type(&line, many, sizeof(many)), sizeof(many));
	type("\n");
	assert_int_equal(keg_line_count(&line), KEG_LINE_LONGEST + 1);
	taken = keg_line_type(&line, many, sizeof(many));
	assert_true(taken < sizeof(many));
	keg_line_flush(&line);
	set(0, 0, 0);
	taken = keg_line_type(&line, many, sizeof(many));
	assert_true(taken < KEG_LINE_MOST);
	assert_int_equal(keg_line_count(&line), taken);
	assert_int_equal(keg_line_read(&line, many, 1000), 1000);
	assert_int_equal(keg_line_type(&line, many, 1000), 1000);
}

static void prints(const char *text, const char *printed)
{
	uint8_t to[256];
	size_t count = keg_line_print(&line, (const uint8_t *)text, strlen(text), to);

	assert_int_equal(count, strlen(printed));
	assert_memory_equal(to, printed, count);
}

static void what_is_printed_is_as_the_output_flags_say(void **state)
{
	(void)state;
	prints("a\tb\n", "a\tb\r\n");
	set(0, OPOST | XTABS | ONLCR, 0);
	prints("a\tb\n\t", "a       b\r\n        ");
	set(0, OPOST | OCRNL | OLCUC, 0);
	prints("\rab", "\nAB");
	set(0, OPOST | ONOCR, 0);
	line.column = 0;
	prints("\rx\r\r", "x\r");
	set(0, XTABS | ONLCR, 0);
	prints("\t\n", "\t\n");
}

static void a_pseudo_terminal_has_no_wire(void **state)
{
	struct termios2 termios = line.termios;

	(void)state;
	termios.c_cflag = CS5 | PARENB | B9600;
	keg_line_set(&line, &termios);
	assert_int_equal(line.termios.c_cflag & (CSIZE | PARENB | CREAD), CS8 | CREAD);
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_read_before_a_line_has_ended),
		TEST(a_line_that_is_too_long_for_the_reader_is_read_in_parts),
		TEST(an_end_of_file_ends_a_line_and_is_not_read),
		TEST(a_line_is_edited),
		TEST(a_line_is_shown_again),
		TEST(characters_of_many_bytes_are_one),
		TEST(keys_send_signals),
		TEST(printing_stops_and_goes_on),
		TEST(without_canonical_mode_each_byte_is_read),
		TEST(what_was_typed_stays_when_the_mode_changes),
		TEST(there_is_an_end_to_what_is_kept),
		TEST(what_is_printed_is_as_the_output_flags_say),
		TEST(a_pseudo_terminal_has_no_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
