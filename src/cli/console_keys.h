/* SPDX-License-Identifier: MIT */
/* What is typed, and what of it the guest gets. */
#ifndef KEG_CLI_CONSOLE_KEYS_H
#define KEG_CLI_CONSOLE_KEYS_H

#include "console.h"

/* Reads what the input has now. True when it says to end the run. */
bool console_read(struct console *console);

/* Gives the guest what it has room for. */
void console_feed(struct console *console);

#endif
