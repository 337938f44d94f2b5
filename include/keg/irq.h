/* SPDX-License-Identifier: MIT */
/*
 * Interrupts into a machine, and doorbells out of it.
 *
 * Threads: any thread at any time.
 */
#ifndef KEG_IRQ_H
#define KEG_IRQ_H

#include <keg/vm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- The interrupt controller in the kernel ---- */

/*
 * Gives the machine an interrupt controller in the kernel: on x86 two 8259 PICs, an I/O APIC and a
 * local APIC for each vCPU; on arm64 a GICv2, where the host can (a GICv3 is a device: device.h,
 * then keg_vm_adopt_irqchip()). Before the machine has started it is recorded, and made by the
 * start, after memory; later it is made at once, though vCPUs must not exist yet.
 * -EEXIST the machine has one; -ENOTSUP KVM has none; -ENODEV it has no GICv2; what else KVM says
 */
KEG_API int keg_vm_create_irqchip(struct keg_vm *vm);

/*
 * x86: only the local APICs in the kernel; the I/O APIC, with `pins` GSI routes reserved for it, is
 * the caller's, and hears of ends of interrupt through KEG_EXIT_IOAPIC_EOI. When it is made, and
 * errors, as above; -EINVAL for more than 24 pins.
 */
KEG_API int keg_vm_split_irqchip(struct keg_vm *vm, uint32_t pins);

/* Tells keg that an in-kernel interrupt controller was made by other means. -EEXIST as above. */
KEG_API int keg_vm_adopt_irqchip(struct keg_vm *vm);

/* Whether the machine has, or will have when it starts, an interrupt controller in the kernel. */
KEG_API bool keg_vm_has_irqchip(const struct keg_vm *vm);

/*
 * x86: an 8254 interval timer in the kernel; `flags` as struct kvm_pit_config has them. Made when
 * the interrupt controller is made, or at once if it exists. -EINVAL without one; -EEXIST
 */
KEG_API int keg_vm_create_pit(struct keg_vm *vm, uint32_t flags);

/* ---- Lines, routes and messages ---- */

/*
 * Sets the level of an interrupt line (KVM_IRQ_LINE). On x86 `irq` is a GSI; on arm64 it is made
 * with keg_arm64_irq(). Needs a machine that has started with an interrupt controller in the
 * kernel: -ENXIO or -EINVAL otherwise.
 */
KEG_API int keg_vm_set_irq_line(struct keg_vm *vm, uint32_t irq, bool high);

/* arm64's kinds of interrupt (KVM API, "KVM_IRQ_LINE"). */
enum keg_arm64_irq_type {
	KEG_ARM64_IRQ_CPU =
		0, /* the vCPU's own line: number 0 is IRQ, 1 is FIQ; no GIC in the kernel */
	KEG_ARM64_IRQ_SPI = 1, /* shared, number 32 to 1019 */
	KEG_ARM64_IRQ_PPI = 2, /* private to the vCPU, number 16 to 31 */
};

/* The number for keg_vm_set_irq_line(): `vcpu` is 0 to 4095, and ignored for an SPI. */
static inline uint32_t keg_arm64_irq(enum keg_arm64_irq_type type, uint32_t vcpu, uint32_t number)
{
	return ((vcpu >> 8) & 0xfU) << 28 | (uint32_t)type << 24 | (vcpu & 0xffU) << 16 |
	       (number & 0xffffU);
}

/*
 * Replaces all routes from GSIs to pins and messages, in one batch: each call waits for a grace
 * period in the kernel, so it is made once for all of them. No entries removes all routes.
 */
KEG_API int keg_vm_set_gsi_routes(
	struct keg_vm *vm, const struct kvm_irq_routing_entry *entries, size_t count);

/*
 * Sends a message-signalled interrupt. `address` and `data` are as the device writes them;
 * `device_id` is used where KVM has KVM_CAP_MSI_DEVID (arm64's ITS). Returns 1 if it was delivered
 * and 0 if the guest blocked it.
 */
KEG_API int keg_vm_signal_msi(struct keg_vm *vm, uint64_t address, uint32_t data);
KEG_API int keg_vm_signal_msi_from(
	struct keg_vm *vm, uint64_t address, uint32_t data, uint32_t device_id);

/*
 * Raises `gsi` whenever the eventfd `fd` is signalled, with no thread of this process in between.
 * With a `resample_fd` (not -1) the line is level-triggered, and that eventfd is signalled when the
 * guest has acknowledged it. Both descriptors stay the caller's. -EBUSY the eventfd is in use
 * already; -EBADF; -EINVAL no eventfd, or no interrupt controller; -EAGAIN arm64's is not ready
 */
KEG_API int keg_vm_add_irqfd(struct keg_vm *vm, uint32_t gsi, int fd, int resample_fd);
KEG_API int keg_vm_remove_irqfd(struct keg_vm *vm, uint32_t gsi, int fd);

/* ---- Doorbells ---- */

/* A guest write that signals an eventfd in place of an exit (KVM_IOEVENTFD). */
struct keg_doorbell {
	bool pio; /* `address` is a port; else guest-physical */
	uint64_t address;
	uint32_t bytes; /* 1, 2, 4 or 8 (ports: to 4); 0 for a write of any length */
	bool match;     /* only for writes of `value`; not with 0 bytes */
	uint64_t value;
	int fd; /* the eventfd: the caller's */
};

/*
 * -EEXIST such a doorbell is there already; -ENOSPC too many devices on KVM's bus; -EINVAL a
 * length, port or address that cannot be; -EBADF; -ENOTSUP 0 bytes where KVM lacks
 * KVM_CAP_IOEVENTFD_ANY_LENGTH. Removing: -ENOENT there is no such doorbell
 */
KEG_API int keg_vm_add_doorbell(struct keg_vm *vm, const struct keg_doorbell *doorbell);
KEG_API int keg_vm_remove_doorbell(struct keg_vm *vm, const struct keg_doorbell *doorbell);

/* A new eventfd, close-on-exec and non-blocking, for the calls above. The caller closes it. */
KEG_API int keg_eventfd_create(void);

/* Adds 1 to an eventfd; and reads it back to 0, returning 1 if it had been signalled, else 0. */
KEG_API int keg_eventfd_signal(int fd);
KEG_API int keg_eventfd_drain(int fd);

#ifdef __cplusplus
}
#endif

#endif
