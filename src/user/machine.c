/* SPDX-License-Identifier: MIT */
/* A process's machine: its making and its end. */
#include <stdlib.h>

#include "arch/x86_64/cpu_model.h"
#include "base/error.h"
#include "user/machine_inside.h"

/* The two highest pages that are possible and have a number of 32 bits. No arena reaches there. */
static void choose_places(struct keg_machine *machine)
{
	uint32_t bits = machine->features.address_bits;

	if (bits > 32 + KEG_PAGE_SHIFT)
		bits = 32 + KEG_PAGE_SHIFT;
	machine->nowhere = (1ull << bits) - KEG_PAGE;
	machine->passing = machine->nowhere - KEG_PAGE;
}

/*
 * Nobody uses them. But KVM's own code is patched when a vCPU without one is made while there is
 * none, and when the last such ends (kvm_has_noapic_vcpu), which takes longer than making the
 * machine. With the I/O APIC left to the program that uses KVM there are no devices on KVM's buses,
 * for whose grace period a memory slot would wait.
 */
static int add_local_apics(struct keg_machine *machine)
{
	static const uint64_t no_io_apic[4];
	int rc = keg_vm_check_extension(machine->vm, KVM_CAP_SPLIT_IRQCHIP);

	if (rc <= 0)
		return rc;
	machine->local_apics = true;
	return keg_vm_enable_cap(machine->vm, KVM_CAP_SPLIT_IRQCHIP, 0, no_io_apic);
}

static int make_vm(struct keg_machine *machine)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .kick_signal = machine->lore->kick_signal};
	int rc;

	machine->leaves = malloc(sizeof(*machine->leaves));
	if (!machine->leaves)
		return keg_fail_errno(ENOMEM, "making a machine");
	rc = keg_vm_create(machine->host, &config, &machine->vm);
	if (rc)
		return rc;
	rc = add_local_apics(machine);
	if (rc)
		keg_vm_destroy(machine->vm);
	return rc;
}

/* Features last of all: asking KVM for them takes as long as the rest, and may have begun before
 * in another thread (ahead.h). */
static int fill(struct keg_machine *machine)
{
	int rc = keg_entry_init(machine);

	if (!rc)
		rc = keg_features_find(machine);
	if (rc)
		return rc;
	choose_places(machine);
	return atomic_load(&machine->lore->open_layout) ? keg_entry_open(machine) : 0;
}

static int init(struct keg_machine *machine)
{
	int rc = make_vm(machine);

	if (rc)
		return rc;
	rc = keg_tables_init(machine);
	if (rc)
		goto out_vm;
	rc = fill(machine);
	if (rc)
		goto out_tables;
	return 0;
out_tables:
	keg_tables_fini(machine);
out_vm:
	keg_vm_destroy(machine->vm);
	return rc;
}

int keg_machine_create(struct keg_host *host, struct keg_pages *pages,
	struct keg_machine_lore *lore, struct keg_machine **machine)
{
	struct keg_machine *made = keg_machine_take_idle(host, pages, lore);
	int rc;

	*machine = made;
	if (made)
		return 0;
	made = calloc(1, sizeof(*made));
	if (!made)
		return keg_fail_errno(ENOMEM, "making a machine");
	made->host = host;
	made->pages = pages;
	made->lore = lore;
	rc = pthread_mutex_init(&made->lock, NULL);
	if (rc) {
		free(made);
		return keg_fail_errno(rc, "making a lock");
	}
	rc = init(made);
	if (rc) {
		pthread_mutex_destroy(&made->lock);
		free(made->leaves);
		free(made);
		return rc;
	}
	*machine = made;
	return 0;
}

bool keg_machine_has_run(const struct keg_machine *machine)
{
	return atomic_load(&machine->has_run);
}

void keg_machine_destroy(struct keg_machine *machine)
{
	if (machine && !keg_machine_keep(machine))
		keg_machine_end(machine);
}

void keg_machine_end(struct keg_machine *machine)
{
	keg_cpus_fini(machine);
	keg_vm_destroy(machine->vm);
	keg_tables_fini(machine);
	pthread_mutex_destroy(&machine->lock);
	free(machine->leaves);
	free(machine);
}
