/* SPDX-License-Identifier: MIT */
/* A process's machine, from within. */
#ifndef KEG_USER_MACHINE_INSIDE_H
#define KEG_USER_MACHINE_INSIDE_H

#include <pthread.h>

#include "kvm/vcpu.h"
#include "user/machine.h"

/* Pages that were taken together for tables and the like. */
struct keg_page_run {
	keg_page first;
	uint32_t count;
};

/* Page tables, and the pages that they are made of. */
struct keg_tables {
	pthread_mutex_t lock; /* for all that changes them but the last level's entries */
	keg_page root;        /* the table of level 4 */
	struct keg_page_run *runs;
	size_t run_count, run_room;
	struct keg_page_run spare; /* of the last run: not used yet */
	_Atomic uint32_t page_count;
	uint32_t chunks; /* keg_pages_cover() */
};

struct keg_machine {
	struct keg_host *host;
	struct keg_pages *pages;
	struct keg_machine_lore *lore;
	struct keg_vm *vm;
	/* Guest-physical pages, the highest two, where there never is memory: to store to, for an
	 * exit, and for a slot that comes and goes. */
	keg_gpa nowhere, passing;
	struct keg_tables tables;
};

/* ---- table_pages.c, tables.c ---- */

/* An empty root, and the end of all that was taken. machine->pages and ->vm are there. */
int keg_tables_init(struct keg_machine *machine);
void keg_tables_fini(struct keg_machine *machine);

/* A page of the machine's own, zeroed and reachable, that ends with its tables. */
int keg_tables_take(struct keg_machine *machine, keg_page *page);
int keg_tables_take_locked(struct keg_machine *machine, keg_page *page);

/* keg_machine_map() of one page anywhere, the upper half included. */
int keg_tables_map_page(struct keg_machine *machine, uint64_t at, keg_page page, uint64_t bits);

/*
 * Makes KVM drop every translation that it remembers of the machine, and what it made of every
 * table: it does so when any slot is taken away. Other threads' vCPUs may run (translations.c).
 */
int keg_machine_drop_translations(struct keg_machine *machine);

#endif
