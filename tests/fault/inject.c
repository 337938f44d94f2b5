/* SPDX-License-Identifier: MIT */
/* Which call is to fail: counting, recording, and the tables of errors. */
#include "fault/inject.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/fs.h>
#include <linux/if_tun.h>
#include <linux/sockios.h>

#include "fault/requests.h"
#include "fault/sites.h"

enum { BURST = 100, MOST_RECORDS = 4096 };

static struct {
	atomic_bool armed;
	atomic_bool fired;
	atomic_int step;
	struct fault fault, background;
	atomic_uint counts[FAULT_CALLS];
	atomic_size_t recorded;
	struct fault_record records[MOST_RECORDS];
} now;

/* ---- The tables ---- */

static const struct {
	const char *name;
	struct fault_error errors[FAULT_MOST_ERRORS];
} calls[] = {
#define CALL(name, type, parameters, arguments, failure, effect, ...) {#name, {__VA_ARGS__}},
#define OWN(name, ...)                                                {#name, {__VA_ARGS__}},
#include "fault/calls.def"
};

static const struct fault_request requests[] = {
#include "fault/requests.def"
};

static const struct fault_request usual = {0, NULL, {USUAL}};

/* The row whose number it is, or whose name. */
static const struct fault_request *find_in(
	const struct fault_request *table, size_t count, unsigned long number, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (name ? strcmp(table[i].name, name) == 0 : table[i].number == number)
			return &table[i];
	}
	return NULL;
}

static const struct fault_request *find(unsigned long number, const char *name)
{
	const struct fault_request *found =
		find_in(requests, sizeof(requests) / sizeof(requests[0]), number, name);

	return found ? found : find_in(fault_arch_requests, fault_arch_request_count, number, name);
}

static const struct fault_request *find_request(unsigned long number)
{
	const struct fault_request *found = find(number, NULL);

	return found ? found : &usual;
}

const struct fault_request *fault_request_named(const char *name)
{
	return find(0, name);
}

const char *fault_name(enum fault_call call, unsigned long request, char *text, size_t size)
{
	const char *name = find_request(request)->name;

	if (call != FAULT_CALL_ioctl)
		snprintf(text, size, "%s", calls[call].name);
	else if (name && _IOC_TYPE(request) == KVMIO)
		snprintf(text, size, "ioctl(KVM_%s)", name);
	else if (name)
		snprintf(text, size, "ioctl(%s)", name);
	else
		snprintf(text, size, "ioctl(0x%lx)", request);
	return text;
}

const struct fault_error *fault_errors(enum fault_call call, unsigned long request)
{
	return call == FAULT_CALL_ioctl ? find_request(request)->errors : calls[call].errors;
}

/* ---- The injector ---- */

void fault_set(const struct fault *fault, const struct fault *background)
{
	atomic_store(&now.armed, false);
	atomic_store(&now.fired, false);
	for (int i = 0; i < FAULT_CALLS; i++)
		atomic_store(&now.counts[i], 0);
	atomic_store(&now.recorded, 0);
	now.fault = *fault;
	now.background = *background;
}

void fault_arm(bool armed)
{
	atomic_store(&now.armed, armed);
}

bool fault_has_fired(void)
{
	return atomic_load(&now.fired);
}

void fault_at_step(int step)
{
	atomic_store(&now.step, step);
}

size_t fault_recorded(const struct fault_record **records)
{
	*records = now.records;
	return atomic_load(&now.recorded);
}

static void record(const struct fault_record *seen)
{
	size_t at = atomic_fetch_add(&now.recorded, 1);

	if (at >= MOST_RECORDS) {
		fprintf(stderr, "fault: more than %d calls in a scenario\n", MOST_RECORDS);
		abort();
	}
	now.records[at] = *seen;
}

static bool hits(unsigned int n)
{
	switch (now.fault.mode) {
	case FAULT_ONCE:
		return n == now.fault.n;
	case FAULT_BURST:
		return n >= now.fault.n && n < now.fault.n + BURST;
	default:
		return n >= now.fault.n;
	}
}

/* Whether all calls of this function fail by now. */
static bool goes_on(enum fault_call call)
{
	return now.fault.error && call == now.fault.call && now.fault.mode == FAULT_FROM_THEN_ON &&
	       atomic_load(&now.fired);
}

int fault_here(enum fault_call call, unsigned long request, const void *site)
{
	unsigned int n;

	if (!atomic_load(&now.armed))
		return 0;
	fault_site_note(site, request);
	if (now.background.error && call == now.background.call &&
		(!now.background.request || request == now.background.request))
		return now.background.error;
	if (goes_on(call))
		return now.fault.error;
	if (now.fault.request && (call != now.fault.call || request != now.fault.request))
		return 0;
	n = atomic_fetch_add(&now.counts[call], 1) + 1;
	if (!now.fault.error)
		record(&(struct fault_record){call, n, request, site, atomic_load(&now.step)});
	if (!now.fault.error || call != now.fault.call || !hits(n))
		return 0;
	atomic_store(&now.fired, true);
	return now.fault.error;
}

void fault_passes(const void *site)
{
	if (atomic_load(&now.armed))
		fault_site_note(site, 0);
}
