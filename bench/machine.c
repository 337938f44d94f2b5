/* SPDX-License-Identifier: MIT */
/* A machine of keg's. */
#include "machine.h"

#include <keg/irq.h>

void machine_create(
	struct bench *bench, const struct guest *guest, bool irqchip, struct machine *machine)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .kick_signal = bench->kick_signal};

	bench_need(keg_vm_create(bench->host, &config, &machine->vm));
	/* Declared first, and made last: the order is keg's affair. */
	if (irqchip)
		bench_need(keg_vm_create_irqchip(machine->vm));
	bench_need(keg_mem_create(machine->vm, &machine->mem));
	bench_need(keg_mem_add_ram(machine->mem, GUEST_MEMORY_START, GUEST_MEMORY));
	bench_need(keg_mem_write(machine->mem, GUEST_MEMORY_START + guest->offset, guest->begin,
		(size_t)(guest->end - guest->begin)));
	bench_need(keg_vcpu_create(machine->vm, NULL, &machine->vcpu));
	machine_enter(machine, GUEST_MEMORY_START + guest->offset);
}

void machine_destroy(struct machine *machine)
{
	keg_vcpu_destroy(machine->vcpu);
	keg_mem_destroy(machine->mem);
	keg_vm_destroy(machine->vm);
}

uint32_t machine_run(struct machine *machine)
{
	struct keg_exit exit;

	bench_need(keg_vcpu_run(machine->vcpu, &exit));
	return exit.reason;
}
