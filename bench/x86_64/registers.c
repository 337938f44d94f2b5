/* SPDX-License-Identifier: MIT */
/*
 * An exit whose general registers are read and written: by keg, through the shared area by hand,
 * and with KVM_GET_REGS and KVM_SET_REGS.
 */
#include <keg/x86.h>

#include "machine.h"
#include "user_call.h"

/* Few exits a measurement: most are not disturbed even on a busy host. */
enum { EXITS = 16, MACHINES = 64 };

const bool bench_irqchip_in_any_order = true;

struct registers {
	struct machine keg;
	struct bare_machine shared, system_calls;
};

static void by_keg(struct registers *registers)
{
	struct kvm_regs regs;

	machine_run(&registers->keg);
	bench_need(keg_vcpu_get_regs(registers->keg.vcpu, &regs));
	regs.rax++;
	bench_need(keg_vcpu_set_regs(registers->keg.vcpu, &regs));
}

static void by_shared_area(struct registers *registers)
{
	struct bare_machine *machine = &registers->shared;
	struct kvm_regs regs;

	machine->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	bare_run(machine);
	regs = machine->run->s.regs.regs;
	regs.rax++;
	machine->run->s.regs.regs = regs;
	machine->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

static void by_system_calls(struct registers *registers)
{
	struct bare_machine *machine = &registers->system_calls;
	struct kvm_regs regs;

	bare_run(machine);
	BARE_IOCTL(machine->vcpu, KVM_GET_REGS, &regs);
	regs.rax++;
	BARE_IOCTL(machine->vcpu, KVM_SET_REGS, &regs);
}

/* The first exit brings the machine back into the processor's caches, and is not measured. */
static inline double measure(void (*once)(struct registers *registers), struct registers *registers)
{
	uint64_t began;

	once(registers);
	began = bench_now();
	for (int i = 0; i < EXITS; i++)
		once(registers);
	return (double)(bench_now() - began) / EXITS;
}

static double keg_arm(void *context)
{
	return measure(by_keg, context);
}

static double shared_arm(void *context)
{
	return measure(by_shared_area, context);
}

static double system_calls_arm(void *context)
{
	return measure(by_system_calls, context);
}

static void compare(struct bench *bench, struct bench_row *shared, struct bench_row *system_calls)
{
	unsigned int machines = bench->quick ? 1 : MACHINES;
	uint64_t began = bench_now();
	struct registers registers;
	const struct bench_arm arms[] = {
		{keg_arm, &registers, &shared->keg},
		{shared_arm, &registers, &shared->peer},
		{system_calls_arm, &registers, &system_calls->peer},
	};

	for (unsigned int i = 0; i < machines && !(i && bench_long_enough(began)); i++) {
		machine_create(bench, &guest_exits, false, &registers.keg);
		bare_create(&bench->bare, &guest_exits, BARE_NO_IRQCHIP, &registers.shared);
		bare_create(&bench->bare, &guest_exits, BARE_NO_IRQCHIP, &registers.system_calls);
		bench_take_turns(arms, 3, 2, bench_rounds(bench, 25));
		bare_destroy(&registers.system_calls);
		bare_destroy(&registers.shared);
		machine_destroy(&registers.keg);
	}
}

static void bench_registers(struct bench *bench)
{
	struct bench_row shared = {
		.what = "an exit, registers read and written",
		.peer_name = "bare SYNC_REGS loop",
		.unit = "ns",
		.floor = BENCH_AT_MOST,
		.limit = 1.05,
	};
	struct bench_row system_calls = {
		.what = "... the same",
		.peer_name = "bare GET + SET",
		.unit = "ns",
		.floor = BENCH_AT_LEAST,
		.limit = 1.5,
	};

	if (!(bench->bare.sync_regs & (int)KVM_SYNC_X86_REGS)) {
		shared.moot = "this KVM has no KVM_CAP_SYNC_REGS";
		system_calls.moot = shared.moot;
	}
	compare(bench, &shared, &system_calls);
	bench_samples_copy(&system_calls.keg, &shared.keg);
	bench_add(bench, &shared);
	bench_add(bench, &system_calls);
}

const struct bench_entry bench_arch_entries[] = {
	{"registers", "an exit whose general registers are read and written", bench_registers},
	{"user-call", "a call of a sandboxed program's function, and a reset", bench_user_call},
	{"user-syscall", "a sandboxed program's system call, and a bare exit", bench_user_syscall},
	{0},
};
