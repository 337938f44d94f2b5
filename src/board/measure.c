/* SPDX-License-Identifier: MIT */
/* How fast guest kernel code runs here: the only way to know is to run some. */
#include "arch/arch.h"
#include "base/error.h"
#include "board/board.h"

enum {
	INSTRUCTIONS_A_ROUND = 2,
	MEMORY_BYTES = 1 << 20,
	MOST_MS = 10000,
	/* Emulation costs a factor of hundreds; nothing that runs natively costs this much. */
	EMULATED_FACTOR = 20,
	/* A host that is busy, or emulated itself, may leave the guest no time to run in. */
	MOST_TRIES = 5,
};

/* A machine that is only the loop. */
struct meter {
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_vcpu *vcpu;
};

static void meter_destroy(struct meter *meter)
{
	keg_vcpu_destroy(meter->vcpu);
	keg_mem_destroy(meter->mem);
	keg_vm_destroy(meter->vm);
}

static int meter_create(struct keg_host *host, int kick_signal, struct meter *meter)
{
	const struct keg_vm_config config = {.size = sizeof(config), .kick_signal = kick_signal};
	const struct keg_arch_loop loop = keg_arch_counting_loop();
	const struct keg_boot_config boot = {
		.size = sizeof(boot),
		.kind = KEG_IMAGE_FLAT,
		.mode = KEG_ENTRY_LONG,
		.image = loop.code,
		.image_bytes = loop.bytes,
		.load_address = keg_arch_memory_start(),
		.flags = KEG_BOOT_LOAD_ADDRESS,
	};
	struct keg_boot_entry entry;
	int rc = keg_vm_create(host, &config, &meter->vm);

	if (!rc)
		rc = keg_mem_create(meter->vm, &meter->mem);
	if (!rc)
		rc = keg_mem_add_ram(meter->mem, keg_arch_memory_start(), MEMORY_BYTES);
	if (!rc)
		rc = keg_boot_load(meter->mem, &boot, &entry);
	if (!rc)
		rc = keg_vcpu_create(meter->vm, NULL, &meter->vcpu);
	if (!rc)
		rc = keg_arch_init_vcpu(meter->vcpu, true, NULL);
	return rc ? rc : keg_boot_enter(meter->vcpu, &entry);
}

/* Runs the loop for `ns`, through whatever interrupts it. */
static int run_loop(struct meter *meter, uint64_t ns)
{
	uint64_t end = keg_board_now() + ns;

	for (;;) {
		uint64_t now = keg_board_now();
		struct keg_exit exit;
		char what[192];
		int rc;

		if (now >= end)
			return 0;
		rc = keg_vcpu_run_for(meter->vcpu, end - now, &exit);
		if (rc)
			return rc;
		if (exit.reason == KEG_EXIT_TIMEOUT || exit.reason == KEG_EXIT_INTR)
			continue;
		keg_exit_describe(&exit, what, sizeof(what));
		return keg_fail(EIO, "measuring guest code: unexpected exit: %s", what);
	}
}

static int measure_guest(struct meter *meter, uint64_t ns, double *mips)
{
	uint64_t before, after, began;
	int rc;

	/* The first entry pays for faults and page tables. */
	rc = run_loop(meter, ns / 10);
	if (!rc)
		rc = keg_arch_loop_count(meter->vcpu, &before);
	began = keg_board_now();
	if (!rc)
		rc = run_loop(meter, ns);
	if (!rc)
		rc = keg_arch_loop_count(meter->vcpu, &after);
	if (rc)
		return rc;
	*mips = (double)(after - before) * INSTRUCTIONS_A_ROUND * 1000 /
		(double)(keg_board_now() - began);
	return 0;
}

/* Doubles the rounds until they take long enough to be measured. */
static double measure_host(void)
{
	const uint64_t enough = 2000000;

	for (uint64_t rounds = 1 << 16;; rounds *= 2) {
		uint64_t began = keg_board_now(), took;

		keg_arch_host_loop(rounds);
		took = keg_board_now() - began;
		if (took >= enough)
			return (double)rounds * INSTRUCTIONS_A_ROUND * 1000 / (double)took;
	}
}

int keg_measure_guest_speed(
	struct keg_host *host, int kick_signal, uint32_t ms, struct keg_guest_speed *speed)
{
	struct meter meter = {0};
	int rc;

	if (ms == 0 || ms > MOST_MS)
		return keg_fail(EINVAL, "measuring for %u ms: must be 1 to %d", ms, MOST_MS);
	speed->native = false;
	rc = meter_create(host, kick_signal, &meter);
	for (int try = 0; !rc && !speed->native && try < MOST_TRIES; try++) {
		rc = measure_guest(&meter, (uint64_t)ms * 1000000, &speed->guest_mips);
		speed->host_mips = measure_host();
		speed->native = speed->guest_mips * EMULATED_FACTOR > speed->host_mips;
	}
	meter_destroy(&meter);
	return rc;
}
