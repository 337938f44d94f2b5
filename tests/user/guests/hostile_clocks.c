/* SPDX-License-Identifier: MIT */
/* What a program may do to its clock page and to the functions that read it: to itself alone. */
#include <linux/futex.h>
#include <sys/auxv.h>
#include <sys/uio.h>

#include "hostile.h"

/* The two pages; NULL: there is no vDSO, and nothing to be tried. */
static uint8_t *both(void)
{
	uint8_t *code = (uint8_t *)getauxval(AT_SYSINFO_EHDR);

	return code ? code - PAGE : NULL;
}

static int64_t clock_ns(bool by_call)
{
	struct timespec time;

	if (by_call)
		MUST(raw(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&time, 0, 0, 0, 0) == 0);
	else
		MUST(clock_gettime(CLOCK_MONOTONIC, &time) == 0);
	return time.tv_sec * 1000000000 + time.tv_nsec;
}

/* For this process, and what it makes. */
static void is_sound(void)
{
	for (int i = 0; i < 200; i++) {
		int64_t first = clock_ns(true), second = clock_ns(false), third = clock_ns(true);

		MUST(first <= second && second <= third);
		if (i % 10 == 0)
			raw(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
	}
}

static void read_on(void *context)
{
	struct timespec time;

	(void)context;
	for (int i = 0; i < 1000; i++)
		clock_gettime(CLOCK_MONOTONIC, &time);
}

static void fill(void *context)
{
	int byte = (int)(intptr_t)context;

	if (raw(SYS_mprotect, (long)both(), 2 * PAGE, 7, 0, 0, 0) == 0)
		memset(both(), byte, byte == 0x55 ? PAGE : 2 * PAGE);
	trapped(read_on, NULL);
}

/* In children, which have the same pages until they write; and in what they leave behind. */
static void writes(void)
{
	static const int bytes[] = {0, 0x55, 0xcc, 0xff, 0x0f};

	for (size_t i = 0; both() && i < 2 * sizeof(bytes) / sizeof(bytes[0]); i++) {
		in_child(fill, (void *)(intptr_t)bytes[i / 2], 1000);
		is_sound();
	}
}

static void store(void *to)
{
	*(volatile uint8_t *)to = 0xcc;
}

/* As a buffer, for whatever writes to one. */
static void buffers(void)
{
	uint8_t *at = both();
	int pair[2];

	if (!at)
		return;
	MUST(pipe(pair) == 0 && write(pair[1], "0123456789", 10) == 10);
	for (int i = 0; i < 2; i++, at += PAGE) {
		struct iovec part = {at, PAGE};

		MUST(trapped(store, at) == SIGSEGV);
		MUST(raw(SYS_read, pair[0], (long)at, 8, 0, 0, 0) == -EFAULT);
		MUST(raw(SYS_readv, pair[0], (long)&part, 1, 0, 0, 0) == -EFAULT);
		MUST(raw(SYS_getrandom, (long)at, PAGE, 0, 0, 0, 0) == -EFAULT);
		MUST(raw(SYS_uname, (long)at, 0, 0, 0, 0, 0) == -EFAULT);
		MUST(raw(SYS_clock_gettime, CLOCK_REALTIME, (long)at, 0, 0, 0, 0) == -EFAULT);
		raw(SYS_process_vm_writev, getpid(), (long)&part, 1, (long)&part, 1, 0);
		raw(SYS_set_tid_address, (long)at, 0, 0, 0, 0, 0);
		raw(SYS_set_robust_list, (long)at, 24, 0, 0, 0, 0);
		raw(SYS_futex, (long)at, FUTEX_WAKE_OP, 1, 1, (long)at,
			FUTEX_OP(FUTEX_OP_SET, 1, FUTEX_OP_CMP_EQ, 0));
		raw(SYS_futex, (long)at, FUTEX_TRYLOCK_PI, 0, 0, 0, 0);
		is_sound();
	}
	raw(SYS_set_tid_address, 0, 0, 0, 0, 0, 0);
	raw(SYS_set_robust_list, 0, 24, 0, 0, 0, 0);
}

static const int advice[] = {MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_WILLNEED, MADV_HUGEPAGE,
	MADV_DONTFORK, MADV_WIPEONFORK, MADV_POPULATE_WRITE};

static void disturb(uint8_t *at)
{
	const uint64_t what = chance();

	switch (what % 8) {
	case 0:
		raw(SYS_mprotect, (long)at, PAGE, (long)(what >> 8 & 7), 0, 0, 0);
		break;
	case 1:
		raw(SYS_madvise, (long)at, PAGE, advice[what / 8 % 8], 0, 0, 0);
		break;
	case 2:
		raw(SYS_mremap, (long)at, PAGE, 3 * PAGE, 0, 0, 0);
		break;
	case 3:
		raw(SYS_mremap, (long)at, 0, PAGE, MREMAP_MAYMOVE, 0, 0);
		break;
	case 4:
		raw(SYS_mlock, (long)at, PAGE, 0, 0, 0, 0);
		break;
	case 5:
		trapped(store, at);
		break;
	case 6:
		in_child(read_on, NULL, 100);
		break;
	default:
		raw(SYS_msync, (long)at, PAGE, MS_SYNC | MS_INVALIDATE, 0, 0, 0);
	}
}

static int read_for_ever(void *context)
{
	(void)context;
	for (;;)
		clock_ns(true);
	return 0;
}

static void disturb_all(void *context)
{
	(void)context;
	in_thread(read_for_ever, NULL);
	for (unsigned i = 0; i < 300 * hostile_effort; i++)
		disturb(both() + i % 2 * PAGE);
}

static void leave(void *context)
{
	(void)context;
	raw(SYS_munmap, (long)both(), 2 * PAGE, 0, 0, 0, 0);
	for (int i = 0; i < 100; i++)
		clock_ns(true);
}

static void mappings(void)
{
	if (!both())
		return;
	in_child(disturb_all, NULL, 3000);
	is_sound();
	MUST(in_child(leave, NULL, 3000) == 0);
	is_sound();
}

const struct hostile hostile_clocks[] = {
	{"clock-writes", writes, EXITS, 0},
	{"clock-buffers", buffers, EXITS, 0},
	{"clock-mappings", mappings, EXITS, 0},
	{NULL, NULL, 0, 0},
};
