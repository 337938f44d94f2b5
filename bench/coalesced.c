/* SPDX-License-Identifier: MIT */
/*
 * Writes to a page whose writes are coalesced: how many exits 4,096 of them take, which must be no
 * more than the ring's size makes inevitable, and how long, against the same by hand, and against
 * an exit for each.
 */
#include <unistd.h>

#include "machine.h"

struct coalesced {
	struct machine keg;
	struct bare_machine bare, plain;
	struct kvm_coalesced_mmio_ring *ring; /* of `bare` */
	uint64_t handed_out;                  /* writes that keg's handler got, this round */
	struct bench_samples keg_exits, bare_exits;
};

static void check_write(uint64_t address)
{
	if (address != GUEST_PAGE)
		bench_die("a write elsewhere is coalesced: 0x%llx", (unsigned long long)address);
}

static void on_write(void *context, const struct keg_coalesced_write *write)
{
	struct coalesced *coalesced = context;

	check_write(write->address);
	coalesced->handed_out++;
}

/* Whether the guest is through with its writes; else it has made one that the ring did not take. */
static bool is_done(const struct kvm_run *run)
{
	uint64_t where = run->mmio.phys_addr;

	if (run->exit_reason == KVM_EXIT_IO)
		where = run->io.port;
	else if (run->exit_reason != KVM_EXIT_MMIO)
		bench_die("the guest exits for another reason: %u", run->exit_reason);
	return where == GUEST_DONE;
}

static void check_sum(uint64_t coalesced, uint64_t exits)
{
	/* The last exit is not one of the writes. */
	if (coalesced + exits - 1 != GUEST_WRITES)
		bench_die("%d writes are %llu coalesced and %llu exits", GUEST_WRITES,
			(unsigned long long)coalesced, (unsigned long long)exits);
}

static double keg_arm(void *context)
{
	struct coalesced *coalesced = context;
	const struct kvm_run *run = keg_vcpu_kvm_run(coalesced->keg.vcpu);
	uint64_t began = bench_now(), ended, exits = 0;

	coalesced->handed_out = 0;
	do {
		machine_run(&coalesced->keg);
		exits++;
	} while (!is_done(run));
	ended = bench_now();
	check_sum(coalesced->handed_out, exits);
	bench_samples_add(&coalesced->keg_exits, (double)exits);
	return (double)(ended - began) / 1000;
}

static uint32_t ring_entries(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (uint32_t)((page - sizeof(struct kvm_coalesced_mmio_ring)) /
			  sizeof(struct kvm_coalesced_mmio));
}

static uint64_t drain(struct kvm_coalesced_mmio_ring *ring)
{
	uint32_t entries = ring_entries();
	uint64_t count = 0;

	while (ring->first != __atomic_load_n(&ring->last, __ATOMIC_ACQUIRE)) {
		struct kvm_coalesced_mmio entry = ring->coalesced_mmio[ring->first];

		__atomic_store_n(&ring->first, (ring->first + 1) % entries, __ATOMIC_RELEASE);
		check_write(entry.phys_addr);
		count++;
	}
	return count;
}

static double bare_arm(void *context)
{
	struct coalesced *coalesced = context;
	uint64_t began = bench_now(), ended, exits = 0, writes = 0;

	do {
		bare_run(&coalesced->bare);
		writes += drain(coalesced->ring);
		exits++;
	} while (!is_done(coalesced->bare.run));
	ended = bench_now();
	check_sum(writes, exits);
	bench_samples_add(&coalesced->bare_exits, (double)exits);
	return (double)(ended - began) / 1000;
}

static double plain_arm(void *context)
{
	struct coalesced *coalesced = context;
	uint64_t began = bench_now();

	do
		bare_run(&coalesced->plain);
	while (!is_done(coalesced->plain.run));
	return (double)(bench_now() - began) / 1000;
}

static void create(struct bench *bench, struct coalesced *coalesced)
{
	struct bare_machine *bare = &coalesced->bare;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const struct kvm_coalesced_mmio_zone zone = {.addr = GUEST_PAGE, .size = (uint32_t)page};

	machine_create(bench, &guest_writes, false, &coalesced->keg);
	bench_need(keg_vm_coalesce_mmio(coalesced->keg.vm, GUEST_PAGE, page));
	keg_vcpu_set_coalesced_handler(coalesced->keg.vcpu, on_write, coalesced);
	bare_create(&bench->bare, &guest_writes, BARE_NO_IRQCHIP, bare);
	BARE_IOCTL(bare->vm, KVM_REGISTER_COALESCED_MMIO, &zone);
	coalesced->ring =
		(void *)((uint8_t *)bare->run + (size_t)bench->bare.coalesced_page * page);
	bare_create(&bench->bare, &guest_writes, BARE_NO_IRQCHIP, &coalesced->plain);
}

static void destroy(struct coalesced *coalesced)
{
	bare_destroy(&coalesced->plain);
	bare_destroy(&coalesced->bare);
	machine_destroy(&coalesced->keg);
}

/* Of the ring's entries one stays empty. When it is full, the next write exits, and empties it. */
static void judge_exits(struct bench *bench, struct coalesced *coalesced)
{
	const unsigned int full = GUEST_WRITES / ring_entries(); /* times that the ring is full */
	struct bench_row needed = {
		.what = "exits of 4,096 coalesced writes",
		.peer_name = "what the ring needs",
		.unit = "exits",
		.keg = coalesced->keg_exits,
		.floor = BENCH_AT_MOST,
		.limit = 1,
	};
	struct bench_row by_hand = {
		.what = "... the same",
		.peer_name = "bare ring",
		.unit = "exits",
		.peer = coalesced->bare_exits,
		.floor = BENCH_AT_MOST,
		.limit = 1,
	};

	bench_samples_add(&needed.peer, 1 + full);
	bench_samples_copy(&by_hand.keg, &needed.keg);
	bench_add(bench, &needed);
	bench_add(bench, &by_hand);
}

void bench_coalesced(struct bench *bench)
{
	struct bench_row times = {
		.what = "time of 4,096 coalesced writes", .peer_name = "bare ring", .unit = "us"};
	struct bench_row gain = {
		.what = "... the same", .peer_name = "bare, an exit each", .unit = "us"};
	struct coalesced coalesced = {.handed_out = 0};
	const struct bench_arm arms[] = {
		{keg_arm, &coalesced, &times.keg},
		{bare_arm, &coalesced, &times.peer},
		{plain_arm, &coalesced, &gain.peer},
	};

	if (!bench->bare.coalesced_page) {
		bench_skip(bench, "this KVM does not coalesce writes");
		return;
	}
	create(bench, &coalesced);
	bench_take_turns(arms, 3, 1, bench_rounds(bench, 25));
	destroy(&coalesced);
	judge_exits(bench, &coalesced);
	bench_samples_copy(&gain.keg, &times.keg);
	bench_add(bench, &times);
	bench_add(bench, &gain);
}
