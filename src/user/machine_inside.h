/* SPDX-License-Identifier: MIT */
/* A process's machine, from within. */
#ifndef KEG_USER_MACHINE_INSIDE_H
#define KEG_USER_MACHINE_INSIDE_H

#include <pthread.h>
#include <sys/types.h>

#include "kvm/vcpu.h"
#include "user/machine.h"

/* Pages that were taken together for tables and the like. */
struct keg_page_run {
	keg_page first;
	uint32_t count;
};

struct keg_page_list {
	struct keg_page_run *runs;
	size_t count, room;
	struct keg_page_run spare; /* of the last run: not used yet */
};

/* Page tables, and the pages that they are made of. */
struct keg_tables {
	pthread_mutex_t lock;         /* for all that changes them but the last level's entries */
	keg_page root;                /* the table of level 4 */
	struct keg_page_list machine; /* for the root, the upper half's tables, and what is there */
	struct keg_page_list program; /* for the lower half's tables */
	bool split;      /* an entry that was set leads elsewhere: KVM has not been told */
	uint32_t chunks; /* keg_pages_cover() */
};

enum {
	KEG_CPUS_MOST = 480, /* of a machine */
	KEG_CPU_BYTES = 256, /* of CPL 0's memory for each: entry.c */
	KEG_CPUS_IN_PAGE = KEG_PAGE / KEG_CPU_BYTES,
};

struct keg_cpu_inside;
struct keg_leaves;

/* What the processor has, as far as programs are to use it. */
struct keg_cpu_features {
	uint64_t xcr0, cr4;
	size_t xstate_size; /* of XCR0's states, in standard form */
	size_t xsave_bytes; /* what KVM_SET_XSAVE takes */
	uint32_t address_bits;
	bool sets_xcr0; /* there is an XCR0 for KVM to set */
};

struct keg_machine {
	struct keg_host *host;
	struct keg_pages *pages;
	struct keg_machine_lore *lore;
	struct keg_vm *vm;
	struct keg_cpu_features features;
	struct keg_leaves *leaves; /* CPUID's, for vCPUs */
	bool local_apics;          /* KVM has one for each vCPU */
	/* Guest-physical pages, the highest two, where there never is memory: to store to, for an
	 * exit, and for a slot that comes and goes. */
	keg_gpa nowhere, passing;
	struct keg_tables tables;

	pthread_mutex_t lock;        /* for what follows */
	struct keg_cpu_inside *cpus; /* all that were made, the last one first */
	uint32_t cpu_count;
	keg_page cpu_pages[KEG_CPUS_MOST / KEG_CPUS_IN_PAGE]; /* TSS and stack of each */
	keg_page open_page;   /* the open layout's; 0: not needed yet */
	_Atomic bool broken;  /* not to be used again */
	_Atomic bool has_run; /* a vCPU has run since KVM was made to forget all of its tables */
};

struct keg_cpu_inside {
	struct keg_cpu cpu;
	struct keg_cpu_inside *next;
	bool idle;   /* given back */
	bool used;   /* has run since its state was that after a reset */
	bool open;   /* its LSTAR is the open layout's */
	bool kicked; /* to be reported by the next run */
	bool fresh;  /* has not run since keg_cpu_create() */
	pid_t tid;   /* of the thread that ran it last */
	/* As they were after the last run, or are to be before the next. */
	struct kvm_regs regs;
	struct kvm_sregs sregs;
};

static inline struct keg_cpu_inside *keg_cpu_inside(struct keg_cpu *cpu)
{
	return (struct keg_cpu_inside *)cpu;
}

/* ---- table_pages.c, tables.c ---- */

/* An empty root, and the end of all that was taken. machine->pages and ->vm are there. */
int keg_tables_init(struct keg_machine *machine);
void keg_tables_fini(struct keg_machine *machine);

/* A page of the machine's own, zeroed and reachable, that ends with its tables. */
int keg_tables_take(struct keg_machine *machine, keg_page *page);
int keg_tables_take_from(
	struct keg_machine *machine, struct keg_page_list *list, keg_page *page); /* lock held */

/* Empties the lower half; KVM must drop what it made of that before a vCPU runs again. */
void keg_tables_clear(struct keg_machine *machine);

/* One page anywhere, the upper half included; no memory has to be behind it. */
int keg_tables_map_page(struct keg_machine *machine, uint64_t at, keg_page page, uint64_t bits);

/*
 * Makes KVM drop every translation that it remembers of the machine, and what it made of every
 * table: it does so when any slot is taken away. Other threads' vCPUs may run (translations.c).
 */
int keg_machine_drop_translations(struct keg_machine *machine);

/* ---- entry.c: CPL 0, and where it is in the guest's address space ---- */

enum keg_selector {
	KEG_KERNEL_CS = 0x10,
	KEG_KERNEL_SS = 0x18,
	KEG_USER_SS = 0x2b,
	KEG_USER_CS = 0x33,
	KEG_TSS_SELECTOR = 0x40,
};
enum {
	KEG_VECTORS = 32,
	KEG_SYSCALL_PORT = 0x80, /* exceptions have their vectors' */
};

/* What the processor pushes onto the interrupt stack, and iretq takes from there. */
struct keg_frame {
	uint64_t rip, cs, rflags, rsp, ss;
};

int keg_entry_init(struct keg_machine *machine); /* the page, its tables, its place */
int keg_entry_add_cpu(struct keg_machine *machine, uint32_t index); /* machine->lock held */
/* The open layout's pages, once; and again after keg_tables_clear(). */
int keg_entry_open(struct keg_machine *machine);
int keg_entry_open_again(struct keg_machine *machine);

uint64_t keg_entry_stub(uint32_t vector);
uint64_t keg_entry_iretq(void);
uint64_t keg_entry_syscall(bool open);    /* LSTAR */
uint64_t keg_entry_after_store(void);     /* after the open layout's one instruction */
uint64_t keg_entry_nowhere(void);         /* where that stores to */
uint64_t keg_entry_stack(uint32_t index); /* where a frame without an error code begins */
/* The frame in memory; an error code is before it. NULL if there is none, which cannot be. */
struct keg_frame *keg_entry_frame(struct keg_machine *machine, uint32_t index);

/* Special registers at CPL 3, with the bases 0. */
void keg_entry_sregs(const struct keg_cpu_inside *inside, struct kvm_sregs *sregs);
/* cs and ss as programs have them. */
void keg_entry_user_segments(struct kvm_sregs *sregs);

/* ---- features.c ---- */

/* machine->features and ->leaves, for which there is room. */
int keg_features_find(struct keg_machine *machine);

/* ---- cpu_create.c ---- */

/* LSTAR's and the other registers' of SYSCALL, as `inside->open` says. */
int keg_cpu_set_syscall_msrs(struct keg_cpu_inside *inside);
void keg_cpus_fini(struct keg_machine *machine);
/* Before a vCPU's first run in a thread: what it costs KVM to move it. */
int keg_cpu_settle(struct keg_cpu_inside *inside);

/* ---- tsc.c ---- */

/* Gives a new vCPU the host's time-stamp counter, if that is of use. */
int keg_tsc_share(struct keg_cpu_inside *inside);

/* ---- machine_pool.c ---- */

/* NULL: there is none. */
struct keg_machine *keg_machine_take_idle(
	struct keg_host *host, struct keg_pages *pages, struct keg_machine_lore *lore);
/* Keeps it for use again; false if it is not fit for that, or there are enough. */
bool keg_machine_keep(struct keg_machine *machine);
void keg_machine_end(struct keg_machine *machine); /* machine.c: for good */

/* ---- cpu_event.c ---- */

/*
 * What an exit means: the event, with the program's own registers in place. inside->regs and
 * ->sregs are those after the run. *again: an exception is on its way: run on, and the event is not
 * one yet; on entry whether that was asked for by the last run already.
 */
int keg_cpu_decode(struct keg_cpu_inside *inside, const struct keg_exit *exit,
	struct keg_cpu_event *event, bool *again);
/* The same for a run that was interrupted. */
int keg_cpu_decode_interrupted(
	struct keg_cpu_inside *inside, struct keg_cpu_event *event, bool *again);

/* ---- xstate.c ---- */

int keg_cpu_reset_xstate(struct keg_cpu *cpu);

#endif
