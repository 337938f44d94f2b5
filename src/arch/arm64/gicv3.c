/* SPDX-License-Identifier: MIT */
/* The GICv3 in the kernel (Linux, Documentation/virt/kvm/devices/arm-vgic-v3.rst). */
#include <keg/arm64.h>
#include <keg/irq.h>

#include "base/error.h"

enum { DEFAULT_IRQS = 128 };

static int configure(struct keg_device *gic, const struct keg_gicv3_config *config)
{
	const uint64_t distributor = config->distributor, redistributor = config->redistributor;
	const uint32_t irqs = config->irqs ? config->irqs : DEFAULT_IRQS;
	const struct {
		uint32_t group;
		uint64_t attr;
		const void *value;
	} steps[] = {
		{KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs},
		{KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &distributor},
		{KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redistributor},
		{KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL},
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int rc = keg_device_set_attr(gic, steps[i].group, steps[i].attr, steps[i].value);

		if (rc)
			return keg_fail_within(rc, "making a GICv3");
	}
	return 0;
}

int keg_vm_create_gicv3(
	struct keg_vm *vm, const struct keg_gicv3_config *given, struct keg_device **gic)
{
	struct keg_gicv3_config config;
	int rc = keg_config_copy(
		&config, sizeof(config), given, given ? given->size : 0, "struct keg_gicv3_config");

	*gic = NULL;
	if (rc)
		return rc;
	if (!keg_vm_has_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3))
		return keg_fail(ENOTSUP, "this host has no GICv3 to offer");
	if (keg_vm_has_irqchip(vm))
		return keg_fail(EEXIST, "the machine has an interrupt controller in the kernel");
	rc = keg_device_create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, gic);
	if (rc)
		return rc;
	rc = configure(*gic, &config);
	if (!rc)
		rc = keg_vm_adopt_irqchip(vm);
	if (rc) {
		keg_device_destroy(*gic);
		*gic = NULL;
	}
	return rc;
}
