/* SPDX-License-Identifier: MIT */
/*
 * A machine for one process: a KVM machine without interrupts, the page tables that its vCPUs use,
 * and the smallest CPL 0 there can be.
 *
 * CPL 0 is a page of two-byte instructions `out %al, $vector`, one for each exception, one for
 * SYSCALL, and an `iretq`. Every gate uses the interrupt stack table, so that an exception's
 * frame is always at the same place. keg sets registers and goes on at the `iretq`, or, where
 * SYSCALL leaves the processor at CPL 3, directly. Nothing there is writable from CPL 3, and
 * nothing that is read from there is trusted: the machine is the boundary.
 *
 * Two layouts. Strict: all of it supervisor-only, in the upper half. Open: some KVMs (those
 * that run guest kernels deprivileged) stay at CPL 3 on SYSCALL and jump to LSTAR; there the entry
 * is a user-readable page, the last of the lower half, whose one instruction stores to an address
 * without memory, which exits at any privilege level. A machine begins with the strict one, unless
 * the sandbox has seen before that it needs the open one, and changes over when the fetch at LSTAR
 * faults with the user bit set.
 *
 * Page tables are in guest memory, never mapped in the guest, and their entries are as hostile as
 * anything that is read from there: page numbers are checked at each use. A page that has been a
 * table stays one until the machine ends: shadow paging remembers what was a table, and does not
 * see keg's writes to it. So entries above the last level are set once and never changed.
 */
#ifndef KEG_USER_MACHINE_H
#define KEG_USER_MACHINE_H

#include <stdatomic.h>

#include <keg/host.h>
#include <keg/x86.h>

#include "user/pages.h"

#define KEG_USER_TOP                                                                               \
	0x7fffffffe000ull /* programs have what is below: a page less than under Linux */

/* ---- Machine and page tables ---- */

struct keg_machine;

enum {
	KEG_IDLE_MACHINES = 4, /* that are kept, at most */
};
enum keg_vcpu_moves {
	KEG_VCPUS_UNKNOWN,
	KEG_VCPUS_MOVE, /* from thread to thread at little cost */
	KEG_VCPUS_STAY,
};
enum keg_clock {
	KEG_CLOCK_UNKNOWN,
	KEG_CLOCK_TSC, /* the host's time-stamp counter, which machines may have as well */
	KEG_CLOCK_OTHER,
};

/* What the machines of a sandbox have in common, and learn from one another. Zero at first, but for
 * the signal. */
struct keg_machine_lore {
	int kick_signal;            /* for keg_cpu_kick(): keg_kick_install(); 0: none */
	_Atomic bool open_layout;   /* SYSCALL was seen to stay at CPL 3 */
	_Atomic bool strict_layout; /* it was seen to enter CPL 0 */
	_Atomic uint32_t vcpus;     /* enum keg_vcpu_moves */
	_Atomic uint32_t clock;     /* enum keg_clock: what the time is told by, in machines too */
	_Atomic uint32_t tsc_khz;   /* the time-stamp counter's rate; 0: no machine has it yet */
	_Atomic(struct keg_machine *) idle[KEG_IDLE_MACHINES];
};

/* Finds out what the host's kernel takes the time from. Any thread; what read(2) says */
int keg_tsc_find(struct keg_machine_lore *lore);

/* Ends the machines that are kept. Before the pages and the host end. */
void keg_machine_lore_fini(struct keg_machine_lore *lore);

/* Borrows all three. A machine that was destroyed may be used again. What KVM and keg_pages_take()
 * say */
int keg_machine_create(struct keg_host *host, struct keg_pages *pages,
	struct keg_machine_lore *lore, struct keg_machine **machine);
/* Ends the machine, its vCPUs and its tables; the pages that its tables lead to are the caller's.
 */
void keg_machine_destroy(struct keg_machine *machine);

/* Whether KVM may remember anything of the machine's page tables: not before a vCPU has run. */
bool keg_machine_has_run(const struct keg_machine *machine);

/* A page-table entry's bits, as the architecture has them (AMD64 APM volume 2, 5.4), and keg's own,
 * in those that are left to software. */
enum {
	KEG_PTE_PRESENT = 1 << 0,
	KEG_PTE_WRITE = 1 << 1,
	KEG_PTE_USER = 1 << 2,
	KEG_PTE_ACCESSED = 1 << 5,
	KEG_PTE_DIRTY = 1 << 6,
	KEG_PTE_LARGE = 1 << 7, /* in the level above the last: 2 MiB */
	KEG_PTE_COPY = 1 << 9,  /* copy before writing */
};
#define KEG_PTE_NO_EXECUTE (1ull << 63)

/*
 * Sets `count` entries from `at` on to pages from `first` on, with these bits; `at` is page aligned
 * and below KEG_USER_TOP. With KEG_PTE_LARGE count is a multiple of KEG_LARGE, and so are both
 * addresses. Covers the pages in the machine. An entry that was set and changes to less must be
 * forgotten by the caller (keg_pages_forget()). Present entries are marked as accessed. Where there
 * is a table already, a large page becomes entries of that. -EINVAL there is a large page in the
 * way: split it; -ENOMEM for tables, and what KVM says
 */
int keg_machine_map(
	struct keg_machine *machine, uint64_t at, keg_page first, uint32_t count, uint64_t bits);

/*
 * One entry as it is: its bits with the page number in place (entry >> 12 & 0xffffffff...); 0 if
 * there is none. For a large page the entry of that 4 KiB page in it is made up, with
 * KEG_PTE_LARGE. keg_machine_next() finds the first entry that is set in [at, end): its address, or
 * `end`.
 */
uint64_t keg_machine_entry(struct keg_machine *machine, uint64_t at);
uint64_t keg_machine_next(struct keg_machine *machine, uint64_t at, uint64_t end);
static inline keg_page keg_pte_page(uint64_t entry)
{
	return (keg_page)(entry >> KEG_PAGE_SHIFT & 0xffffffff);
}

/*
 * Replaces one entry (0 takes it away). -EINVAL it is within a large page: split it first, and all
 * others of the range, into 512 entries each that mean the same (-ENOMEM, and what KVM says).
 */
int keg_machine_set_entry(struct keg_machine *machine, uint64_t at, uint64_t entry);
int keg_machine_split(struct keg_machine *machine, uint64_t start, uint64_t end);

/* ---- Its vCPUs, one for each thread ---- */

/* A thread's registers, as the program sees them. */
struct keg_user_registers {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, fs_base, gs_base;
};

enum keg_cpu_event_type {
	KEG_CPU_SYSCALL,   /* registers are as SYSCALL had them: rcx, r11 hold rip and rflags */
	KEG_CPU_EXCEPTION, /* vector, error, and for 14 (page fault) the address */
	KEG_CPU_KICKED,    /* keg_cpu_kick(), or a signal of somebody else's */
	KEG_CPU_BROKEN,    /* an exit that this machine cannot have: the process has to end. The
			    * message says what it was */
};
struct keg_cpu_event {
	enum keg_cpu_event_type type;
	uint32_t vector;
	uint32_t error;
	uint64_t address;
};

struct keg_cpu {
	struct keg_user_registers regs; /* valid between runs; changes take effect at the next */
	struct keg_machine *machine;
	struct keg_vcpu *vcpu;
	uint32_t index;
	bool bases_changed; /* set by whoever changes fs_base or gs_base */
	bool at_user;       /* the vCPU is at CPL 3 already */
	uint64_t runs;      /* KVM_RUNs so far */
};

/* Takes a vCPU that a thread has given back, or makes one. -EAGAIN as many as can be are in use;
 * what keg_vcpu_create() says. Its registers are zero, its FPU as after a reset. */
int keg_cpu_create(struct keg_machine *machine, struct keg_cpu **cpu);
void keg_cpu_destroy(struct keg_cpu *cpu); /* gives it back to its machine */

/*
 * Runs the program at CPL 3 until it makes a system call, faults, or is kicked. One KVM_RUN each,
 * but when the layout changes over. 0 or what keg_vcpu_run() says: -EFAULT the host has no memory
 * any more behind a page.
 */
int keg_cpu_run(struct keg_cpu *cpu, struct keg_cpu_event *event);
void keg_cpu_kick(struct keg_cpu *cpu); /* any thread */

/* x87, SSE, AVX … as XSAVE lays it out, uncompacted (standard form): at most `size` bytes are
 * copied; the bytes that there are. For signal frames and fork. set: what does not stand up to
 * checking is -EINVAL. */
size_t keg_cpu_xstate_size(struct keg_machine *machine);
uint64_t keg_cpu_xstate_features(struct keg_machine *machine); /* XCR0 */
int keg_cpu_get_xstate(struct keg_cpu *cpu, void *to, size_t size);
int keg_cpu_set_xstate(struct keg_cpu *cpu, const void *from, size_t size);

#endif
