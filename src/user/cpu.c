/* SPDX-License-Identifier: MIT */
/*
 * Running a program: one KVM_RUN from the program's registers to its next system call or fault.
 *
 * Between runs, cpu->regs is the truth. A run begins by putting it where the vCPU goes on from:
 * at CPL 3 directly; from CPL 0 through `iretq`, or, in the open layout, where CPL 0 is emulated
 * and an instruction there is dear, by setting the segments as well.
 */
#include "user/machine_inside.h"

#include <string.h>

#include "base/error.h"

enum {
	RFLAGS_FIXED = 1 << 1,
	RFLAGS_IF = 1 << 9,
	/* What a program may set: CF, PF, AF, ZF, SF, TF, DF, OF, RF, AC, as Linux lets sigreturn,
	 * and ID. */
	RFLAGS_PROGRAM = 0x50dd5 | 1 << 21,

	GENERAL_PROTECTION = 13,
	PAGE_FAULT = 14,
	FETCH_AT_USER = 0x14, /* a page fault's error code: nothing there; by a fetch, at CPL 3 */
};

static void copy_general(struct kvm_regs *to, const struct keg_user_registers *from)
{
	*to = (struct kvm_regs){
		.rax = from->rax,
		.rbx = from->rbx,
		.rcx = from->rcx,
		.rdx = from->rdx,
		.rsi = from->rsi,
		.rdi = from->rdi,
		.rsp = from->rsp,
		.rbp = from->rbp,
		.r8 = from->r8,
		.r9 = from->r9,
		.r10 = from->r10,
		.r11 = from->r11,
		.r12 = from->r12,
		.r13 = from->r13,
		.r14 = from->r14,
		.r15 = from->r15,
		.rip = from->rip,
		.rflags = (from->rflags & RFLAGS_PROGRAM) | RFLAGS_FIXED | RFLAGS_IF,
	};
}

/* Leads through `iretq`: registers for CPL 0, and the frame that it takes. */
static int prepare_return(struct keg_cpu_inside *inside)
{
	struct keg_frame *frame = keg_entry_frame(inside->cpu.machine, inside->cpu.index);

	if (!frame)
		return keg_fail(EFAULT, "vCPU %u's page is not there", inside->cpu.index);
	*frame = (struct keg_frame){
		.rip = inside->regs.rip,
		.cs = KEG_USER_CS,
		.rflags = inside->regs.rflags,
		.rsp = inside->regs.rsp,
		.ss = KEG_USER_SS,
	};
	inside->regs.rip = keg_entry_iretq();
	inside->regs.rsp = keg_entry_stack(inside->cpu.index);
	inside->regs.rflags = RFLAGS_FIXED;
	return 0;
}

/* The program's registers into the vCPU's, for the next run. */
static int prepare(struct keg_cpu_inside *inside)
{
	struct keg_cpu *cpu = &inside->cpu;
	bool set_special = cpu->bases_changed;
	int rc = 0;

	copy_general(&inside->regs, &cpu->regs);
	if (!cpu->at_user && inside->open) {
		keg_entry_user_segments(&inside->sregs);
		cpu->at_user = set_special = true;
	} else if (!cpu->at_user) {
		rc = prepare_return(inside);
	}
	if (!rc)
		rc = keg_vcpu_set_regs(cpu->vcpu, &inside->regs);
	if (rc || !set_special)
		return rc;
	inside->sregs.fs.base = cpu->regs.fs_base;
	inside->sregs.gs.base = cpu->regs.gs_base;
	rc = keg_vcpu_set_sregs(cpu->vcpu, &inside->sregs);
	cpu->bases_changed = rc != 0;
	return rc;
}

/* An address that the processor would not take in rip: as if the program had gone there. */
static bool cannot_go(const struct keg_cpu *cpu, struct keg_cpu_event *event)
{
	uint64_t high = cpu->regs.rip >> 47;

	if (!high)
		return false;
	*event = (struct keg_cpu_event){.type = KEG_CPU_EXCEPTION, .vector = GENERAL_PROTECTION};
	if (high == UINT64_MAX >> 47) {
		event->vector = PAGE_FAULT;
		event->error = FETCH_AT_USER;
		event->address = cpu->regs.rip;
	}
	return true;
}

static bool canonical(uint64_t address)
{
	uint64_t high = address >> 47;

	return high == 0 || high == UINT64_MAX >> 47;
}

static int read_registers(struct keg_cpu_inside *inside)
{
	int rc = keg_vcpu_get_regs(inside->cpu.vcpu, &inside->regs);

	return rc ? rc : keg_vcpu_get_sregs(inside->cpu.vcpu, &inside->sregs);
}

/* One KVM_RUN and what it came to; *again as in keg_cpu_decode(). */
static int run_once(struct keg_cpu_inside *inside, struct keg_cpu_event *event, bool *again)
{
	struct keg_exit exit;
	int rc = keg_vcpu_run(inside->cpu.vcpu, &exit);
	int read;

	inside->cpu.runs++;
	if (rc && rc != -EFAULT)
		return rc;
	read = read_registers(inside);
	if (read)
		return read;
	if (!rc && exit.reason != KEG_EXIT_KICKED && exit.reason != KEG_EXIT_INTR)
		return keg_cpu_decode(inside, &exit, event, again);
	read = keg_cpu_decode_interrupted(inside, event, again);
	return rc ? rc : read;
}

int keg_cpu_run(struct keg_cpu *cpu, struct keg_cpu_event *event)
{
	struct keg_cpu_inside *inside = keg_cpu_inside(cpu);
	bool again = false;
	int rc;

	if (inside->kicked) {
		inside->kicked = false;
		*event = (struct keg_cpu_event){.type = KEG_CPU_KICKED};
		return 0;
	}
	if (cannot_go(cpu, event))
		return 0;
	if (!canonical(cpu->regs.fs_base) || !canonical(cpu->regs.gs_base))
		return keg_fail(EINVAL, "a segment's base is no address");
	rc = inside->fresh ? keg_cpu_settle(inside) : 0;
	inside->used = true;
	if (!atomic_load_explicit(&cpu->machine->has_run, memory_order_relaxed))
		atomic_store(&cpu->machine->has_run, true);
	if (!rc)
		rc = prepare(inside);
	do
		rc = rc ? rc : run_once(inside, event, &again);
	while (!rc && again);
	return rc;
}

void keg_cpu_kick(struct keg_cpu *cpu)
{
	/* Without a signal it is said so where the signal is set up: here nobody could tell. */
	(void)keg_vcpu_kick(cpu->vcpu);
}
