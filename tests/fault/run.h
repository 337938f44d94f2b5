/* SPDX-License-Identifier: MIT */
/* One run of a scenario. */
#ifndef KEG_TESTS_FAULT_RUN_H
#define KEG_TESTS_FAULT_RUN_H

#include "fault/fault.h"
#include "fault/held.h"

enum { FAULT_MOST_STEPS = 64, FAULT_END_STEP = -1 };

/* What is carried out, and what it came to. */
struct fault_run {
	const struct fault_scenario *scenario;
	const bool *absent; /* steps that are left out */
	struct fault fault; /* error 0: none */

	int rc;            /* of the first step that failed, or 0 */
	int failed_at;     /* which one, or FAULT_END_STEP */
	char message[512]; /* keg_error_message() then; "" if it was not renewed */
	int later_rc;      /* of a step that failed after that, in FAULT_ONCE; or 0 */
	int later_at;
	char later_message[512];
	bool fired;
};

/* Carries it out. Whatever is left over is handed to `handler`. */
void fault_run(struct fault_run *run, held_handler *handler, void *context);

#endif
