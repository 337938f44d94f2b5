/* SPDX-License-Identifier: MIT */
/* Guests of a few instructions, each for one thing that may happen; one file for each architecture.
 */
#ifndef KEG_TESTS_CLI_GUESTS_H
#define KEG_TESTS_CLI_GUESTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A flat image that runs wherever it is loaded. NULL if the architecture has no such guest.
 *   echo          writes "ready\r\n", then what it reads from the serial port; 'q' powers off
 *   power-off     writes "hello\n" and powers off
 *   debug-exit    writes 16 to the debug-exit port
 *   reset, triple-fault, halt
 *   spin          writes "ready\r\n" and loops for ever
 *   talk          writes for ever
 *   timer-output  waits for the PC's timer by polling, and powers off
 */
const void *guest_image(const char *name, size_t *size);

/* Whether the architecture's board has a place for disks. */
extern const bool guest_board_has_disks;

#endif
