/* SPDX-License-Identifier: MIT */
/*
 * A call of a program's function that writes to some pages, and the reset that takes it back:
 * keg_user_call() and keg_user_reset(), against KVM_RUN of the same instructions at CPL 3 with
 * registers through the shared area, left by a store to an address without memory, and as many
 * pages copied.
 */
#include "user_call.h"

#include <stdlib.h>
#include <string.h>

#include <keg/user.h>

#include "bench.h"

enum { PAGE = 4096, CALLS = 16, MOST_PAGES = 16 };

/* rdi: the first page, rsi: how many; each one's first word becomes one more. */
static const uint8_t function[] = {
	0x48, 0x85, 0xf6,                         /* test %rsi, %rsi */
	0x74, 0x0f,                               /* jz 2f */
	0x48, 0xff, 0x07,                         /* 1: incq (%rdi) */
	0x48, 0x81, 0xc7, 0x00, 0x10, 0x00, 0x00, /* add $4096, %rdi */
	0x48, 0xff, 0xce,                         /* dec %rsi */
	0x75, 0xf1,                               /* jnz 1b */
	0xc3,                                     /* 2: ret */
};

struct call {
	struct keg_user *user;
	uint64_t buffer;
	struct user_machine bare;
	uint8_t pristine[MOST_PAGES * PAGE];
	uint64_t pages;
};

static void open_keg(struct bench *bench, struct call *call)
{
	call->user = user_program_open(bench, function, sizeof(function));
	bench_need(keg_user_allocate(call->user, sizeof(call->pristine), &call->buffer));
	bench_need(keg_user_mark(call->user));
}

static void by_keg(struct call *call)
{
	const uint64_t arguments[] = {call->buffer, call->pages};
	struct keg_user_stop stop;
	uint64_t result;

	bench_need(
		keg_user_call(call->user, USER_PROGRAM_FUNCTION, arguments, 2, 0, &result, &stop));
	if (stop.end != KEG_USER_RETURNED)
		bench_die("the function did not return: %s", stop.what);
	bench_need(keg_user_reset(call->user));
}

static void by_ioctl(struct call *call)
{
	user_machine_call(&call->bare, call->pages);
	memcpy(call->bare.data, call->pristine, call->pages * PAGE);
}

static inline double measure(void (*once)(struct call *call), struct call *call)
{
	uint64_t began;

	once(call);
	began = bench_now();
	for (int i = 0; i < CALLS; i++)
		once(call);
	return (double)(bench_now() - began) / 1000 / CALLS;
}

static double keg_arm(void *context)
{
	return measure(by_keg, context);
}

static double bare_arm(void *context)
{
	return measure(by_ioctl, context);
}

static void compare(struct bench *bench, struct call *call, uint64_t pages, const char *what)
{
	struct bench_row row = {
		.what = what,
		.peer_name = "bare KVM_RUN and copies",
		.unit = "us",
		.unit_digits = 1,
		.floor = BENCH_AT_MOST,
		.limit = 1.3,
	};
	const struct bench_arm arms[] = {{keg_arm, call, &row.keg}, {bare_arm, call, &row.peer}};

	call->pages = pages;
	bench_take_turns(arms, 2, 2, bench_rounds(bench, 200));
	bench_add(bench, &row);
}

void bench_user_call(struct bench *bench)
{
	struct call *call = calloc(1, sizeof(*call));

	if (!call)
		bench_die("no memory");
	if (!(bench->bare.sync_regs & (int)KVM_SYNC_X86_REGS)) {
		bench_skip(bench, "this KVM has no KVM_CAP_SYNC_REGS");
		free(call);
		return;
	}
	open_keg(bench, call);
	user_machine_open(&bench->bare, function, sizeof(function), &call->bare);
	compare(bench, call, 0, "call a function of a program, and reset it");
	compare(bench, call, MOST_PAGES, "... one that writes to 16 pages");
	user_machine_close(&call->bare);
	keg_user_destroy(call->user);
	free(call);
}
