/* SPDX-License-Identifier: MIT */
/* What a machine's page tables are made of: pages that are its own until it ends. */
#include "user/machine_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { BATCH = 4 }; /* pages that are taken at a time */

static int remember_run(struct keg_page_list *list, struct keg_page_run run)
{
	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 8;
		struct keg_page_run *runs = realloc(list->runs, room * sizeof(*runs));

		if (!runs)
			return keg_fail_errno(ENOMEM, "page tables");
		list->runs = runs;
		list->room = room;
	}
	list->runs[list->count++] = run;
	return 0;
}

static int take_run(struct keg_machine *machine, struct keg_page_list *list)
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
		rc = remember_run(list, run);
	if (rc) {
		keg_pages_release(machine->pages, run.first, run.count);
		return rc;
	}
	list->spare = run;
	return 0;
}

int keg_tables_take_from(struct keg_machine *machine, struct keg_page_list *list, keg_page *page)
{
	if (!list->spare.count) {
		int rc = take_run(machine, list);

		if (rc)
			return rc;
	}
	list->spare.count--;
	*page = list->spare.first++;
	return 0;
}

int keg_tables_take(struct keg_machine *machine, keg_page *page)
{
	int rc;

	pthread_mutex_lock(&machine->tables.lock);
	rc = keg_tables_take_from(machine, &machine->tables.machine, page);
	pthread_mutex_unlock(&machine->tables.lock);
	return rc;
}

int keg_tables_init(struct keg_machine *machine)
{
	struct keg_tables *tables = &machine->tables;
	int rc = pthread_mutex_init(&tables->lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making a lock");
	rc = keg_tables_take_from(machine, &tables->machine, &tables->root);
	if (rc)
		keg_tables_fini(machine);
	return rc;
}

static void release_list(struct keg_machine *machine, struct keg_page_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		keg_pages_release(machine->pages, list->runs[i].first, list->runs[i].count);
	free(list->runs);
	*list = (struct keg_page_list){.runs = NULL};
}

void keg_tables_clear(struct keg_machine *machine)
{
	uint64_t *root = keg_pages_at(machine->pages, machine->tables.root);

	if (root)
		memset(root, 0, KEG_PAGE / 2);
	release_list(machine, &machine->tables.program);
}

void keg_tables_fini(struct keg_machine *machine)
{
	release_list(machine, &machine->tables.program);
	release_list(machine, &machine->tables.machine);
	pthread_mutex_destroy(&machine->tables.lock);
}
