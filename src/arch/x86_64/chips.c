/* SPDX-License-Identifier: MIT */
/* The state of the interrupt controllers and the timer in the kernel. */
#include <keg/x86.h>

#include "kvm/vm.h"

int keg_vm_get_irqchip(struct keg_vm *vm, struct kvm_irqchip *chip)
{
	return keg_vm_request(vm, KVM_GET_IRQCHIP, chip);
}

int keg_vm_set_irqchip(struct keg_vm *vm, const struct kvm_irqchip *chip)
{
	return keg_vm_request(vm, KVM_SET_IRQCHIP, chip);
}

int keg_vm_get_pit(struct keg_vm *vm, struct kvm_pit_state2 *pit)
{
	return keg_vm_request(vm, KVM_GET_PIT2, pit);
}

int keg_vm_set_pit(struct keg_vm *vm, const struct kvm_pit_state2 *pit)
{
	return keg_vm_request(vm, KVM_SET_PIT2, pit);
}
