/* SPDX-License-Identifier: MIT */
/*
 * Scenarios whose every call is made to fail.
 *
 * A scenario is a list of steps, each a call or two of libkeg, and the end of all that the steps
 * have made. It is carried out once unharmed, which tells the calls of the C library and of KVM on
 * its way; and then again and again, with the n-th call of each kind failing for every n, with each
 * error that fits (calls.def, requests.def), once, and from then on. Each time:
 *
 *   - the step fails with the error's negative errno and a message of its own, unless the table
 *     says that the error is survived;
 *   - nothing is left: memory, mappings, locks, timers, threads, descriptors;
 *   - after a call that failed once, the same step succeeds, and so does the rest.
 *
 * To have new code's calls made to fail, add a step that runs it.
 */
#ifndef KEG_TESTS_FAULT_FAULT_H
#define KEG_TESTS_FAULT_FAULT_H

#include <errno.h>
#include <stdio.h>

#include "fault/inject.h"
#include "fault/rig.h"

enum { FAULT_EXCUSES = 8 };

enum fault_step_flags {
	FAULT_SETUP = 1 << 0,     /* its calls are not made to fail: another scenario does that */
	FAULT_FORGIVING = 1 << 1, /* it may succeed without what failed: "no" is an answer */
	FAULT_NOT_AGAIN = 1 << 2, /* once it has failed it cannot be done again */
	/* Left out, and said so, where KVM has no such thing: -ENOTSUP, -ENODEV or -ENXIO. */
	FAULT_OPTIONAL = 1 << 3,
	FAULT_GATE = 1 << 4, /* so is the whole scenario */
	FAULT_RAW = 1 << 5,  /* hands the kernel's errno on as it is */
};

struct fault_step {
	const char *name;
	int (*run)(struct rig *rig); /* 0 or positive, or libkeg's negative errno */
	unsigned int flags;
	/*
	 * The requests (without KVM_) and functions that only this step comes to: not missed where
	 * it is left out.
	 */
	const char *excuses[FAULT_EXCUSES];
};

#define FAULT_STEP(words, function, how)                                                           \
	{                                                                                          \
		.name = words, .run = function, .flags = (how)                                     \
	}
#define FAULT_STEP_FOR(words, function, how, ...)                                                  \
	{                                                                                          \
		.name = words, .run = function, .flags = (how), .excuses = {__VA_ARGS__},          \
	}

struct fault_scenario {
	const char *name;
	const struct fault_step *steps;
	size_t count;
	/* Fails throughout (error 0: none): to get at what is done about a failure. */
	enum fault_call background_call;
	int background_error;
	unsigned long background_request; /* not 0: only these of them */
	bool threads; /* calls of several threads come in any order: one may not come at all */
	void (*prepare)(void); /* makes what is not libkeg's, once; or NULL */
	/* Each call fails with one of its errors, by turns: there are so many, or they take long.
	 */
	bool brief;
	/* Whole machines, or programs in one: left out of a quick sweep that nobody has asked for
	 * them. */
	bool large;
	/*
	 * All descriptors that are read and written are libkeg's own eventfds: what only one that
	 * is closed, another file or a full one brings, a failure to read or write, cannot come.
	 */
	bool sealed;
};

#define FAULT_SCENARIO(words, table, ...)                                                          \
	{                                                                                          \
		.name = words, .steps = table, .count = sizeof(table) / sizeof((table)[0]),        \
		__VA_ARGS__                                                                        \
	}

/* How much of the sweep is done. */
enum fault_effort {
	FAULT_FULL,  /* each error, once and from then on */
	FAULT_QUICK, /* each call once, errors and modes by turns */
};

/* What a sweep has done and found. */
struct fault_tally {
	size_t calls, faults, findings;
};

/* Sweeps one scenario; findings are written to `out`, a paragraph each. */
struct fault_tally fault_sweep(
	const struct fault_scenario *scenario, enum fault_effort effort, FILE *out);

/* The scenarios of one file. */
struct fault_suite {
	const struct fault_scenario *scenarios;
	size_t count;
};
extern const struct fault_suite fault_host, fault_memory, fault_interrupts, fault_vcpu, fault_board;
extern const struct fault_suite fault_devices, fault_disks, fault_nets;
/* In the architecture's folder. */
extern const struct fault_suite fault_arch, fault_registers, fault_linux, fault_machines;
extern const struct fault_suite fault_programs, fault_plugins;

#endif
