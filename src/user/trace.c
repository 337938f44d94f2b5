/* SPDX-License-Identifier: MIT */
/*
 * System calls in words. What a call consumes is written before it is served, what it fills
 * after; so a call that does not return, or changes its own arguments, reads as it was made.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "user/space.h"
#include "user/task.h"
#include "user/time.h"
#include "user/trace.h"
#include "user/trace_words.h"

#define SHOWN 32 /* bytes of a string */

/* Bytes that are still free, the end's 0 left out. */
static size_t room(const struct keg_trace *trace)
{
	return sizeof(trace->text) - 1 - trace->length;
}

static void put(struct keg_trace *trace, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void put(struct keg_trace *trace, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(trace->text + trace->length, room(trace) + 1, format, arguments);
	va_end(arguments);
	if (length > 0)
		trace->length +=
			(size_t)length > room(trace) ? (uint32_t)room(trace) : (uint32_t)length;
}

/* Bytes in quotes, as C would have them. */
static void put_bytes(struct keg_trace *trace, const unsigned char *bytes, size_t count, bool cut)
{
	static const char escapes[] = "\n"
				      "n"
				      "\t"
				      "t"
				      "\r"
				      "r"
				      "\""
				      "\""
				      "\\"
				      "\\";

	put(trace, "\"");
	for (size_t i = 0; i < count; i++) {
		const char *escape = NULL;

		for (size_t j = 0; escapes[j] && !escape; j += 2)
			escape = bytes[i] == (unsigned char)escapes[j] ? &escapes[j + 1] : NULL;
		if (escape)
			put(trace, "\\%c", *escape);
		else if (isprint(bytes[i]))
			put(trace, "%c", bytes[i]);
		else
			put(trace, "\\x%02x", bytes[i]);
	}
	put(trace, cut ? "\"..." : "\"");
}

static void put_string(struct keg_trace *trace, struct keg_space *space, uint64_t at)
{
	char text[256];
	ssize_t length = at ? keg_space_read_string(space, text, at, sizeof(text)) : -EFAULT;

	if (!at)
		put(trace, "NULL");
	else if (length == -ENAMETOOLONG)
		put_bytes(trace, (unsigned char *)text, sizeof(text) - 1, true);
	else if (length < 0)
		put(trace, "0x%" PRIx64, at);
	else
		put_bytes(trace, (unsigned char *)text, (size_t)length, false);
}

static void put_buffer(
	struct keg_trace *trace, struct keg_space *space, uint64_t at, uint64_t length)
{
	unsigned char bytes[SHOWN];
	size_t shown = length < SHOWN ? (size_t)length : SHOWN;

	if (at && keg_space_read(space, bytes, at, shown) == 0)
		put_bytes(trace, bytes, shown, length > shown);
	else if (at)
		put(trace, "0x%" PRIx64, at);
	else
		put(trace, "NULL");
}

/* The words of a program: argv. */
static void put_words(struct keg_trace *trace, struct keg_space *space, uint64_t at)
{
	uint64_t word;

	put(trace, "[");
	for (int i = 0; i < 16; i++, at += sizeof(word)) {
		if (keg_space_read(space, &word, at, sizeof(word)) < 0 || !word) {
			put(trace, "]");
			return;
		}
		put(trace, i ? ", " : "");
		put_string(trace, space, word);
	}
	put(trace, ", ...]");
}

static void put_flags(struct keg_trace *trace, const struct keg_words_of *of, uint64_t value)
{
	uint64_t left = value;
	bool first = true;

	for (const struct keg_word *word = of->words; word->name; word++) {
		uint64_t mask = word->value & ~of->mask ? 0 : of->mask;
		bool is_set = mask          ? (value & mask) == word->value
			      : word->value ? (left & word->value) == word->value
					    : value == 0;

		if (!is_set)
			continue;
		put(trace, first ? "%s" : "|%s", word->name);
		first = false;
		left &= ~(mask ? mask : word->value);
	}
	if (left || first)
		put(trace, first ? "0x%" PRIx64 : "|0x%" PRIx64, left);
}

static void put_word(struct keg_trace *trace, const struct keg_words_of *of, uint64_t value)
{
	if (of->flags) {
		put_flags(trace, of, value & UINT32_MAX);
		return;
	}
	for (const struct keg_word *word = of->words; word->name; word++) {
		if (word->value == (value & UINT32_MAX)) {
			put(trace, "%s", word->name);
			return;
		}
	}
	put(trace, "%d", (int)value);
}

static void put_signal(struct keg_trace *trace, int signo)
{
	const char *name = signo > 0 && signo < 32 ? sigabbrev_np(signo) : NULL;

	if (name)
		put(trace, "SIG%s", name);
	else
		put(trace, "%d", signo);
}

static void put_sigset(struct keg_trace *trace, struct keg_space *space, uint64_t at)
{
	uint64_t set;
	bool first = true;

	if (!at || keg_space_read(space, &set, at, sizeof(set)) < 0) {
		put(trace, at ? "0x%" PRIx64 : "NULL", at);
		return;
	}
	put(trace, set == UINT64_MAX ? "~[]" : "[");
	for (int i = 1; i <= KEG_SIGNALS && set != UINT64_MAX; i++) {
		if (!(set & KEG_SIGBIT(i)))
			continue;
		put(trace, first ? "" : " ");
		put_signal(trace, i);
		first = false;
	}
	put(trace, set == UINT64_MAX ? "" : "]");
}

static void put_time(struct keg_trace *trace, struct keg_space *space, uint64_t at)
{
	struct timespec time;

	if (!at || keg_space_read(space, &time, at, sizeof(time)) < 0)
		put(trace, at ? "0x%" PRIx64 : "NULL", at);
	else
		put(trace, "{%lld, %ld}", (long long)time.tv_sec, time.tv_nsec);
}

static void put_stat(struct keg_trace *trace, struct keg_space *space, uint64_t at)
{
	struct stat stat;

	if (keg_space_read(space, &stat, at, sizeof(stat)) < 0)
		put(trace, "0x%" PRIx64, at);
	else
		put(trace, "{st_mode=0%o, st_size=%lld, ...}", stat.st_mode,
			(long long)stat.st_size);
}

/* What only the served call makes known: its letter, and its result >= 0. */
static bool is_filled(char letter)
{
	return letter == 'R' || letter == 'T' || letter == 'w';
}

static void put_filled(
	struct keg_trace *trace, struct keg_space *space, char letter, uint64_t at, int64_t result)
{
	int status;

	if (result < 0 || !at)
		put(trace, at ? "0x%" PRIx64 : "NULL", at);
	else if (letter == 'R')
		put_buffer(trace, space, at, (uint64_t)result);
	else if (letter == 'T')
		put_stat(trace, space, at);
	else if (keg_space_read(space, &status, at, sizeof(status)) == 0)
		put(trace, "[0x%x]", status);
}

static void put_directory(struct keg_trace *trace, uint64_t value)
{
	if ((int)value == AT_FDCWD)
		put(trace, "AT_FDCWD");
	else
		put(trace, "%d", (int)value);
}

/* What is a number by itself. False: it is no such letter. */
static bool put_number(struct keg_trace *trace, char letter, uint64_t value)
{
	switch (letter) {
	case 'd':
	case 'f':
		put(trace, "%d", (int)value);
		return true;
	case 'D':
		put_directory(trace, value);
		return true;
	case 'u':
		put(trace, "%" PRIu64, value);
		return true;
	case 'l':
		put(trace, "%" PRId64, (int64_t)value);
		return true;
	case 'm':
		put(trace, "0%o", (unsigned)value);
		return true;
	case 'g':
		put_signal(trace, (int)value);
		return true;
	default:
		return false;
	}
}

static void put_argument(
	struct keg_trace *trace, struct keg_task *task, const char *letters, const uint64_t *args)
{
	struct keg_space *space = task->process->space;
	const struct keg_words_of *words = keg_words_for(*letters);

	if (words)
		put_word(trace, words, *args);
	else if (*letters == 's')
		put_string(trace, space, *args);
	else if (*letters == 'S')
		put_buffer(trace, space, *args, args[1]);
	else if (*letters == 'a')
		put_words(trace, space, *args);
	else if (*letters == 'G')
		put_sigset(trace, space, *args);
	else if (*letters == 't')
		put_time(trace, space, *args);
	else if (!put_number(trace, *letters, *args))
		put(trace, *letters == 'p' && !*args ? "NULL" : "0x%" PRIx64, *args);
}

/* The arguments from `from` on, up to the first that is not known yet. How many are written. */
static uint32_t put_arguments(struct keg_trace *trace, struct keg_task *task,
	const uint64_t args[6], uint32_t from, const int64_t *result)
{
	const char *letters = trace->call ? trace->call->arguments : "xxxxxx";
	uint32_t i;

	for (i = from; i < 6 && letters[i] && letters[i] != ':'; i++) {
		if (is_filled(letters[i]) && !result)
			break;
		put(trace, i ? ", " : "");
		if (is_filled(letters[i]))
			put_filled(trace, task->process->space, letters[i], args[i], *result);
		else
			put_argument(trace, task, letters + i, args + i);
	}
	return i;
}

void keg_trace_begin(
	struct keg_trace *trace, struct keg_task *task, uint64_t number, const uint64_t args[6])
{
	const char *name = keg_syscall_name(number);

	trace->length = 0;
	trace->call = task->process->user->calls[number];
	trace->began = keg_now_ns();
	if (name)
		put(trace, "%s(", name);
	else
		put(trace, "syscall_%" PRIu64 "(", number);
	trace->written = put_arguments(trace, task, args, 0, NULL);
}

static void put_result(struct keg_trace *trace, int64_t result, bool returned)
{
	const char *name = result < 0 ? keg_errno_name((int)-result) : NULL;
	bool address = trace->call && strchr(trace->call->arguments, ':');

	if (!returned)
		put(trace, ") = ?");
	else if (result <= KEG_RESTART)
		put(trace, ") = ? (interrupted)");
	else if (name)
		put(trace, ") = -1 %s (%s)", name, strerrordesc_np((int)-result));
	else
		put(trace, address ? ") = 0x%" PRIx64 : ") = %" PRId64, result);
}

void keg_trace_end(struct keg_trace *trace, struct keg_task *task, uint64_t number,
	const uint64_t args[6], int64_t result, bool returned, bool served)
{
	struct keg_tracer *tracer = task->process->user->tracer;
	struct keg_user_syscall call = {
		.pid = task->process->pid,
		.tid = task->tid,
		.number = number,
		.name = keg_syscall_name(number),
		.result = result,
		.returned = returned,
		.served = served,
		.began_ns = trace->began,
		.took_ns = keg_now_ns() - trace->began,
		.text = trace->text,
	};

	memcpy(call.arguments, args, sizeof(call.arguments));
	put_arguments(trace, task, args, trace->written, returned ? &result : &(int64_t){-1});
	put_result(trace, result, returned);
	pthread_mutex_lock(&tracer->lock);
	tracer->tell(tracer->context, &call);
	pthread_mutex_unlock(&tracer->lock);
}
