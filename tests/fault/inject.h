/* SPDX-License-Identifier: MIT */
/*
 * Making calls fail: the wrappers of calls.def ask here, at each call, whether it is to fail. Only
 * calls of the test program's own objects are wrapped, libkeg's among them, and only while the
 * injector is armed do they count.
 */
#ifndef KEG_TESTS_FAULT_INJECT_H
#define KEG_TESTS_FAULT_INJECT_H

#include <stdbool.h>
#include <stddef.h>

/* FAULT_CALL_malloc, and so on. */
enum fault_call {
#define CALL(name, ...) FAULT_CALL_##name,
#define OWN(name, ...)  FAULT_CALL_##name,
#include "fault/calls.def"
	FAULT_CALLS
};

/* What a failed call must come to. */
enum fault_outcome {
	FAULT_TOLD = 1, /* a negative errno, and a message */
	FAULT_RETRIED,  /* success */
	FAULT_EITHER,
};

struct fault_error {
	int error;
	enum fault_outcome outcome;
	int told; /* FAULT_TOLD: which errno */
};

enum fault_mode {
	FAULT_ONCE,
	FAULT_BURST, /* a hundred times, which must not be for ever */
	FAULT_FROM_THEN_ON,
};

/* What is to fail: the n-th call (from 1) of one function. */
struct fault {
	enum fault_call call;
	unsigned int n;
	int error; /* 0: nothing fails */
	enum fault_mode mode;
	/*
	 * Not 0: only this request of ioctl() counts. Where several threads call, what the n-th of
	 * all is differs from run to run. What fails from then on are all requests.
	 */
	unsigned long request;
};

/* A call that was seen while recording. */
struct fault_record {
	enum fault_call call;
	unsigned int n;
	unsigned long request; /* of an ioctl */
	const void *site;      /* where it returns to */
	int step;              /* what fault_at_step() said last */
};

/* Begins: counts from 1, forgets the record, and makes nothing fail until it is armed. */
void fault_set(const struct fault *fault, const struct fault *background);
void fault_arm(bool armed);

/* Whether the call that was to fail has come. */
bool fault_has_fired(void);

/* Which step of the scenario the calls that follow belong to. */
void fault_at_step(int step);

/* The calls since fault_set(), in order. */
size_t fault_recorded(const struct fault_record **records);

/* A function's name, with the request's for an ioctl: in `text`, which is returned. */
const char *fault_name(enum fault_call call, unsigned long request, char *text, size_t size);

/* The errors that fit a call: `error` of the last is 0. */
const struct fault_error *fault_errors(enum fault_call call, unsigned long request);

/* For wrappers: the error to fail with, or 0; and a call that gives back, which does not fail. */
int fault_here(enum fault_call call, unsigned long request, const void *site);
void fault_passes(const void *site);

#endif
