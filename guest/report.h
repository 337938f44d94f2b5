/* SPDX-License-Identifier: MIT */
/*
 * What the default guests print, and how: lines, put together in a buffer so that the console gets
 * each in one piece. Only the first processor prints.
 */
#ifndef GUEST_REPORT_H
#define GUEST_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* The machine's console; each guest has its own. */
void console_write(const char *text, unsigned int length);

/* Add to the line. A newline in a text sends the line off. */
void put(const char *text);
void put_number(uint32_t value, unsigned int digits); /* decimal, with leading zeros to `digits` */
void put_hex(uint32_t value);

/* Begins a line about what the machine has. */
void fact(const char *name);

/* Begins a line about a test, and notes it if it failed. The words that follow are the same. */
void verdict(bool passed, const char *name);

/* Says that all is well or which tests were not; returns 0, or which: bit n for test n. */
uint32_t conclusion(void);

/* The number after `name` ("cpus=") in a command line, or 0. */
uint32_t option(const char *line, const char *name);

#endif
