/* SPDX-License-Identifier: MIT */
/*
 * What an exit means.
 *
 * A run may end by a kick anywhere, also where CPL 0 has begun and has not come to its exit. There
 * are two such places, and what is to be known is there already in both: at a stub, with the frame
 * on the stack, or at SYSCALL's entry, with rip in rcx: that is the event, as if the exit had come,
 * and the kick is reported by the next run. Before `iretq` the program's registers are those that
 * it was to return to: cpu->regs. At CPL 3 they are the vCPU's; but an exception that KVM has found
 * and the vCPU has not taken belongs to them, so the vCPU runs on until it has.
 *
 * Registers are judged by where the vCPU is, which no program can lie about: at CPL 0 there is
 * nothing but keg's own page. The open layout's entry is at CPL 3, and a program that jumps there
 * makes a system call, with whatever it has in rcx and r11.
 */
#include "user/machine_inside.h"

#include "base/error.h"

enum {
	UNDEFINED = 6,
	PAGE_FAULT = 14,
	/* A page fault's error code (AMD64 APM volume 2, 8.4.2) */
	FAULT_PRESENT = 1 << 0,
	FAULT_WRITE = 1 << 1,
	FAULT_USER = 1 << 2,
	FAULT_RESERVED = 1 << 3,
	FAULT_FETCH = 1 << 4,
	/* More than the parts that any access is cut into, which come one at a time. */
	ACCESS_PARTS = 64,
};

static bool at_user(const struct keg_cpu_inside *inside)
{
	return inside->sregs.cs.dpl == 3;
}

/* All registers that neither SYSCALL nor an exception changes. */
static void take_general(struct keg_cpu_inside *inside)
{
	const struct kvm_regs *from = &inside->regs;

	inside->cpu.regs = (struct keg_user_registers){
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
		.rflags = from->rflags,
		.fs_base = inside->sregs.fs.base,
		.gs_base = inside->sregs.gs.base,
	};
	inside->cpu.at_user = at_user(inside);
}

static int broken(const char *how, const struct keg_cpu_inside *inside, struct keg_cpu_event *event)
{
	atomic_store(&inside->cpu.machine->broken, true);
	keg_fail(EIO, "%s: rip 0x%llx, rsp 0x%llx, CPL %u", how,
		(unsigned long long)inside->regs.rip, (unsigned long long)inside->regs.rsp,
		(unsigned)inside->sregs.cs.dpl);
	*event = (struct keg_cpu_event){.type = KEG_CPU_BROKEN};
	return 0;
}

static int broken_by(const struct keg_exit *exit, const struct keg_cpu_inside *inside,
	struct keg_cpu_event *event)
{
	char text[160];

	keg_exit_describe(exit, text, sizeof(text));
	return broken(text, inside, event);
}

static int decode_syscall(struct keg_cpu_inside *inside, struct keg_cpu_event *event)
{
	take_general(inside);
	inside->cpu.regs.rip = inside->regs.rcx;
	inside->cpu.regs.rflags = inside->regs.r11;
	*event = (struct keg_cpu_event){.type = KEG_CPU_SYSCALL};
	return 0;
}

/*
 * The fetch at LSTAR that failed although SYSCALL has been executed: this KVM stayed at CPL 3 for
 * it. Or the program has jumped there, before it made a call: that it gets the open layout for it
 * does no harm, for that works everywhere. Once SYSCALL was seen to enter CPL 0 it is a fault.
 */
static bool needs_open(const struct keg_cpu_inside *inside, const struct keg_cpu_event *event)
{
	const uint32_t fetch = FAULT_USER | FAULT_FETCH;

	return !inside->open && !atomic_load(&inside->cpu.machine->lore->strict_layout) &&
	       event->vector == PAGE_FAULT && (event->error & fetch) == fetch &&
	       event->address == keg_entry_syscall(false) && inside->cpu.regs.rip == event->address;
}

static int go_open(struct keg_cpu_inside *inside, struct keg_cpu_event *event)
{
	int rc = keg_entry_open(inside->cpu.machine);

	if (rc)
		return rc;
	inside->open = true;
	rc = keg_cpu_set_syscall_msrs(inside);
	if (rc)
		return rc;
	/* The special registers change as well: those of the machine's that only strictness has. */
	keg_entry_sregs(inside, &inside->sregs);
	inside->cpu.bases_changed = true;
	inside->cpu.at_user = true;
	inside->cpu.regs.rip = inside->cpu.regs.rcx;
	inside->cpu.regs.rflags = inside->cpu.regs.r11;
	*event = (struct keg_cpu_event){.type = KEG_CPU_SYSCALL};
	return 0;
}

/* At a stub: rsp tells whether there is an error code in front of the frame. */
static int decode_exception(
	struct keg_cpu_inside *inside, uint32_t vector, struct keg_cpu_event *event)
{
	uint64_t stack = keg_entry_stack(inside->cpu.index);
	const struct keg_frame *frame = keg_entry_frame(inside->cpu.machine, inside->cpu.index);
	bool has_error = inside->regs.rsp == stack - sizeof(uint64_t);

	if (!frame || (inside->regs.rsp != stack && !has_error))
		return broken("an exception without a frame", inside, event);
	/* The selector's privilege level: there are KVMs that let `iretq` load others than keg's.
	 */
	if ((frame->cs & 3) != 3)
		return broken("an exception at CPL 0", inside, event);
	take_general(inside);
	inside->cpu.regs.rip = frame->rip;
	inside->cpu.regs.rsp = frame->rsp;
	inside->cpu.regs.rflags = frame->rflags;
	*event = (struct keg_cpu_event){.type = KEG_CPU_EXCEPTION, .vector = vector};
	if (has_error)
		event->error = (uint32_t)((const uint64_t *)frame)[-1];
	if (vector == PAGE_FAULT) {
		/* keg's entries have no reserved bits; a KVM's own, in their stead, may. */
		event->error &= ~(uint32_t)FAULT_RESERVED;
		event->address = inside->sregs.cr2;
	}
	return needs_open(inside, event) ? go_open(inside, event) : 0;
}

static int decode_io(
	struct keg_cpu_inside *inside, const struct keg_exit *exit, struct keg_cpu_event *event)
{
	const uint64_t bytes = 2; /* of an `out`, which KVM may or may not have passed by */
	uint64_t rip = inside->regs.rip;
	uint16_t port = exit->io.port;

	if (exit->io.write && !at_user(inside)) {
		uint64_t from =
			port < KEG_VECTORS ? keg_entry_stub(port) : keg_entry_syscall(false);

		if (rip == from || rip == from + bytes) {
			if (port < KEG_VECTORS)
				return decode_exception(inside, port, event);
			if (port == KEG_SYSCALL_PORT) {
				atomic_store(&inside->cpu.machine->lore->strict_layout, true);
				return decode_syscall(inside, event);
			}
		}
	}
	return broken_by(exit, inside, event);
}

/*
 * The program itself has touched the page that the open layout's entry stores to: a wild pointer.
 * What KVM still has to do for its instruction must be done before the registers are replaced, or
 * it would be done to others.
 */
static int decode_stray(
	struct keg_cpu_inside *inside, const struct keg_exit *exit, struct keg_cpu_event *event)
{
	struct keg_exit more = *exit;
	uint64_t address = keg_entry_nowhere() + exit->mmio.address % KEG_PAGE;
	uint32_t error = FAULT_USER | (exit->mmio.write ? FAULT_WRITE : 0);
	int rc = 1;

	for (int i = 0; i < ACCESS_PARTS && rc == 1; i++)
		rc = keg_vcpu_complete(inside->cpu.vcpu, &more);
	if (rc < 0)
		return rc;
	if (rc == 1)
		return broken_by(&more, inside, event);
	take_general(inside);
	*event = (struct keg_cpu_event){.type = KEG_CPU_EXCEPTION,
		.vector = PAGE_FAULT,
		.error = error,
		.address = address};
	return 0;
}

static int decode_mmio(
	struct keg_cpu_inside *inside, const struct keg_exit *exit, struct keg_cpu_event *event)
{
	const struct keg_machine *machine = inside->cpu.machine;
	uint64_t rip = inside->regs.rip;

	if (exit->mmio.address - machine->nowhere >= KEG_PAGE)
		return broken_by(exit, inside, event);
	if (rip == keg_entry_syscall(true) || rip == keg_entry_after_store())
		return decode_syscall(inside, event);
	return at_user(inside) ? decode_stray(inside, exit, event) : broken_by(exit, inside, event);
}

/* ---- Exceptions that KVM has found, and the vCPU has not taken ---- */

static int has_pending(struct keg_cpu_inside *inside, bool *pending)
{
	struct kvm_vcpu_events events;
	int rc = keg_vcpu_get_events(inside->cpu.vcpu, &events);

	*pending = !rc && (events.exception.injected || events.exception.pending);
	return rc;
}

/*
 * KVM has to emulate what touches a page without memory, and does not know all instructions: AVX's
 * to the page that the open layout's entry stores to, say. It may have an exception in store for
 * the program, which is then taken, but that must come of one more run: else it would go on so for
 * ever.
 */
static int decode_internal(struct keg_cpu_inside *inside, const struct keg_exit *exit,
	struct keg_cpu_event *event, bool *again)
{
	bool tried = *again;
	int rc;

	*again = false;
	if (tried || !at_user(inside) || exit->internal.suberror != KVM_INTERNAL_ERROR_EMULATION)
		return broken_by(exit, inside, event);
	rc = has_pending(inside, again);
	if (rc)
		return rc;
	take_general(inside);
	*event = (struct keg_cpu_event){.type = KEG_CPU_EXCEPTION, .vector = UNDEFINED};
	return 0;
}

int keg_cpu_decode(struct keg_cpu_inside *inside, const struct keg_exit *exit,
	struct keg_cpu_event *event, bool *again)
{
	if (exit->reason == KEG_EXIT_INTERNAL_ERROR)
		return decode_internal(inside, exit, event, again);
	*again = false;
	if (exit->reason == KEG_EXIT_MMIO)
		return decode_mmio(inside, exit, event);
	if (exit->reason == KEG_EXIT_IO)
		return decode_io(inside, exit, event);
	return broken_by(exit, inside, event);
}

/* ---- Interrupted ---- */

static int kicked_at_user(struct keg_cpu_inside *inside, struct keg_cpu_event *event, bool *again)
{
	int rc = has_pending(inside, again);

	if (rc)
		return rc;
	take_general(inside);
	inside->kicked = *again;
	*event = (struct keg_cpu_event){.type = KEG_CPU_KICKED};
	return 0;
}

static int kicked_at_entry(struct keg_cpu_inside *inside, struct keg_cpu_event *event)
{
	uint64_t rip = inside->regs.rip;

	if (rip == keg_entry_iretq()) {
		*event = (struct keg_cpu_event){.type = KEG_CPU_KICKED};
		return 0;
	}
	inside->kicked = true;
	if (rip == keg_entry_syscall(inside->open))
		return decode_syscall(inside, event);
	for (uint32_t i = 0; i < KEG_VECTORS; i++) {
		if (rip == keg_entry_stub(i))
			return decode_exception(inside, i, event);
	}
	return broken("a vCPU was interrupted where it cannot be", inside, event);
}

/* SYSCALL has been executed at CPL 3, and stayed there; that it cannot be fetched from LSTAR did
 * not come to be known. */
static bool is_before_open(struct keg_cpu_inside *inside)
{
	return at_user(inside) && !inside->open &&
	       !atomic_load(&inside->cpu.machine->lore->strict_layout) &&
	       inside->regs.rip == keg_entry_syscall(false);
}

/* Not if KVM knows it by now: the fault must be taken, or it would be taken later. */
static int kicked_before_open(
	struct keg_cpu_inside *inside, struct keg_cpu_event *event, bool *again)
{
	int rc = kicked_at_user(inside, event, again);

	if (rc || *again)
		return rc;
	inside->kicked = true;
	return go_open(inside, event);
}

int keg_cpu_decode_interrupted(
	struct keg_cpu_inside *inside, struct keg_cpu_event *event, bool *again)
{
	bool at_entry =
		!at_user(inside) || (inside->open && inside->regs.rip == keg_entry_syscall(true));

	if (is_before_open(inside))
		return kicked_before_open(inside, event, again);
	return at_entry ? kicked_at_entry(inside, event) : kicked_at_user(inside, event, again);
}
