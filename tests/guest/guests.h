/* SPDX-License-Identifier: MIT */
/* The test guests of one architecture, and what must come of them. */
#ifndef KEG_TESTS_GUEST_GUESTS_H
#define KEG_TESTS_GUEST_GUESTS_H

/* Exit statuses of `keg run`; ANY where hosts differ, as long as the run ends. */
enum {
	ANY = -1,
	POWER_OFF = 0,
	RESET = 6,
	HALTED = 8,
	TRIPLE_FAULT = 10,
	FAULT = 12,
	TIMED_OUT = 124
};

struct guest {
	const char *file; /* in the folder of built guests; NULL for the guest that is built in */
	const char *options[8];
	const char *input;
	int status;
	const char *output; /* all of it; of the guest that is built in a part */
};

extern const struct guest guests[];
extern const unsigned int guest_count;

#endif
