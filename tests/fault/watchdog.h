/* SPDX-License-Identifier: MIT */
/* A run that crashes or does not end: says which it was before the program ends. */
#ifndef KEG_TESTS_FAULT_WATCHDOG_H
#define KEG_TESTS_FAULT_WATCHDOG_H

/* `title` must stand until watchdog_stop(). */
void watchdog_start(const char *title);
void watchdog_stop(void);

/* Where it is said; standard error unless this was called. */
void watchdog_console(int fd);

#endif
