/* SPDX-License-Identifier: MIT */
/*
 * A virtual CPU: running it, stopping it, and what all architectures know of its state.
 * The registers of x86-64 are in x86.h; those of arm64 are reached one by one, below.
 *
 * Threads: one thread at a time uses a vCPU, and it is best always the same (KVM is slow to move
 * one). keg_vcpu_kick() alone may be called from any thread, at any time until keg_vcpu_destroy().
 */
#ifndef KEG_VCPU_H
#define KEG_VCPU_H

#include <keg/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_vcpu;

enum keg_vcpu_flags {
	KEG_VCPU_WITH_ID = 1 << 0, /* `id` is the caller's choice */
};

/* How to make a vCPU. A NULL configuration takes the next id. */
struct keg_vcpu_config {
	size_t size;    /* sizeof(struct keg_vcpu_config) */
	uint32_t flags; /* of enum keg_vcpu_flags */
	uint32_t id;    /* with KEG_VCPU_WITH_ID: below keg_host_max_vcpu_id() */
};

/*
 * Makes a vCPU; if it is the machine's first, it starts the machine (vm.h). *vcpu borrows the
 * machine. KVM keeps a vCPU's id taken until the machine ends, even when the vCPU is destroyed.
 * -EEXIST the id is taken; -EINVAL the id is too large or the configuration wrong; -ENOSPC no id
 * or no vCPU is left; -ENOMEM; what keg_vm_start() and KVM say
 */
KEG_API int keg_vcpu_create(
	struct keg_vm *vm, const struct keg_vcpu_config *config, struct keg_vcpu **vcpu);

/* Ends a vCPU, which no thread may be running. NULL is allowed. */
KEG_API void keg_vcpu_destroy(struct keg_vcpu *vcpu);

KEG_API int keg_vcpu_fd(const struct keg_vcpu *vcpu);
KEG_API uint32_t keg_vcpu_id(const struct keg_vcpu *vcpu);
KEG_API struct keg_vm *keg_vcpu_vm(const struct keg_vcpu *vcpu);

/*
 * The area that the vCPU shares with the kernel. It is all here, whatever keg's typed exits leave
 * out. `immediate_exit`, `kvm_valid_regs` and `kvm_dirty_regs` are keg's to write.
 */
KEG_API struct kvm_run *keg_vcpu_kvm_run(struct keg_vcpu *vcpu);

/*
 * Any ioctl on the vCPU: see keg_host_ioctl(). Registers that keg holds back for the next run are
 * given to the kernel first, and read again afterwards. Not for KVM_RUN.
 */
KEG_API int keg_vcpu_ioctl(struct keg_vcpu *vcpu, unsigned long request, uintptr_t arg);

KEG_API int keg_vcpu_enable_cap(
	struct keg_vcpu *vcpu, uint32_t cap, uint32_t flags, const uint64_t args[4]);

/* ---- Running ---- */

/* Why a run ended. The values up to 255 are KVM's own (KVM_EXIT_), known to keg or not. */
enum keg_exit_reason {
	KEG_EXIT_UNKNOWN = KVM_EXIT_UNKNOWN, /* the hardware's reason is in hardware.reason */
	KEG_EXIT_EXCEPTION = KVM_EXIT_EXCEPTION,
	KEG_EXIT_IO = KVM_EXIT_IO,
	KEG_EXIT_HYPERCALL = KVM_EXIT_HYPERCALL,
	KEG_EXIT_DEBUG = KVM_EXIT_DEBUG,
	KEG_EXIT_HLT = KVM_EXIT_HLT,
	KEG_EXIT_MMIO = KVM_EXIT_MMIO,
	KEG_EXIT_IRQ_WINDOW_OPEN = KVM_EXIT_IRQ_WINDOW_OPEN,
	KEG_EXIT_SHUTDOWN = KVM_EXIT_SHUTDOWN,
	KEG_EXIT_FAIL_ENTRY = KVM_EXIT_FAIL_ENTRY,
	KEG_EXIT_INTR = KVM_EXIT_INTR, /* a signal that is not keg's was handled by this thread */
	KEG_EXIT_SET_TPR = KVM_EXIT_SET_TPR,
	KEG_EXIT_TPR_ACCESS = KVM_EXIT_TPR_ACCESS,
	KEG_EXIT_NMI = KVM_EXIT_NMI,
	KEG_EXIT_INTERNAL_ERROR = KVM_EXIT_INTERNAL_ERROR,
	KEG_EXIT_WATCHDOG = KVM_EXIT_WATCHDOG,
	KEG_EXIT_SYSTEM_EVENT = KVM_EXIT_SYSTEM_EVENT,
	KEG_EXIT_IOAPIC_EOI = KVM_EXIT_IOAPIC_EOI,
	KEG_EXIT_HYPERV = KVM_EXIT_HYPERV,
	KEG_EXIT_ARM_NISV = KVM_EXIT_ARM_NISV,
	KEG_EXIT_X86_RDMSR = KVM_EXIT_X86_RDMSR,
	KEG_EXIT_X86_WRMSR = KVM_EXIT_X86_WRMSR,
	KEG_EXIT_DIRTY_RING_FULL = KVM_EXIT_DIRTY_RING_FULL,
	KEG_EXIT_AP_RESET_HOLD = KVM_EXIT_AP_RESET_HOLD,
	KEG_EXIT_X86_BUS_LOCK = KVM_EXIT_X86_BUS_LOCK,
	KEG_EXIT_XEN = KVM_EXIT_XEN,
	KEG_EXIT_NOTIFY = KVM_EXIT_NOTIFY,
	KEG_EXIT_MEMORY_FAULT = 39, /* KVM_EXIT_MEMORY_FAULT, newer than some kernel headers */

	KEG_EXIT_KICKED = 256,  /* keg_vcpu_kick() */
	KEG_EXIT_TIMEOUT = 257, /* keg_vcpu_run_for(): the time is up */
	KEG_EXIT_STEPPED = 258, /* keg_vcpu_step(): all instructions were executed */
};

/*
 * An exit, typed. `data` pointers lead into the shared area and stand until the next run; what a
 * read is answered with is written there. The other reasons' details are in keg_vcpu_kvm_run(),
 * and so are those of reasons that keg does not know.
 */
struct keg_exit {
	uint32_t reason; /* enum keg_exit_reason, or a number that is newer than it */
	union {
		struct {
			uint16_t port;
			uint8_t bytes; /* 1, 2 or 4: of one item */
			bool write;
			uint32_t count; /* items, at `data` one after the other: a string
					   instruction */
			uint8_t *data;
		} io;
		struct {
			keg_gpa address;
			uint8_t bytes; /* 1 to 8 */
			bool write;
			uint8_t *data;
		} mmio;
		struct {
			uint64_t reason; /* UNKNOWN, FAIL_ENTRY: as the hardware gives it */
			uint32_t cpu;    /* FAIL_ENTRY: the host's CPU */
		} hardware;
		struct {
			uint32_t suberror; /* KVM_INTERNAL_ERROR_ */
			uint32_t count;    /* words in `data` */
			const uint64_t *data;
		} internal;
		struct {
			uint32_t exception;
			uint64_t pc;       /* x86: the linear address */
			uint64_t dr6, dr7; /* x86; arm64: the syndrome in dr6 */
		} debug;
		struct {
			uint64_t nr;
			const uint64_t *args; /* six */
			uint64_t *result;
		} hypercall;
		struct {
			uint32_t type; /* KVM_SYSTEM_EVENT_ */
			uint32_t count;
			const uint64_t *data;
		} system_event;
		struct {
			uint32_t index;
			uint32_t reason; /* KVM_MSR_EXIT_REASON_ */
			uint64_t *data;
			uint8_t *error; /* set to 1 to give the guest a general-protection fault */
		} msr;
		struct {
			uint64_t flags;
			keg_gpa address;
			uint64_t bytes;
		} memory_fault;
		struct {
			uint64_t syndrome;
			keg_gpa address;
		} nisv;
		struct {
			uint8_t vector;
		} eoi;
	};
};

/*
 * Runs the guest until it exits, and says why in *exit. What the guest does is never a failure:
 * failed entries, internal errors and reasons nobody knows are exits too, put in words by
 * keg_exit_describe(). Calls keg_vcpu_set_coalesced_handler()'s handler for writes collected
 * meanwhile, before it returns.
 *
 * -EINVAL  KVM refused registers that were set before; the message says which class
 * -EFAULT  the guest touched memory behind which the host has none any more
 * -EIO     the machine was made by another process: it does not survive fork(2)
 * and what KVM says
 */
KEG_API int keg_vcpu_run(struct keg_vcpu *vcpu, struct keg_exit *exit);

/*
 * As keg_vcpu_run(), for at most `ns` nanoseconds of real time, then KEG_EXIT_TIMEOUT. 0 only
 * completes what is pending. Needs the machine's kick signal: -ENOTSUP without one.
 */
KEG_API int keg_vcpu_run_for(struct keg_vcpu *vcpu, uint64_t ns, struct keg_exit *exit);

/*
 * Executes at most `count` instructions; KEG_EXIT_STEPPED when all are done, and any other exit,
 * with the rest of the count in *left (may be NULL), as soon as it comes. The debug settings of
 * keg_vcpu_set_guest_debug() are put back. -ENOTSUP where KVM cannot step.
 */
KEG_API int keg_vcpu_step(
	struct keg_vcpu *vcpu, uint32_t count, uint32_t *left, struct keg_exit *exit);

/*
 * Finishes the instruction whose port or memory read the last exit asked for, without running
 * further: do it before registers are changed or saved. Harmless when there is none. Returns 0 when
 * it is finished, and 1 when it asks for another part first, which is in *exit.
 */
KEG_API int keg_vcpu_complete(struct keg_vcpu *vcpu, struct keg_exit *exit);

/*
 * Makes the run that is going on, or the next one, return KEG_EXIT_KICKED, once: kicks that come
 * before it has returned count as one. Any thread. Without a kick signal only the next run is
 * reached, and a guest that is running is not interrupted. -ENOTSUP the machine has no kick signal
 * (the next run will still return)
 */
KEG_API int keg_vcpu_kick(struct keg_vcpu *vcpu);

/*
 * Gives the signal `signo` to keg, for the whole process: installs a handler that does next to
 * nothing. Once, before machines are made with it (struct keg_vm_config). A real-time signal
 * such as SIGRTMIN is best. It must not be blocked in the threads that run vCPUs. -EBUSY the
 * program has a handler for it; -EINVAL no such signal
 */
KEG_API int keg_kick_install(int signo);

/*
 * An exit in words, for people: "port write of 1 byte at 0x3f8", "KVM internal error 1: …". Writes
 * at most `size` bytes, a terminating 0 included, and returns the text's length: `size` or more if
 * it was cut.
 */
KEG_API int keg_exit_describe(const struct keg_exit *exit, char *text, size_t size);

/* The name of a reason: "io", "mmio", "kicked" …; NULL if keg does not know it. */
KEG_API const char *keg_exit_name(uint32_t reason);

/* A write that was collected without an exit (keg_vm_coalesce_mmio()). `data` is a copy. */
struct keg_coalesced_write {
	bool pio;
	keg_gpa address; /* or a port */
	uint8_t bytes;   /* 1 to 8 */
	uint8_t data[8];
};
typedef void keg_coalesced_handler(void *context, const struct keg_coalesced_write *write);

/*
 * Who gets collected writes, in order, in the thread that runs this vCPU. KVM's ring is the whole
 * machine's: any vCPU may hand out the writes of all; keg lets one at a time, so a handler
 * must not run a vCPU of this machine or drain the ring. NULL leaves them in
 * the ring.
 */
KEG_API void keg_vcpu_set_coalesced_handler(
	struct keg_vcpu *vcpu, keg_coalesced_handler *handler, void *context);

/* Hands out what the ring holds now. Returns how many writes that were, or -ENOTSUP without a ring.
 */
KEG_API int keg_vcpu_drain_coalesced(struct keg_vcpu *vcpu);

/* ---- Interrupts ---- */

/* Queues a non-maskable interrupt (x86). */
KEG_API int keg_vcpu_nmi(struct keg_vcpu *vcpu);

/* Queues a system-management interrupt (x86). -ENOTSUP where KVM has no KVM_CAP_X86_SMM. */
KEG_API int keg_vcpu_smi(struct keg_vcpu *vcpu);

/*
 * Injects external interrupt `vector` in a machine without an interrupt controller in the kernel
 * (x86). -ENXIO there is one; -EAGAIN the vCPU cannot take it yet: ask for the window; -EEXIST one
 * is queued already
 */
KEG_API int keg_vcpu_interrupt(struct keg_vcpu *vcpu, uint8_t vector);

/* Asks for KEG_EXIT_IRQ_WINDOW_OPEN as soon as the vCPU can take an interrupt, or no longer (x86).
 */
KEG_API void keg_vcpu_request_irq_window(struct keg_vcpu *vcpu, bool wanted);

/* Whether keg_vcpu_interrupt() would be taken now, as the last exit left it (x86). */
KEG_API bool keg_vcpu_ready_for_interrupt(const struct keg_vcpu *vcpu);

/*
 * The signals that are blocked while the guest runs, in place of the thread's own
 * (KVM_SET_SIGNAL_MASK); NULL for the thread's own. KVM takes a lock on each run while this is set:
 * kicks do not need it. `mask` is a const sigset_t *.
 */
KEG_API int keg_vcpu_set_signal_mask(struct keg_vcpu *vcpu, const void *mask);

/* ---- State that all architectures have ---- */

KEG_API int keg_vcpu_get_mp_state(struct keg_vcpu *vcpu, uint32_t *state); /* KVM_MP_STATE_ */
KEG_API int keg_vcpu_set_mp_state(struct keg_vcpu *vcpu, uint32_t state);
KEG_API int keg_vcpu_get_events(struct keg_vcpu *vcpu, struct kvm_vcpu_events *events);
KEG_API int keg_vcpu_set_events(struct keg_vcpu *vcpu, const struct kvm_vcpu_events *events);
KEG_API int keg_vcpu_set_guest_debug(struct keg_vcpu *vcpu, const struct kvm_guest_debug *debug);

/*
 * One register, by its KVM_REG_ id, which holds its width: `bytes` must be that width (1 to 256).
 * -ENOENT no such register; -EINVAL a wrong width; -ENOTSUP KVM has no KVM_CAP_ONE_REG
 */
KEG_API int keg_vcpu_get_one_reg(struct keg_vcpu *vcpu, uint64_t id, void *value, size_t bytes);
KEG_API int keg_vcpu_set_one_reg(
	struct keg_vcpu *vcpu, uint64_t id, const void *value, size_t bytes);

/* The ids of all registers; *count as in keg_host_copy_supported_msrs(). -E2BIG, -ENOTSUP */
KEG_API int keg_vcpu_list_regs(struct keg_vcpu *vcpu, uint64_t *ids, size_t *count);

/* ---- The ring of dirty pages ---- */

/* A page that the guest has written. */
struct keg_dirty_page {
	uint32_t slot;   /* the slot's number */
	uint64_t offset; /* the page's index in the slot */
};
typedef void keg_dirty_handler(void *context, const struct keg_dirty_page *page);

/*
 * Hands out the pages in this vCPU's ring and gives their entries back; they are protected again
 * when keg_vm_reset_dirty_rings() is called. Returns how many there were. Only while the vCPU does
 * not run, or from its own thread. -ENOTSUP the machine has no ring
 */
KEG_API int keg_vcpu_harvest_dirty(
	struct keg_vcpu *vcpu, keg_dirty_handler *handler, void *context);

/* Protects all harvested pages of the machine again. Returns how many. */
KEG_API int keg_vm_reset_dirty_rings(struct keg_vm *vm);

#ifdef __cplusplus
}
#endif

#endif
