/* SPDX-License-Identifier: MIT */
/*
 * A program's system call, getpid(2), against a bare exit: KVM_RUN of a store at CPL 3 to an
 * address without memory, registers through the shared area.
 */
#include "bench.h"
#include "user_call.h"

enum { CALLS = 200 };

/* rdi: how many. */
static const uint8_t by_syscall[] = {
	0xb8, 0x27, 0, 0, 0, /* 1: mov $SYS_getpid, %eax */
	0x0f, 0x05,          /* syscall */
	0x48, 0xff, 0xcf,    /* dec %rdi */
	0x75, 0xf4,          /* jnz 1b */
	0xc3,                /* ret */
};

/* rsi: how many. */
static const uint8_t by_store[] = {
	USER_MACHINE_LEAVE, /* 1: */
	0x48, 0xff, 0xce,   /* dec %rsi */
	0x75, 0xf1,         /* jnz 1b */
	0xc3,               /* ret */
};

static double keg_arm(void *context)
{
	const uint64_t arguments[] = {CALLS};
	const uint64_t began = bench_now();
	struct keg_user_stop stop;
	uint64_t result;

	bench_need(keg_user_call(context, USER_PROGRAM_FUNCTION, arguments, 1, 0, &result, &stop));
	if (stop.end != KEG_USER_RETURNED)
		bench_die("the function did not return: %s", stop.what);
	return (double)(bench_now() - began) / 1000 / CALLS;
}

/* As many exits: the last one, by which the function returns, is counted as the call itself. */
static double bare_arm(void *context)
{
	const uint64_t began = bench_now();

	user_machine_call(context, CALLS);
	for (int i = 0; i < CALLS; i++)
		user_machine_continue(context);
	return (double)(bench_now() - began) / 1000 / CALLS;
}

void bench_user_syscall(struct bench *bench)
{
	struct bench_row row = {
		.what = "a program's system call, getpid",
		.peer_name = "bare exit from CPL 3",
		.unit = "us",
		.unit_digits = 2,
	};
	struct user_machine bare;
	struct keg_user *user;

	if (!(bench->bare.sync_regs & (int)KVM_SYNC_X86_REGS)) {
		bench_skip(bench, "this KVM has no KVM_CAP_SYNC_REGS");
		return;
	}
	user = user_program_open(bench, by_syscall, sizeof(by_syscall));
	user_machine_open(&bench->bare, by_store, sizeof(by_store), &bare);
	bench_take_turns(
		(const struct bench_arm[]){{keg_arm, user, &row.keg}, {bare_arm, &bare, &row.peer}},
		2, 2, bench_rounds(bench, 100));
	bench_add(bench, &row);
	user_machine_close(&bare);
	keg_user_destroy(user);
}
