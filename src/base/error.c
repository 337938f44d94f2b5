/* SPDX-License-Identifier: MIT */
/* The calling thread's last failure, in words. */
#include "base/error.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Long enough for a sentence that names two regions and a path; longer ones are cut. */
static _Thread_local char last_message[512];

const char *keg_error_message(void)
{
	return last_message;
}

const char *keg_version(void)
{
	return KEG_VERSION;
}

/* Puts ": " and a text at the end of the message; what does not fit is cut. */
static void append(const char *text)
{
	size_t used = strlen(last_message), room = sizeof(last_message) - 1 - used;
	size_t length = strlen(text);

	if (room < 2)
		return;
	memcpy(last_message + used, ": ", 2);
	if (length > room - 2)
		length = room - 2;
	memcpy(last_message + used + 2, text, length);
	last_message[used + 2 + length] = 0;
}

int(keg_fail)(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
	return -error;
}

int(keg_fail_errno)(int error, const char *format, ...)
{
	char reason[128];
	va_list args;

	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
	append(strerror_r(error, reason, sizeof(reason)));
	return -error;
}

int keg_fail_within(int result, const char *format, ...)
{
	char inner[sizeof(last_message)];
	va_list args;

	memcpy(inner, last_message, sizeof(inner));
	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
	append(inner);
	return result;
}

/* Larger than any configuration will ever be. */
enum { MOST_CONFIG_BYTES = 4096 };

int keg_config_copy(
	void *own, size_t own_size, const void *given, size_t given_size, const char *what)
{
	const unsigned char *bytes = given;

	if (!given)
		return keg_fail(EINVAL, "%s: there is none", what);
	/* What was never set may be anything: it must not be believed. */
	if (given_size < sizeof(size_t) || given_size > MOST_CONFIG_BYTES)
		return keg_fail(EINVAL,
			"%s: its size member is %zu; set it to sizeof the structure", what,
			given_size);
	for (size_t i = own_size; i < given_size; i++) {
		if (bytes[i])
			return keg_fail(EINVAL,
				"%s: it has members that this libkeg (" KEG_VERSION
				") does not know",
				what);
	}
	memset(own, 0, own_size);
	memcpy(own, given, given_size < own_size ? given_size : own_size);
	return 0;
}
