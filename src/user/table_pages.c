/* SPDX-License-Identifier: MIT */
/* What a machine's page tables are made of: pages that are its own until it ends. */
#include "user/machine_inside.h"

#include <stdlib.h>

#include "base/error.h"

enum { BATCH = 4 }; /* pages that are taken at a time */

static int remember_run(struct keg_tables *tables, struct keg_page_run run)
{
	if (tables->run_count == tables->run_room) {
		size_t room = tables->run_room ? tables->run_room * 2 : 8;
		struct keg_page_run *runs = realloc(tables->runs, room * sizeof(*runs));

		if (!runs)
			return keg_fail_errno(ENOMEM, "page tables");
		tables->runs = runs;
		tables->run_room = room;
	}
	tables->runs[tables->run_count++] = run;
	return 0;
}

static int take_run(struct keg_machine *machine)
{
	struct keg_tables *tables = &machine->tables;
	struct keg_page_run run = {.count = BATCH};
	int rc = keg_pages_take(machine->pages, BATCH, false, &run.first);

	if (rc == -ENOMEM) {
		run.count = 1;
		rc = keg_pages_take(machine->pages, 1, false, &run.first);
	}
	if (rc)
		return rc;
	rc = keg_pages_cover(machine->pages, machine->vm, &tables->chunks, run.first, run.count);
	if (!rc)
		rc = remember_run(tables, run);
	if (rc) {
		keg_pages_release(machine->pages, run.first, run.count);
		return rc;
	}
	tables->spare = run;
	atomic_fetch_add(&tables->page_count, run.count);
	return 0;
}

int keg_tables_take_locked(struct keg_machine *machine, keg_page *page)
{
	struct keg_page_run *spare = &machine->tables.spare;

	if (!spare->count) {
		int rc = take_run(machine);

		if (rc)
			return rc;
	}
	spare->count--;
	*page = spare->first++;
	return 0;
}

int keg_tables_take(struct keg_machine *machine, keg_page *page)
{
	int rc;

	pthread_mutex_lock(&machine->tables.lock);
	rc = keg_tables_take_locked(machine, page);
	pthread_mutex_unlock(&machine->tables.lock);
	return rc;
}

uint32_t keg_machine_overhead(const struct keg_machine *machine)
{
	return atomic_load(&machine->tables.page_count);
}

int keg_tables_init(struct keg_machine *machine)
{
	struct keg_tables *tables = &machine->tables;
	int rc = pthread_mutex_init(&tables->lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making a lock");
	rc = keg_tables_take_locked(machine, &tables->root);
	if (rc)
		pthread_mutex_destroy(&tables->lock);
	return rc;
}

void keg_tables_fini(struct keg_machine *machine)
{
	struct keg_tables *tables = &machine->tables;

	for (size_t i = 0; i < tables->run_count; i++)
		keg_pages_release(machine->pages, tables->runs[i].first, tables->runs[i].count);
	free(tables->runs);
	pthread_mutex_destroy(&tables->lock);
}
