/* SPDX-License-Identifier: MIT */
/*
 * Scenarios side by side, each in a process of its own: they wait for the kernel most of their
 * time, when machines are closed.
 */
#ifndef KEG_TESTS_FAULT_JOBS_H
#define KEG_TESTS_FAULT_JOBS_H

#include "fault/fault.h"

/* Sweeps them all; prints what each has to say, in order. Returns how many have failed. */
size_t fault_sweep_all(
	const struct fault_scenario *const *scenarios, size_t count, enum fault_effort effort);

#endif
