/* SPDX-License-Identifier: MIT */
/* Every call of a scenario fails in turn, and what that comes to is judged. */
#include <stdlib.h>
#include <string.h>

#include "fault/run.h"
#include "fault/say.h"
#include "fault/sites.h"
#include "fault/watchdog.h"

/* One scenario's sweep. */
struct sweep {
	const struct fault_scenario *scenario;
	enum fault_effort effort;
	bool absent[FAULT_MOST_STEPS];
	struct fault_record *records;
	struct fault_tally tally;
	struct fault_report report;
};

static unsigned int flags_of(const struct sweep *sweep, int step)
{
	return step == FAULT_END_STEP ? FAULT_FORGIVING : sweep->scenario->steps[step].flags;
}

/* ---- Judging ---- */

static void judge_message(struct fault_report *report, const struct fault_run *run)
{
	const char *words = run->message;

	if (!words[0])
		fault_say(report, "it failed with %d without a message", run->rc);
	else if (strlen(words) < 8 || !strchr(words, ' ') || strchr(words, '\n') ||
		 strstr(words, "(null)") || strcmp(words, strerror(-run->rc)) == 0)
		fault_say(report, "its message tells nothing: \"%s\"", words);
}

static void judge_told(struct fault_report *report, const struct fault_run *run,
	const struct fault_record *record, int told)
{
	if (!run->rc)
		fault_say(report, "nobody noticed");
	else if (run->failed_at != record->step)
		fault_say(report, "it was noticed too late, in step %d: %s", run->failed_at,
			run->message);
	else if (run->rc != -told)
		fault_say(report, "it failed with %d, not with %d (%s): \"%s\"", run->rc, -told,
			strerror(told), run->message);
}

static void judge(struct sweep *sweep, const struct fault_run *run,
	const struct fault_record *record, const struct fault_error *error)
{
	struct fault_report *report = &sweep->report;
	unsigned int flags = flags_of(sweep, record->step);

	if (!run->fired && !sweep->scenario->threads)
		fault_say(report, "the call did not come");
	else if (run->fired && error->outcome == FAULT_RETRIED && run->rc)
		fault_say(report, "it was not retried: %d, \"%s\"", run->rc, run->message);
	else if (run->fired && error->outcome == FAULT_TOLD && !(flags & FAULT_FORGIVING))
		judge_told(report, run, record, flags & FAULT_RAW ? error->error : error->told);
	if (run->rc)
		judge_message(report, run);
	if (run->rc == -EPROTO)
		fault_say(report, "step %s: %s", sweep->scenario->steps[run->failed_at].name,
			run->message);
	if (run->later_rc)
		fault_say(report, "afterwards step %s failed: %d, \"%s\"",
			sweep->scenario->steps[run->later_at].name, run->later_rc,
			run->later_message);
}

/* ---- Sweeping ---- */

static void left_over(void *context, const char *what, const void *site)
{
	fault_say_site(context, what, site);
}

/* Names an ioctl by its request, and by which of those it is. */
static void count_request(
	const struct sweep *sweep, const struct fault_record *record, struct fault *fault)
{
	if (!record->request)
		return;
	fault->request = record->request;
	fault->n = 0;
	for (const struct fault_record *seen = sweep->records; seen <= record; seen++)
		fault->n += seen->call == record->call && seen->request == record->request;
}

static void try_fault(struct sweep *sweep, const struct fault_record *record,
	const struct fault_error *error, enum fault_mode mode)
{
	struct fault_run run = {
		.scenario = sweep->scenario,
		.absent = sweep->absent,
		.fault = {.call = record->call,
			.n = record->n,
			.error = error->error,
			.mode = mode},
	};

	if (sweep->scenario->threads)
		count_request(sweep, record, &run.fault);
	fault_report_begin(&sweep->report, sweep->scenario, record, &run.fault);
	watchdog_start(sweep->report.title);
	fault_run(&run, left_over, &sweep->report);
	watchdog_stop();
	judge(sweep, &run, record, error);
	sweep->tally.faults++;
	sweep->tally.findings += fault_report_end(&sweep->report);
}

static enum fault_mode second_mode(const struct fault_error *error)
{
	return error->outcome == FAULT_RETRIED ? FAULT_BURST : FAULT_FROM_THEN_ON;
}

/* Of errors, how many can come. */
static size_t count_errors(const struct sweep *sweep, const struct fault_record *record,
	const struct fault_error **errors)
{
	static const struct fault_error interrupted = {EINTR, FAULT_RETRIED, 0};
	size_t count = 0;

	if (sweep->scenario->sealed &&
		(record->call == FAULT_CALL_read || record->call == FAULT_CALL_write)) {
		*errors = &interrupted;
		return 1;
	}
	*errors = fault_errors(record->call, record->request);
	while ((*errors)[count].error)
		count++;
	return count;
}

static void sweep_call(struct sweep *sweep, size_t index)
{
	const struct fault_record *record = &sweep->records[index];
	const struct fault_error *errors;
	size_t count = count_errors(sweep, record, &errors);

	if (sweep->effort == FAULT_QUICK) {
		const struct fault_error *error = &errors[index % count];

		try_fault(
			sweep, record, error, index / count % 2 ? second_mode(error) : FAULT_ONCE);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (sweep->scenario->brief && i != index % count)
			continue;
		try_fault(sweep, record, &errors[i], FAULT_ONCE);
		try_fault(sweep, record, &errors[i], second_mode(&errors[i]));
	}
}

/* What only a step that is left out comes to, and those behind it if it leads to them. */
static void excuse(const struct sweep *sweep, int at)
{
	const struct fault_step *step = &sweep->scenario->steps[at];
	const struct fault_step *end = step->flags & FAULT_GATE
					       ? sweep->scenario->steps + sweep->scenario->count
					       : step + 1;

	for (; step < end; step++) {
		for (size_t i = 0; i < FAULT_EXCUSES && step->excuses[i]; i++)
			fault_excuse(step->excuses[i]);
	}
}

/* Whether a step has failed because KVM has no such thing; says so. */
static bool is_absent(struct sweep *sweep, const struct fault_run *run)
{
	unsigned int flags = flags_of(sweep, run->failed_at);

	if (!(flags & (FAULT_OPTIONAL | FAULT_GATE)) ||
		(run->rc != -ENOTSUP && run->rc != -ENODEV && run->rc != -ENXIO))
		return false;
	fprintf(sweep->report.out, "%s: not here: %s: %s\n", sweep->scenario->name,
		sweep->scenario->steps[run->failed_at].name, run->message);
	sweep->absent[run->failed_at] = true;
	excuse(sweep, run->failed_at);
	return true;
}

enum unharmed { WELL, AGAIN, STOP };

/* Runs it with no fault: again, without a step that is not for this KVM. */
static enum unharmed run_unharmed(struct sweep *sweep)
{
	struct fault_run run = {.scenario = sweep->scenario, .absent = sweep->absent};
	enum unharmed next = WELL;

	fault_report_begin(&sweep->report, sweep->scenario, NULL, NULL);
	watchdog_start(sweep->report.title);
	fault_run(&run, left_over, &sweep->report);
	watchdog_stop();
	if (run.rc && is_absent(sweep, &run)) {
		next = flags_of(sweep, run.failed_at) & FAULT_GATE ? STOP : AGAIN;
	} else if (run.rc) {
		fault_say(&sweep->report, "step %s: %d, \"%s\"",
			sweep->scenario->steps[run.failed_at].name, run.rc, run.message);
		next = STOP;
	}
	sweep->tally.findings += fault_report_end(&sweep->report);
	return next;
}

/* Keeps what the unharmed run has recorded. */
static void keep_records(struct sweep *sweep)
{
	const struct fault_record *records;
	size_t count = fault_recorded(&records);

	sweep->records = calloc(count + 1, sizeof(*records));
	if (!sweep->records)
		abort();
	memcpy(sweep->records, records, count * sizeof(*records));
	sweep->tally.calls = count;
}

struct fault_tally fault_sweep(
	const struct fault_scenario *scenario, enum fault_effort effort, FILE *out)
{
	struct sweep sweep = {.scenario = scenario, .effort = effort, .report = {.out = out}};
	enum unharmed next;

	if (scenario->prepare)
		scenario->prepare();
	do
		next = run_unharmed(&sweep);
	while (next == AGAIN);
	if (next == STOP)
		return sweep.tally;
	keep_records(&sweep);
	for (size_t i = 0; i < sweep.tally.calls; i++)
		sweep_call(&sweep, i);
	free(sweep.records);
	return sweep.tally;
}
