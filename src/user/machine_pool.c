/* SPDX-License-Identifier: MIT */
/*
 * Machines that are used again. Making one and ending it cost several times what it takes to make
 * KVM forget what an old one's page tables were; so a sandbox keeps some. Such a machine has its
 * vCPUs, its slots and CPL 0's pages, and nothing of the program's.
 */
#include "user/machine_inside.h"

/* One that has more has had a program with many threads, or is on a KVM that likes new ones. */
enum { VCPUS_MOST = 32 };

static int make_as_new(struct keg_machine *machine)
{
	int rc = keg_machine_drop_translations(machine);

	if (!rc)
		atomic_store(&machine->has_run, false);
	return rc ? rc : keg_entry_open_again(machine);
}

struct keg_machine *keg_machine_take_idle(
	struct keg_host *host, struct keg_pages *pages, struct keg_machine_lore *lore)
{
	for (int i = 0; i < KEG_IDLE_MACHINES; i++) {
		struct keg_machine *machine = atomic_exchange(&lore->idle[i], NULL);

		if (!machine)
			continue;
		if (machine->host == host && machine->pages == pages && !make_as_new(machine))
			return machine;
		keg_machine_end(machine);
	}
	return NULL;
}

/*
 * The pages go at once; KVM is made to forget them only if the machine is used again, for as long
 * as it does not run it makes no difference.
 */
static void empty(struct keg_machine *machine)
{
	keg_tables_clear(machine);
	for (struct keg_cpu_inside *cpu = machine->cpus; cpu; cpu = cpu->next)
		cpu->idle = true;
}

bool keg_machine_keep(struct keg_machine *machine)
{
	struct keg_machine_lore *lore = machine->lore;

	if (machine->cpu_count > VCPUS_MOST || atomic_load(&machine->broken))
		return false;
	empty(machine);
	for (int i = 0; i < KEG_IDLE_MACHINES; i++) {
		struct keg_machine *none = NULL;

		if (atomic_compare_exchange_strong(&lore->idle[i], &none, machine))
			return true;
	}
	return false;
}

void keg_machine_lore_fini(struct keg_machine_lore *lore)
{
	for (int i = 0; i < KEG_IDLE_MACHINES; i++) {
		struct keg_machine *machine = atomic_exchange(&lore->idle[i], NULL);

		if (machine)
			keg_machine_end(machine);
	}
}
