/* SPDX-License-Identifier: MIT */
/*
 * The interrupt controller in the kernel: declared, and made when the machine starts, after its
 * memory. The other order costs: making it registers devices on KVM's I/O bus, and a memory slot
 * that is set while the grace period of that is pending waits for it, for milliseconds.
 */
#include <keg/irq.h>

#include "base/error.h"
#include "kvm/vm.h"

static int make_controller(struct keg_vm *vm)
{
	const uint64_t args[4] = {vm->irqchip.pins};

	switch (vm->irqchip.kind) {
	case KEG_IRQCHIP_FULL:
		return keg_vm_request(vm, KVM_CREATE_IRQCHIP, 0);
	case KEG_IRQCHIP_SPLIT:
		return keg_vm_enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, 0, args);
	default:
		return 0;
	}
}

static int make_pit(struct keg_vm *vm)
{
	struct kvm_pit_config config = {.flags = vm->irqchip.pit_flags};

	return keg_vm_request(vm, KVM_CREATE_PIT2, &config);
}

int keg_irqchip_start(struct keg_vm *vm)
{
	struct keg_irqchip *chip = &vm->irqchip;
	int rc;

	if (!chip->made) {
		rc = make_controller(vm);
		if (rc < 0)
			return rc;
		chip->made = chip->kind != KEG_IRQCHIP_NONE;
	}
	if (chip->pit && !chip->pit_made) {
		rc = make_pit(vm);
		if (rc < 0)
			return rc;
		chip->pit_made = true;
	}
	return 0;
}

/* Records `wanted`, and makes it now if the machine has started; forgets it again if that fails. */
static int declare(struct keg_vm *vm, struct keg_irqchip wanted)
{
	struct keg_irqchip before = vm->irqchip;
	int rc = 0;

	vm->irqchip = wanted;
	if (atomic_load(&vm->started))
		rc = keg_irqchip_start(vm);
	if (rc)
		vm->irqchip = before;
	return rc;
}

static int declare_controller(struct keg_vm *vm, struct keg_irqchip wanted)
{
	int rc;

	pthread_mutex_lock(&vm->lock);
	if (vm->irqchip.kind != KEG_IRQCHIP_NONE)
		rc = keg_fail(EEXIST, "the machine has an interrupt controller in the kernel");
	else
		rc = declare(vm, wanted);
	pthread_mutex_unlock(&vm->lock);
	return rc;
}

int keg_vm_create_irqchip(struct keg_vm *vm)
{
	int rc = keg_vm_need(vm, KVM_CAP_IRQCHIP, "interrupt controller");

	return rc ? rc : declare_controller(vm, (struct keg_irqchip){.kind = KEG_IRQCHIP_FULL});
}

int keg_vm_split_irqchip(struct keg_vm *vm, uint32_t pins)
{
	/* KVM_MAX_IRQCHIP_PINS: what an 82093AA I/O APIC has. */
	const uint32_t most_pins = 24;
	int rc;

	if (pins > most_pins)
		return keg_fail(EINVAL, "an I/O APIC of %u pins: KVM allows %u", pins, most_pins);
	rc = keg_vm_need(vm, KVM_CAP_SPLIT_IRQCHIP, "split interrupt controller");
	if (rc)
		return rc;
	return declare_controller(
		vm, (struct keg_irqchip){.kind = KEG_IRQCHIP_SPLIT, .pins = pins});
}

int keg_vm_adopt_irqchip(struct keg_vm *vm)
{
	return declare_controller(
		vm, (struct keg_irqchip){.kind = KEG_IRQCHIP_ADOPTED, .made = true});
}

bool keg_vm_has_irqchip(const struct keg_vm *vm)
{
	struct keg_vm *lockable = (struct keg_vm *)vm;
	bool has;

	pthread_mutex_lock(&lockable->lock);
	has = vm->irqchip.kind != KEG_IRQCHIP_NONE;
	pthread_mutex_unlock(&lockable->lock);
	return has;
}

static int create_pit_locked(struct keg_vm *vm, uint32_t flags)
{
	struct keg_irqchip wanted = vm->irqchip;

	if (wanted.kind == KEG_IRQCHIP_NONE)
		return keg_fail(EINVAL, "an interval timer needs an interrupt controller: call "
					"keg_vm_create_irqchip() "
					"first");
	if (wanted.pit)
		return keg_fail(EEXIST, "the machine has an interval timer");
	wanted.pit = true;
	wanted.pit_flags = flags;
	return declare(vm, wanted);
}

int keg_vm_create_pit(struct keg_vm *vm, uint32_t flags)
{
	int rc = keg_vm_need(vm, KVM_CAP_PIT2, "interval timer");

	if (rc)
		return rc;
	pthread_mutex_lock(&vm->lock);
	rc = create_pit_locked(vm, flags);
	pthread_mutex_unlock(&vm->lock);
	return rc;
}
