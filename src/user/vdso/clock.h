/* SPDX-License-Identifier: MIT */
/* The clock page, between keg, which writes it, and the vDSO's functions, which read it. */
#ifndef KEG_USER_VDSO_CLOCK_H
#define KEG_USER_VDSO_CLOCK_H

#include <stdint.h>

/*
 * A sequence lock: odd while the rest is being written. From `tsc` on, for `span` cycles, the time
 * is what `monotonic` says and `slope` for each cycle since; else only a system call tells it.
 */
struct keg_vdso_clock {
	uint32_t sequence;
	uint32_t span;
	uint64_t tsc;
	uint64_t slope;     /* nanoseconds a cycle, times 2^32 */
	uint64_t monotonic; /* CLOCK_MONOTONIC in nanoseconds, at `tsc` */
	int64_t realtime;   /* what CLOCK_REALTIME is ahead of it */
};

/* The counter, between the reads before it and those behind it (Intel's SDM volume 2, RDTSC; AMD64
 * APM volume 3, LFENCE). */
static inline uint64_t keg_vdso_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc; lfence" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
}

#endif
