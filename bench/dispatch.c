/* SPDX-License-Identifier: MIT */
/*
 * An exit, from KVM_RUN to its device: the guest writes to 256 regions in turn. The bare arm only
 * looks why the guest exited; keg finds the region among all and calls its device.
 */
#include <keg/bus.h>

#include "machine.h"

/* Few exits a measurement: most are not disturbed even on a busy host. */
enum { EXITS = 16, MACHINES = 64 };

struct dispatch {
	struct bare_machine bare;
	struct machine keg;
	struct keg_bus *bus;
	uint64_t written; /* by the guest, as the devices saw it */
};

static void write_device(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	uint64_t *written = device;

	(void)offset;
	(void)value;
	(void)bytes;
	++*written;
}

static void check_reason(uint32_t reason)
{
	if (reason != KVM_EXIT_IO && reason != KVM_EXIT_MMIO)
		bench_die("the guest exits for another reason: %u", reason);
}

static void run_and_dispatch(struct dispatch *dispatch)
{
	struct keg_exit exit;

	bench_need(keg_vcpu_run(dispatch->keg.vcpu, &exit));
	if (!keg_bus_handle(dispatch->bus, dispatch->bus, &exit))
		check_reason(exit.reason);
}

/* Without the bus: what keg_vcpu_run() itself adds. */
static void run_only(struct dispatch *dispatch)
{
	check_reason(machine_run(&dispatch->keg));
}

static void run_bare(struct dispatch *dispatch)
{
	check_reason(bare_run(&dispatch->bare));
}

/* The first exit brings the machine back into the processor's caches, and is not measured. */
static inline double measure(void (*once)(struct dispatch *dispatch), struct dispatch *dispatch)
{
	uint64_t began;

	once(dispatch);
	began = bench_now();
	for (int i = 0; i < EXITS; i++)
		once(dispatch);
	return (double)(bench_now() - began) / EXITS;
}

static double keg_arm(void *context)
{
	struct dispatch *dispatch = context;
	uint64_t before = dispatch->written;
	double ns = measure(run_and_dispatch, dispatch);

	if (dispatch->written != before + EXITS + 1)
		bench_die("the bus has lost writes");
	return ns;
}

static double run_arm(void *context)
{
	return measure(run_only, context);
}

static double bare_arm(void *context)
{
	return measure(run_bare, context);
}

static void create_bus(struct dispatch *dispatch)
{
	static const struct keg_bus_ops ops = {.write = write_device};

	bench_need(keg_bus_create("test", &dispatch->bus));
	for (uint64_t i = 0; i < GUEST_REGIONS; i++) {
		const struct keg_bus_region region = {
			.name = "counter",
			.start = GUEST_REGION_FIRST + i * GUEST_REGION_BYTES,
			.size = GUEST_REGION_BYTES,
			.ops = &ops,
			.device = &dispatch->written,
		};

		bench_need(keg_bus_add(dispatch->bus, &region));
	}
}

/* The bus alone: what a made-up exit costs. */
static void measure_bus(struct bench *bench, struct dispatch *dispatch)
{
	struct bench_row row = {
		.what = "... the dispatch alone, no exit", .unit = "ns", .unit_digits = 1};
	uint8_t data[8] = {0};
	struct keg_exit exit = {
		.reason = KEG_EXIT_MMIO, .mmio = {.bytes = 1, .write = true, .data = data}};

	for (unsigned int round = 0; round < bench_rounds(bench, 100); round++) {
		uint64_t began = bench_now();

		for (uint64_t i = 0; i < EXITS; i++) {
			exit.mmio.address = GUEST_REGION_FIRST +
					    i * GUEST_STRIDE % GUEST_REGIONS * GUEST_REGION_BYTES;
			keg_bus_handle(dispatch->bus, dispatch->bus, &exit);
		}
		bench_samples_add(&row.keg, (double)(bench_now() - began) / EXITS);
	}
	bench_add(bench, &row);
}

void bench_dispatch(struct bench *bench)
{
	struct bench_row row = {
		.what = "an exit, dispatched among 256 regions",
		.peer_name = "bare KVM_RUN loop",
		.unit = "ns",
		.floor = BENCH_AT_MOST,
		.limit = 1.03,
	};
	struct bench_row run = {
		.what = "... an exit, not dispatched",
		.peer_name = "bare KVM_RUN loop",
		.unit = "ns",
	};
	unsigned int machines = bench->quick ? 1 : MACHINES;
	uint64_t began = bench_now();
	struct dispatch dispatch;
	const struct bench_arm arms[] = {
		{keg_arm, &dispatch, &row.keg},
		{run_arm, &dispatch, &run.keg},
		{bare_arm, &dispatch, &row.peer},
	};

	dispatch.written = 0;
	create_bus(&dispatch);
	/* Several machines, for where one happens to lie in memory makes a difference of its own.
	 */
	for (unsigned int i = 0; i < machines && !(i && bench_long_enough(began)); i++) {
		machine_create(bench, &guest_exits, false, &dispatch.keg);
		bare_create(&bench->bare, &guest_exits, BARE_NO_IRQCHIP, &dispatch.bare);
		bench_take_turns(arms, 3, 2, bench_rounds(bench, 25));
		bare_destroy(&dispatch.bare);
		machine_destroy(&dispatch.keg);
	}
	bench_samples_copy(&run.peer, &row.peer);
	bench_add(bench, &row);
	bench_add(bench, &run);
	measure_bus(bench, &dispatch);
	keg_bus_destroy(dispatch.bus);
}
