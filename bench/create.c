/* SPDX-License-Identifier: MIT */
/*
 * A machine's making, from KVM_CREATE_VM (KVM is open already) to the return of the first exit,
 * and its end. The one is measured without the other.
 */
#include "machine.h"

/* What an arm makes, and which half of it is measured. */
struct making {
	struct bench *bench;
	enum bare_irqchip irqchip;
	bool end;
};

static double keg_arm(void *context)
{
	const struct making *making = context;
	struct machine machine;
	uint64_t began = bench_now(), exited, ended;

	machine_create(making->bench, &guest_exits, making->irqchip != BARE_NO_IRQCHIP, &machine);
	machine_run(&machine);
	exited = bench_now();
	machine_destroy(&machine);
	ended = bench_now();
	return (double)(making->end ? ended - exited : exited - began) / 1000;
}

static double bare_arm(void *context)
{
	const struct making *making = context;
	struct bare_machine machine;
	uint64_t began = bench_now(), exited, ended;

	bare_create(&making->bench->bare, &guest_exits, making->irqchip, &machine);
	bare_run(&machine);
	exited = bench_now();
	bare_destroy(&machine);
	ended = bench_now();
	return (double)(making->end ? ended - exited : exited - began) / 1000;
}

static void compare_plain(struct bench *bench, bool end, struct bench_row *row)
{
	struct making making = {.bench = bench, .end = end};
	const struct bench_arm arms[] = {
		{keg_arm, &making, &row->keg},
		{bare_arm, &making, &row->peer},
	};

	row->peer_name = "bare ioctls";
	row->unit = "us";
	row->unit_digits = 1;
	bench_take_turns(arms, 2, bench_rounds(bench, 5), bench_rounds(bench, 400));
	bench_add(bench, row);
}

/* How much longer the wrong order must take for the host to be one where the order matters. */
static const double order_matters = 2;

static void judge_order(
	struct bench *bench, struct bench_row *best, struct bench_row *row, const char *moot)
{
	struct bench_summary right, wrong;

	bench_summarize(&best->peer, &right);
	bench_summarize(&row->peer, &wrong);
	if (wrong.median < right.median * order_matters)
		row->moot = moot;
	bench_samples_copy(&row->keg, &best->keg);
	bench_add(bench, best);
	bench_add(bench, row);
}

static void compare_irqchip(struct bench *bench)
{
	struct making best = {.bench = bench, .irqchip = BARE_IRQCHIP_LAST};
	struct making first = {.bench = bench, .irqchip = BARE_IRQCHIP_FIRST};
	struct bench_row to_best = {
		.what = "... with an interrupt controller",
		.peer_name = "bare, best order",
		.unit = "us",
		.unit_digits = 1,
		.floor = BENCH_AT_MOST,
		.limit = 1.05,
	};
	struct bench_row to_first = {
		.what = "... the same",
		.peer_name = "bare, irqchip first",
		.unit = "us",
		.unit_digits = 1,
		.floor = BENCH_AT_LEAST,
		.limit = 5,
	};
	const struct bench_arm arms[] = {
		{keg_arm, &best, &to_best.keg},
		{bare_arm, &best, &to_best.peer},
		{bare_arm, &first, &to_first.peer},
	};

	bench_take_turns(arms, 3, bench_rounds(bench, 5), bench_rounds(bench, 300));
	judge_order(bench, &to_best, &to_first,
		"this host's memory slots cost nothing more after an interrupt controller");
}

void bench_create(struct bench *bench)
{
	struct bench_row row = {
		.what = "create to first exit", .floor = BENCH_AT_MOST, .limit = 1.05};

	compare_plain(bench, false, &row);
	/* On arm64 it is a device of its own, made after the vCPUs: there is no order to choose. */
	if (bench_irqchip_in_any_order)
		compare_irqchip(bench);
}

void bench_end(struct bench *bench)
{
	struct bench_row row = {.what = "end of a machine"};

	compare_plain(bench, true, &row);
}
