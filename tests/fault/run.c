/* SPDX-License-Identifier: MIT */
/* One run of a scenario: its steps with one fault, and its end. */
#include "fault/run.h"

#include <string.h>

#include <keg/error.h>

#include "base/error.h"
#include "fault/held.h"

/* What keg_error_message() says while no step has failed. */
static const char *const unsaid = "(nothing was said)";

static void take_message(char *message, size_t size)
{
	const char *words = keg_error_message();

	snprintf(message, size, "%s", strcmp(words, unsaid) ? words : "");
}

static int run_step(struct fault_run *run, struct rig *rig, int at)
{
	const struct fault_step *step = &run->scenario->steps[at];
	int rc;

	fault_at_step(at);
	keg_fail(ECANCELED, "%s", unsaid);
	fault_arm(!(step->flags & FAULT_SETUP));
	rc = step->run(rig);
	fault_arm(false);
	return rc < 0 ? rc : 0;
}

/* Notes a failure, and does the step again: its reason is gone. False if that is not to be done. */
static bool go_on(struct fault_run *run, struct rig *rig, int at, int rc)
{
	if (!run->rc) {
		run->rc = rc;
		run->failed_at = at;
		take_message(run->message, sizeof(run->message));
		if (run->fault.mode != FAULT_ONCE || !fault_has_fired() ||
			run->scenario->steps[at].flags & FAULT_NOT_AGAIN)
			return false;
		rc = run_step(run, rig, at);
		if (!rc)
			return true;
	}
	run->later_rc = rc;
	run->later_at = at;
	take_message(run->later_message, sizeof(run->later_message));
	return false;
}

static void run_steps(struct fault_run *run, struct rig *rig)
{
	for (size_t i = 0; i < run->scenario->count; i++) {
		int rc = run->absent[i] ? 0 : run_step(run, rig, (int)i);

		if (rc && !go_on(run, rig, (int)i, rc))
			return;
	}
}

void fault_run(struct fault_run *run, held_handler *handler, void *context)
{
	const struct fault background = {.call = run->scenario->background_call,
		.n = 1,
		.error = run->scenario->background_error,
		.request = run->scenario->background_request,
		.mode = FAULT_FROM_THEN_ON};
	struct rig rig;

	rig_prepare(&rig);
	run->rc = run->later_rc = 0;
	run->failed_at = FAULT_END_STEP;
	run->message[0] = 0;
	held_watch();
	fault_set(&run->fault, &background);
	run_steps(run, &rig);
	fault_at_step(FAULT_END_STEP);
	fault_arm(true);
	rig_end(&rig);
	fault_arm(false);
	run->fired = fault_has_fired();
	held_check(handler, context);
	rig_release(&rig);
}
