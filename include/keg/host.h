/* SPDX-License-Identifier: MIT */
/*
 * The host: the machine's KVM, open.
 *
 * A keg_host is the open /dev/kvm and what it answers about itself. Everything else in keg is made
 * from one. A program needs one only, though it may have several.
 *
 * Threads: any number of threads may use one host at the same time, except for
 * keg_host_destroy(), which is called when nobody uses it or anything made from it any more.
 */
#ifndef KEG_HOST_H
#define KEG_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>

#include <keg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_host;

/* How to open the host. A NULL configuration opens /dev/kvm. */
struct keg_host_config {
	size_t size;      /* sizeof(struct keg_host_config) */
	const char *path; /* the device; NULL for /dev/kvm. Used during the call only. */
};

/*
 * Opens KVM, close-on-exec, and learns its API version and the size of the vCPU area.
 * On success *host is the caller's, to end with keg_host_destroy(). On failure it is NULL.
 *
 * -ENOENT   there is no such device: no module of KVM's is loaded, or there is no virtualization
 * -EACCES   this user may not open the device; the message names the group that may
 * -ENOTTY   the path is not KVM's device
 * -ENOTSUP  KVM's API version is not 12, the only stable one (KVM API, "KVM_GET_API_VERSION")
 * -EPROTO   the area that KVM shares with a vCPU is too small for struct kvm_run
 * -EINVAL   the configuration is wrong
 * -ENOMEM, -EMFILE, -ENFILE and what else open(2) says
 */
KEG_API int keg_host_create(const struct keg_host_config *config, struct keg_host **host);

/* Closes the host. NULL is allowed. Machines made from it must have been destroyed before. */
KEG_API void keg_host_destroy(struct keg_host *host);

/* The descriptor of the device. It stays the host's. */
KEG_API int keg_host_fd(const struct keg_host *host);

/*
 * Any ioctl on the device, for what has no name here. `arg` is a number, or a pointer cast to
 * uintptr_t, or 0. EINTR is retried. Returns the ioctl's result, or a negative errno.
 */
KEG_API int keg_host_ioctl(struct keg_host *host, unsigned long request, uintptr_t arg);

/* KVM's API version, always 12. */
KEG_API int keg_host_api_version(const struct keg_host *host);

/* Bytes in the area that a vCPU shares with the kernel, which begins with struct kvm_run. */
KEG_API size_t keg_host_vcpu_mmap_size(const struct keg_host *host);

/*
 * What KVM says of an extension (a KVM_CAP_ number): 0 if it is absent, else a positive number
 * whose meaning is the extension's. A machine may answer differently: keg_vm_check_extension(). A
 * negative errno if the question itself failed.
 */
KEG_API int keg_host_check_extension(struct keg_host *host, int extension);

/* ---- Named capabilities. A question that fails counts as "no". ---- */

KEG_API bool keg_host_has_user_memory(struct keg_host *host);     /* keg_slot_map() */
KEG_API bool keg_host_has_tss_address(struct keg_host *host);     /* keg_vm_set_tss_address() */
KEG_API bool keg_host_has_extended_cpuid(struct keg_host *host);  /* keg_vcpu_set_cpuid() */
KEG_API bool keg_host_has_user_nmi(struct keg_host *host);        /* keg_vcpu_nmi() */
KEG_API bool keg_host_has_one_reg(struct keg_host *host);         /* keg_vcpu_get_one_reg() */
KEG_API bool keg_host_has_irqchip(struct keg_host *host);         /* keg_vm_create_irqchip() */
KEG_API bool keg_host_has_vcpu_events(struct keg_host *host);     /* keg_vcpu_get_events() */
KEG_API bool keg_host_has_debug_registers(struct keg_host *host); /* keg_vcpu_get_debug_regs() */
KEG_API bool keg_host_has_xcrs(struct keg_host *host);            /* keg_vcpu_get_xcrs() */
KEG_API bool keg_host_has_xsave(struct keg_host *host);           /* keg_vcpu_get_xsave() */

/*
 * Where the ring of coalesced MMIO lies in a vCPU's area, in pages from its start; 0 if KVM does
 * not coalesce.
 */
KEG_API int keg_host_coalesced_mmio_page(struct keg_host *host);

/* How many memory slots a machine may have; 0 if KVM does not tell. */
KEG_API int keg_host_memory_slot_count(struct keg_host *host);

/* How many vCPUs KVM recommends for a machine, how many it allows, and one more than the largest
 * id. */
KEG_API int keg_host_recommended_vcpus(struct keg_host *host);
KEG_API int keg_host_max_vcpus(struct keg_host *host);
KEG_API int keg_host_max_vcpu_id(struct keg_host *host);

#ifdef __cplusplus
}
#endif

#endif
