/* SPDX-License-Identifier: MIT */
/*
 * The kernel's KVM interface, and what the headers of Debian 12 (Linux 6.1) lack of it.
 * Source: Linux, Documentation/virt/kvm/api.rst.
 */
#ifndef KEG_KVM_UAPI_H
#define KEG_KVM_UAPI_H

#include <linux/kvm.h>

/* The headers keep these from architectures that never have them; asking is still allowed. */
#ifndef KVM_CAP_PIT2
#define KVM_CAP_PIT2 33
#endif
#ifndef KVM_CAP_VCPU_EVENTS
#define KVM_CAP_VCPU_EVENTS 41
#endif
#ifndef KVM_CAP_DEBUGREGS
#define KVM_CAP_DEBUGREGS 50
#endif
#ifndef KVM_CAP_XSAVE
#define KVM_CAP_XSAVE 55
#endif
#ifndef KVM_CAP_XCRS
#define KVM_CAP_XCRS 56
#endif

/* x86's requests to raise an exception, in struct kvm_guest_debug. */
#ifndef KVM_GUESTDBG_INJECT_DB
#define KVM_GUESTDBG_INJECT_DB 0
#endif
#ifndef KVM_GUESTDBG_INJECT_BP
#define KVM_GUESTDBG_INJECT_BP 0
#endif

#ifndef KVM_EXIT_RISCV_CSR
#define KVM_EXIT_RISCV_CSR 36
#endif
#ifndef KVM_EXIT_NOTIFY
#define KVM_EXIT_NOTIFY 37
#endif
#ifndef KVM_EXIT_LOONGARCH_IOCSR
#define KVM_EXIT_LOONGARCH_IOCSR 38
#endif
#ifndef KVM_EXIT_MEMORY_FAULT
#define KVM_EXIT_MEMORY_FAULT 39
#endif
#ifndef KVM_EXIT_TDX
#define KVM_EXIT_TDX 40
#endif

/* KVM_EXIT_MEMORY_FAULT's details (api.rst, 5, "KVM_EXIT_MEMORY_FAULT"): three words in the union.
 */
struct keg_kvm_memory_fault {
	__u64 flags;
	__u64 gpa;
	__u64 size;
};

#endif
