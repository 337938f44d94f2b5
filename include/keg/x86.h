/* SPDX-License-Identifier: MIT */
/*
 * What only x86-64 has: CPUID, MSRs, and a vCPU's registers. The structures are the kernel's own
 * (<asm/kvm.h>), documented in the KVM API.
 *
 * General and special registers and events go through the area shared with the kernel where KVM
 * offers it (KVM_CAP_SYNC_REGS): reading one after an exit, and setting it before a run, then cost
 * no system call. keg notices which of them a program reads, and asks the kernel for those only.
 *
 * Threads: as vcpu.h and host.h say. Available in the x86-64 library only.
 */
#ifndef KEG_X86_H
#define KEG_X86_H

#include <keg/mem.h>
#include <keg/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- What the host supports ---- */

/* A list that the host keeps until it is destroyed. Not to be changed. */
struct keg_cpuid_view {
	const struct kvm_cpuid_entry2 *entries;
	size_t count;
};
struct keg_msr_view {
	const uint32_t *indices;
	size_t count;
};

/*
 * The CPUID leaves that the hardware and KVM support, the emulated ones that KVM answers where the
 * hardware does not, the MSRs that a vCPU saves and restores, and the MSRs that describe features
 * of the host. The first call asks the kernel (two ioctls at most), later ones answer from the
 * cache.
 *
 * -ENOTSUP  KVM lacks it;  -ENOMEM;  and what the ioctl says
 */
KEG_API int keg_host_supported_cpuid(struct keg_host *host, struct keg_cpuid_view *view);
KEG_API int keg_host_emulated_cpuid(struct keg_host *host, struct keg_cpuid_view *view);
KEG_API int keg_host_supported_msrs(struct keg_host *host, struct keg_msr_view *view);
KEG_API int keg_host_feature_msrs(struct keg_host *host, struct keg_msr_view *view);

/*
 * The same lists copied into the caller's array. On entry *count is how many entries fit, on return
 * how many there are. -E2BIG if they do not fit: *count says how many are needed, and nothing was
 * written to the array.
 */
KEG_API int keg_host_copy_supported_cpuid(
	struct keg_host *host, struct kvm_cpuid_entry2 *entries, size_t *count);
KEG_API int keg_host_copy_supported_msrs(struct keg_host *host, uint32_t *indices, size_t *count);

/* Reads one of keg_host_feature_msrs(). -EINVAL if KVM refuses that MSR. */
KEG_API int keg_host_read_feature_msr(struct keg_host *host, uint32_t index, uint64_t *value);

/* ---- Features by name ---- */

/* A bit of what CPUID answers. */
enum keg_x86_register {
	KEG_X86_EAX,
	KEG_X86_EBX,
	KEG_X86_ECX,
	KEG_X86_EDX,
};
struct keg_x86_feature {
	uint32_t function, index; /* the leaf and its subleaf */
	enum keg_x86_register where;
	uint32_t bit; /* 0 to 31 */
};

/* The name that Linux has for a bit in /proc/cpuinfo; NULL if it has none. Any thread. */
KEG_API const char *keg_x86_feature_name(const struct keg_x86_feature *feature);

/* The bit that has this name. -ENOENT none has: the message tells the nearest names */
KEG_API int keg_x86_find_feature(const char *name, struct keg_x86_feature *feature);

/* Bit 0 of the `n`-th register some of whose bits have names. -ENOENT after the last */
KEG_API int keg_x86_feature_register(size_t n, struct keg_x86_feature *first);

/* ---- The controllers in the kernel ---- */

/* `chip->chip_id` says which: KVM_IRQCHIP_PIC_MASTER, _PIC_SLAVE or _IOAPIC. */
KEG_API int keg_vm_get_irqchip(struct keg_vm *vm, struct kvm_irqchip *chip);
KEG_API int keg_vm_set_irqchip(struct keg_vm *vm, const struct kvm_irqchip *chip);
KEG_API int keg_vm_get_pit(struct keg_vm *vm, struct kvm_pit_state2 *pit);
KEG_API int keg_vm_set_pit(struct keg_vm *vm, const struct kvm_pit_state2 *pit);

/* ---- A vCPU's state ---- */

KEG_API int keg_vcpu_get_regs(struct keg_vcpu *vcpu, struct kvm_regs *regs);
KEG_API int keg_vcpu_set_regs(struct keg_vcpu *vcpu, const struct kvm_regs *regs);

/*
 * Special registers: segments, descriptor tables, control registers, EFER, the local APIC's base.
 * What KVM finds wrong with them may show only when the vCPU runs: -EINVAL from keg_vcpu_run().
 */
KEG_API int keg_vcpu_get_sregs(struct keg_vcpu *vcpu, struct kvm_sregs *sregs);
KEG_API int keg_vcpu_set_sregs(struct keg_vcpu *vcpu, const struct kvm_sregs *sregs);

KEG_API int keg_vcpu_get_fpu(struct keg_vcpu *vcpu, struct kvm_fpu *fpu);
KEG_API int keg_vcpu_set_fpu(struct keg_vcpu *vcpu, const struct kvm_fpu *fpu);

/*
 * The XSAVE area, however large it is on this machine (KVM_CAP_XSAVE2). keg_vcpu_xsave_size() is
 * what both take; -E2BIG for a smaller buffer to read into, -EINVAL for another size to set.
 */
KEG_API int keg_vcpu_xsave_size(struct keg_vcpu *vcpu);
KEG_API int keg_vcpu_get_xsave(struct keg_vcpu *vcpu, void *area, size_t bytes);
KEG_API int keg_vcpu_set_xsave(struct keg_vcpu *vcpu, const void *area, size_t bytes);

KEG_API int keg_vcpu_get_xcrs(struct keg_vcpu *vcpu, struct kvm_xcrs *xcrs);
KEG_API int keg_vcpu_set_xcrs(struct keg_vcpu *vcpu, const struct kvm_xcrs *xcrs);
KEG_API int keg_vcpu_get_debug_regs(struct keg_vcpu *vcpu, struct kvm_debugregs *regs);
KEG_API int keg_vcpu_set_debug_regs(struct keg_vcpu *vcpu, const struct kvm_debugregs *regs);
KEG_API int keg_vcpu_get_lapic(struct keg_vcpu *vcpu, struct kvm_lapic_state *lapic);
KEG_API int keg_vcpu_set_lapic(struct keg_vcpu *vcpu, const struct kvm_lapic_state *lapic);

/*
 * Reads or writes `count` MSRs; the indices are in `entries`. KVM stops at the first that it
 * refuses, and so do these: -EPERM, with its index in the message; the entries before it have been
 * transferred.
 */
KEG_API int keg_vcpu_get_msrs(struct keg_vcpu *vcpu, struct kvm_msr_entry *entries, size_t count);
KEG_API int keg_vcpu_set_msrs(
	struct keg_vcpu *vcpu, const struct kvm_msr_entry *entries, size_t count);

/*
 * What the guest's CPUID answers; to be set before the first run. -E2BIG too many leaves for KVM;
 * -EINVAL KVM refuses them. keg_vcpu_get_cpuid(): *count as in keg_host_copy_supported_cpuid().
 */
KEG_API int keg_vcpu_set_cpuid(
	struct keg_vcpu *vcpu, const struct kvm_cpuid_entry2 *entries, size_t count);
KEG_API int keg_vcpu_get_cpuid(
	struct keg_vcpu *vcpu, struct kvm_cpuid_entry2 *entries, size_t *count);

/* The rate of this vCPU's time-stamp counter in kHz. -ENOTSUP where the host cannot scale it. */
KEG_API int keg_vcpu_get_tsc_khz(struct keg_vcpu *vcpu);
KEG_API int keg_vcpu_set_tsc_khz(struct keg_vcpu *vcpu, uint32_t khz);

/*
 * Where a linear address leads now. `translation->linear_address` is the question. Returns 1 if it
 * is mapped and 0 if not.
 */
KEG_API int keg_vcpu_translate(struct keg_vcpu *vcpu, struct kvm_translation *translation);

/* ---- Ready-made states ---- */

/*
 * Writes page tables at `table` (page-aligned) that map the first `bytes` (1 byte to 512 GiB) of
 * linear addresses to the same physical ones, in 2 MiB pages, user-accessible and writable. Returns
 * how many bytes of tables there are (keg_x86_identity_map_size() tells beforehand). -EINVAL, and
 * errors as keg_mem_write()
 */
KEG_API size_t keg_x86_identity_map_size(uint64_t bytes);
KEG_API int keg_x86_identity_map(struct keg_mem *mem, keg_gpa table, uint64_t bytes);

/*
 * 64-bit mode at privilege level 0 with flat segments, interrupts off, and the page tables at
 * `page_table` (see keg_x86_identity_map()); rip, rsp are the caller's to set.
 */
KEG_API int keg_vcpu_enter_long_mode(struct keg_vcpu *vcpu, keg_gpa page_table);

/* 32-bit protected mode, flat 4 GiB segments, paging and interrupts off (Multiboot 0.6.96, 3.2). */
KEG_API int keg_vcpu_enter_protected_mode(struct keg_vcpu *vcpu);

/* Real mode with every segment's base at `segment` << 4. */
KEG_API int keg_vcpu_enter_real_mode(struct keg_vcpu *vcpu, uint16_t segment);

#ifdef __cplusplus
}
#endif

#endif
