/* SPDX-License-Identifier: MIT */
/*
 * The vDSO: what C libraries look for in it (vdso(7)), from the clock page where that will do, and
 * by a system call, which also brings the page up to date, where not. It runs in the program, with
 * no more rights than that.
 */
#include <linux/time.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/syscall.h>

#include "clock.h"

#define EXPORTED __attribute__((visibility("default")))

/* The page before this one: functions.ld. */
extern const volatile struct keg_vdso_clock keg_vdso_page __attribute__((visibility("hidden")));

enum {
	NS_PER_SECOND = 1000000000,
	NS_PER_US = 1000,
	PATIENCE = 64, /* looks at a page that is being written */
};

static long call(long number, long first, long second)
{
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "0"(number), "D"(first), "S"(second)
			 : "rcx", "r11", "memory");
	return result;
}

static bool read_clock(bool realtime, uint64_t *ns)
{
	const volatile struct keg_vdso_clock *page = &keg_vdso_page;

	for (int i = 0; i < PATIENCE; i++) {
		const uint32_t sequence = page->sequence;
		const uint64_t passed = keg_vdso_tsc() - page->tsc;
		const uint64_t since = passed * page->slope >> 32;
		const uint64_t then = page->monotonic + (realtime ? (uint64_t)page->realtime : 0);
		const bool holds = passed < page->span;

		__asm__ volatile("" ::: "memory");
		if (!(sequence & 1) && page->sequence == sequence) {
			*ns = then + since;
			return holds;
		}
		__asm__ volatile("pause");
	}
	return false;
}

EXPORTED int __vdso_clock_gettime(int clock, struct timespec *time);
int __vdso_clock_gettime(int clock, struct timespec *time)
{
	const bool realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
	const bool known = realtime || clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE;
	uint64_t ns;

	if (!known || !read_clock(realtime, &ns))
		return (int)call(SYS_clock_gettime, clock, (long)time);
	time->tv_sec = (long)(ns / NS_PER_SECOND);
	time->tv_nsec = (long)(ns % NS_PER_SECOND);
	return 0;
}

EXPORTED int __vdso_gettimeofday(struct timeval *time, struct timezone *zone);
int __vdso_gettimeofday(struct timeval *time, struct timezone *zone)
{
	uint64_t ns;

	if (!read_clock(true, &ns))
		return (int)call(SYS_gettimeofday, (long)time, (long)zone);
	if (time) {
		time->tv_sec = (long)(ns / NS_PER_SECOND);
		time->tv_usec = (long)(ns % NS_PER_SECOND / NS_PER_US);
	}
	if (zone)
		*zone = (struct timezone){0};
	return 0;
}

EXPORTED long __vdso_time(long *seconds);
long __vdso_time(long *seconds)
{
	uint64_t ns;

	if (!read_clock(true, &ns))
		return call(SYS_time, (long)seconds, 0);
	if (seconds)
		*seconds = (long)(ns / NS_PER_SECOND);
	return (long)(ns / NS_PER_SECOND);
}

EXPORTED int __vdso_clock_getres(int clock, struct timespec *resolution);
int __vdso_clock_getres(int clock, struct timespec *resolution)
{
	if (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)
		return (int)call(SYS_clock_getres, clock, (long)resolution);
	if (resolution)
		*resolution = (struct timespec){.tv_nsec = 1};
	return 0;
}
