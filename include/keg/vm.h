/* SPDX-License-Identifier: MIT */
/*
 * The machine: a container of memory, interrupts and vCPUs.
 *
 * A machine has two lives. First it is *declared*: the owner says what memory it has (mem.h) and
 * which interrupt controller (irq.h), and changes his mind as he likes; the kernel hears nothing of
 * it. Then it *starts*, when keg_vm_start() is called or the first vCPU is created, whichever comes
 * first: every region of memory is mapped exactly once, and then the interrupt controller is made,
 * in that order because a memory slot that is set after it can cost a hundred times as much.
 * Whatever is asked of a machine that has started is done at once.
 *
 * Threads: all functions here may be called from any thread at any time, except keg_vm_destroy().
 */
#ifndef KEG_VM_H
#define KEG_VM_H

#include <keg/host.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_vm;

/* An address in the guest's physical memory: never a pointer. */
typedef uint64_t keg_gpa;

/* A range of guest-physical addresses, [start, start + size). */
struct keg_gpa_range {
	keg_gpa start;
	uint64_t size; /* bytes */
};

/* How to make a machine. A NULL configuration makes a plain one. */
struct keg_vm_config {
	size_t size; /* sizeof(struct keg_vm_config) */
	/*
	 * The machine's type, as KVM_CREATE_VM takes it. x86: 0, or a KVM_X86_ VM type. arm64: the
	 * size of the guest-physical address space in bits (KVM_VM_TYPE_ARM_IPA_SIZE()), 0 for 40.
	 */
	unsigned long type;
	/*
	 * The signal that interrupts this machine's vCPUs, made ready with keg_kick_install(); 0
	 * if they will never be interrupted from outside (see keg_vcpu_kick()).
	 */
	int kick_signal;
	/*
	 * Entries of each vCPU's ring of dirty pages, a power of two; 0 for no ring. With it, dirty
	 * pages are reported through keg_vcpu_harvest_dirty() in place of the bitmap of a slot.
	 */
	uint32_t dirty_ring_entries;
};

/*
 * Makes a machine. *vm borrows the host, and is the caller's, to end with keg_vm_destroy(); NULL on
 * failure. KVM answers EINTR here when a signal comes, even a harmless one: it is retried.
 *
 * -EINVAL   the configuration is wrong, or KVM does not know the type
 * -ENOTSUP  a ring of dirty pages was asked for and KVM has none
 * -ENOMEM, -EMFILE, -ENFILE and what else KVM says
 */
KEG_API int keg_vm_create(
	struct keg_host *host, const struct keg_vm_config *config, struct keg_vm **vm);

/*
 * Ends a machine. NULL is allowed. Its vCPUs, devices and memory (keg_mem) must have been destroyed
 * before. In a child process after fork(), it only releases what the child holds.
 */
KEG_API void keg_vm_destroy(struct keg_vm *vm);

KEG_API int keg_vm_fd(const struct keg_vm *vm);
KEG_API struct keg_host *keg_vm_host(const struct keg_vm *vm);

/* Any ioctl on the machine: see keg_host_ioctl(). */
KEG_API int keg_vm_ioctl(struct keg_vm *vm, unsigned long request, uintptr_t arg);

/* What this machine says of an extension; the host's answer where KVM cannot ask a machine. */
KEG_API int keg_vm_check_extension(struct keg_vm *vm, int extension);

/* Turns an extension on. `args` has four words, or is NULL for zeros. -EINVAL if KVM refuses. */
KEG_API int keg_vm_enable_cap(
	struct keg_vm *vm, uint32_t cap, uint32_t flags, const uint64_t args[4]);

/*
 * Starts the machine, as the top of this file tells. Harmless when it has started already. Callers
 * on several threads all return when the start is complete. If it fails, the machine stays
 * declared, and a later start goes on where this one failed.
 */
KEG_API int keg_vm_start(struct keg_vm *vm);
KEG_API bool keg_vm_started(const struct keg_vm *vm);

/*
 * Hands out a vCPU id that this machine has not used: 0, 1, 2 … -ENOSPC when KVM has no more.
 * keg_vcpu_create() does this by itself; it is here for those who create vCPUs with
 * keg_vm_ioctl().
 */
KEG_API int keg_vm_alloc_vcpu_id(struct keg_vm *vm);

/* ---- Coalesced I/O ---- */

/*
 * Collects writes to [start, start + size) in a ring, without an exit each; keg_vcpu_run() hands
 * them out, in order, before the exit that follows them (see keg_vcpu_set_coalesced_handler()).
 * -EINVAL for no bytes, a wrap, or more than 2^32 - 1 bytes, the width of KVM's field.
 */
KEG_API int keg_vm_coalesce_mmio(struct keg_vm *vm, keg_gpa start, uint64_t size);
KEG_API int keg_vm_coalesce_mmio_range(struct keg_vm *vm, struct keg_gpa_range range);
KEG_API int keg_vm_uncoalesce_mmio(struct keg_vm *vm, keg_gpa start, uint64_t size);
KEG_API int keg_vm_uncoalesce_mmio_range(struct keg_vm *vm, struct keg_gpa_range range);

/* The same for ports, where KVM has KVM_CAP_COALESCED_PIO; else -ENOTSUP. */
KEG_API int keg_vm_coalesce_pio(struct keg_vm *vm, uint16_t port, uint32_t count);
KEG_API int keg_vm_uncoalesce_pio(struct keg_vm *vm, uint16_t port, uint32_t count);

/* ---- Clocks and statistics ---- */

/* kvmclock (x86 only: -ENOTSUP elsewhere). */
KEG_API int keg_vm_get_clock(struct keg_vm *vm, struct kvm_clock_data *clock);
KEG_API int keg_vm_set_clock(struct keg_vm *vm, const struct kvm_clock_data *clock);

/*
 * The rate of the time-stamp counter, in kHz, of vCPUs that are made from now on (x86 only).
 * Reading returns the rate. -ENOTSUP where KVM lacks KVM_CAP_VM_TSC_CONTROL or the host cannot
 * scale.
 */
KEG_API int keg_vm_get_tsc_khz(struct keg_vm *vm);
KEG_API int keg_vm_set_tsc_khz(struct keg_vm *vm, uint32_t khz);

/*
 * A new descriptor from which the machine's statistics are read (KVM API, "KVM_GET_STATS_FD"); the
 * caller closes it. -ENOTSUP where KVM has none.
 */
KEG_API int keg_vm_stats_fd(struct keg_vm *vm);

/* ---- x86: where KVM keeps pages of its own in the guest's memory ---- */

/* Three pages for a task state segment, and one for an identity map; below 4 GiB, page-aligned. */
KEG_API int keg_vm_set_tss_address(struct keg_vm *vm, keg_gpa address);
KEG_API int keg_vm_set_identity_map_address(struct keg_vm *vm, keg_gpa address);

#ifdef __cplusplus
}
#endif

#endif
