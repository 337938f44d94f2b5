/* SPDX-License-Identifier: MIT */
/* Boards: making one, running it until it powers off, and measuring a guest's speed. */
#include "base/error.h"
#include "fault/fault.h"

enum { MEMORY = 16 << 20 };

static int create(struct rig *rig, struct guest_code code, uint32_t cpus, bool statistics)
{
	const struct keg_boot_config boot = {
		.size = sizeof(boot),
		.kind = KEG_IMAGE_FLAT,
		.image = code.bytes,
		.image_bytes = code.size,
		.command_line = "quiet",
	};
	const struct keg_board_config config = {
		.size = sizeof(config),
		.memory_bytes = MEMORY,
		.cpus = cpus,
		.kick_signal = rig->kick_signal,
		.statistics = statistics,
		.boot = &boot,
	};

	return keg_board_create(rig->host, &config, &rig->board);
}

static int create_one(struct rig *rig)
{
	return create(rig, rig_power_off(), 1, false);
}

static int create_two(struct rig *rig)
{
	return create(rig, rig_power_off(), 2, true);
}

static int create_halting(struct rig *rig)
{
	return create(rig, rig_halt(), 1, false);
}

static int run_until(struct rig *rig, enum keg_end end)
{
	struct keg_board_result result;
	int rc = keg_board_run(rig->board, &result);

	if (!rc && result.end != end)
		return keg_fail(EPROTO, "the board ended otherwise: %s", result.message);
	return rc;
}

static int run(struct rig *rig)
{
	return run_until(rig, KEG_END_POWER_OFF);
}

static int run_until_halted(struct rig *rig)
{
	return run_until(rig, KEG_END_HALTED);
}

static int get_stats(struct rig *rig)
{
	struct keg_board_stats stats;

	keg_board_get_stats(rig->board, &stats);
	return 0;
}

static const struct fault_step board_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("create", create_one, 0),
	FAULT_STEP("run", run, FAULT_NOT_AGAIN),
	FAULT_STEP("statistics", get_stats, 0),
};

static const struct fault_step two_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("create", create_two, FAULT_SETUP),
	/* The first vCPU may power off before the second's thread cannot be made. */
	FAULT_STEP("run", run, FAULT_NOT_AGAIN | FAULT_FORGIVING),
	FAULT_STEP("statistics", get_stats, 0),
};

/* The watch notices that nothing goes on. */
static const struct fault_step halt_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("create", create_halting, FAULT_SETUP),
	/* It may have ended before its vCPU's last run fails. */
	FAULT_STEP("run", run_until_halted, FAULT_NOT_AGAIN | FAULT_FORGIVING),
};

static int measure(struct rig *rig)
{
	struct keg_guest_speed speed;

	return keg_measure_guest_speed(rig->host, rig->kick_signal, 1, &speed);
}

static const struct fault_step measure_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("measure", measure, 0),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("board", board_steps, .threads = true),
	FAULT_SCENARIO("two-cpus", two_steps, .threads = true),
	FAULT_SCENARIO("halted", halt_steps, .threads = true),
	FAULT_SCENARIO("measure", measure_steps, .threads = true, .brief = true),
};

const struct fault_suite fault_board = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
