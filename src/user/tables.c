/* SPDX-License-Identifier: MIT */
/*
 * A machine's page tables (AMD64 APM volume 2, 5.3: four levels of 512 entries), as keg writes and
 * reads them.
 *
 * KVM's shadow paging keeps tables of its own that follow these, and learns of a change in a last
 * level's entry when the page is forgotten (keg_pages_forget()); what it made of an entry above
 * that it keeps, so such an entry is set once. The one that changes, a large page that is split,
 * needs all that KVM has made to be dropped.
 */
#include "user/machine_inside.h"

#include "base/error.h"

enum {
	ENTRIES = 512,
	LEVELS = 4,
	LARGE_LEVEL = 2,
	TABLE_BITS = KEG_PTE_PRESENT | KEG_PTE_WRITE | KEG_PTE_USER | KEG_PTE_ACCESSED,
};

typedef _Atomic uint64_t table_entry;

/* Where a walk has come to: the entry that decides, and its level. */
struct place {
	table_entry *entry;
	int level;
};

static uint64_t load(table_entry *entry)
{
	return atomic_load_explicit(entry, memory_order_relaxed);
}

/* After what it leads to has been written. */
static void store(table_entry *entry, uint64_t value)
{
	atomic_store_explicit(entry, value, memory_order_release);
}

static int shift_of(int level)
{
	return KEG_PAGE_SHIFT + 9 * (level - 1);
}

static size_t index_of(uint64_t at, int level)
{
	return at >> shift_of(level) & (ENTRIES - 1);
}

static uint64_t page_entry(keg_page page, uint64_t bits)
{
	return (uint64_t)page << KEG_PAGE_SHIFT | bits;
}

/* An entry that the processor would follow has been used, as far as it is concerned. */
static uint64_t accessed(uint64_t bits)
{
	return bits & KEG_PTE_PRESENT ? bits | KEG_PTE_ACCESSED : bits;
}

static bool is_large(const struct place *place, uint64_t entry)
{
	return place->level == LARGE_LEVEL && (entry & KEG_PTE_LARGE);
}

/* ---- Walking ---- */

static table_entry *table_of(struct keg_machine *machine, keg_page page)
{
	return keg_pages_at(machine->pages, page);
}

/* What an entry says that leads to no table of this sandbox's. */
static int astray(uint64_t at)
{
	return keg_fail(EFAULT, "the page tables lead astray at 0x%llx", (unsigned long long)at);
}

/* Goes down to `level`, or to where there is no table below, or a large page. */
static int walk(struct keg_machine *machine, uint64_t at, int level, struct place *place)
{
	table_entry *table = table_of(machine, machine->tables.root);

	place->level = LEVELS;
	for (; table; place->level--) {
		uint64_t entry;

		place->entry = &table[index_of(at, place->level)];
		if (place->level == level)
			return 0;
		entry = load(place->entry);
		if (!(entry & KEG_PTE_PRESENT) || is_large(place, entry))
			return 0;
		table = table_of(machine, keg_pte_page(entry));
	}
	return astray(at);
}

/* The same with the tables that are lacking; lock held. */
static int walk_making(struct keg_machine *machine, uint64_t at, int level, struct place *place)
{
	struct keg_tables *tables = &machine->tables;
	struct keg_page_list *list = at >> 63 ? &tables->machine : &tables->program;

	for (;;) {
		keg_page page;
		int rc = walk(machine, at, level, place);

		if (rc || place->level == level || is_large(place, load(place->entry)))
			return rc;
		rc = keg_tables_take_from(machine, list, &page);
		if (rc)
			return rc;
		store(place->entry, page_entry(page, TABLE_BITS));
	}
}

uint64_t keg_machine_entry(struct keg_machine *machine, uint64_t at)
{
	struct place place;
	uint64_t entry;

	if (walk(machine, at, 1, &place))
		return 0;
	entry = load(place.entry);
	if (place.level == 1)
		return entry;
	if (!is_large(&place, entry))
		return 0;
	return entry + (index_of(at, 1) << KEG_PAGE_SHIFT);
}

/* From where on there is something else than what was found missing. */
static uint64_t after(uint64_t at, int level)
{
	uint64_t step = 1ull << shift_of(level);

	return (at & ~(step - 1)) + step;
}

/* The first entry of a last level's table that is set, or the address after the table's last. */
static uint64_t first_set(table_entry *entry, uint64_t at)
{
	for (size_t i = index_of(at, 1); i < ENTRIES && !load(entry); i++) {
		at += KEG_PAGE;
		entry++;
	}
	return at;
}

uint64_t keg_machine_next(struct keg_machine *machine, uint64_t at, uint64_t end)
{
	at &= ~(uint64_t)(KEG_PAGE - 1);
	while (at < end) {
		struct place place;
		uint64_t entry;

		if (walk(machine, at, 1, &place))
			return end;
		entry = load(place.entry);
		if (place.level == 1) {
			uint64_t found = first_set(place.entry, at);

			if (found < after(at, 2))
				return found < end ? found : end;
			at = found;
		} else if (is_large(&place, entry)) {
			return at;
		} else {
			at = after(at, place.level);
		}
	}
	return end;
}

/* ---- Changing ---- */

static void fill(table_entry *entry, keg_page first, uint32_t count, uint64_t bits)
{
	uint64_t value = page_entry(first, accessed(bits));

	for (uint32_t i = 0; i < count; i++, value += KEG_PAGE)
		store(&entry[i], value);
}

static int in_large_page(uint64_t at)
{
	return keg_fail(EINVAL, "0x%llx is within a large page", (unsigned long long)at);
}

/* So many entries as the table at `at` has, of `count`: their number. */
static int map_in_table(
	struct keg_machine *machine, uint64_t at, keg_page first, uint32_t count, uint64_t bits)
{
	uint32_t room = ENTRIES - (uint32_t)index_of(at, 1);
	struct place place;
	int rc = walk_making(machine, at, 1, &place);

	if (rc)
		return rc;
	if (place.level != 1)
		return in_large_page(at);
	if (room > count)
		room = count;
	fill(place.entry, first, room, bits);
	return (int)room;
}

static int map_small(
	struct keg_machine *machine, uint64_t at, keg_page first, uint32_t count, uint64_t bits)
{
	while (count) {
		int done = map_in_table(machine, at, first, count, bits);

		if (done < 0)
			return done;
		at += (uint64_t)done << KEG_PAGE_SHIFT;
		first += (uint32_t)done;
		count -= (uint32_t)done;
	}
	return 0;
}

/* One large page; where there is a table already it takes that, entry by entry. */
static int map_large(struct keg_machine *machine, uint64_t at, keg_page first, uint64_t bits)
{
	struct place place;
	int rc = walk_making(machine, at, LARGE_LEVEL, &place);
	uint64_t entry;

	if (rc)
		return rc;
	entry = load(place.entry);
	if (!entry) {
		store(place.entry, page_entry(first, accessed(bits)));
		return 0;
	}
	if (is_large(&place, entry))
		return in_large_page(at);
	return map_small(machine, at, first, KEG_LARGE, bits & ~(uint64_t)KEG_PTE_LARGE);
}

static int map_locked(
	struct keg_machine *machine, uint64_t at, keg_page first, uint32_t count, uint64_t bits)
{
	int rc =
		keg_pages_cover(machine->pages, machine->vm, &machine->tables.chunks, first, count);

	if (rc || !(bits & KEG_PTE_LARGE))
		return rc ? rc : map_small(machine, at, first, count, bits);
	for (uint32_t i = 0; i < count && !rc; i += KEG_LARGE)
		rc = map_large(machine, at + ((uint64_t)i << KEG_PAGE_SHIFT), first + i, bits);
	return rc;
}

static int check_range(uint64_t at, keg_page first, uint32_t count, uint64_t bits)
{
	uint32_t unit = bits & KEG_PTE_LARGE ? KEG_LARGE : 1;
	uint64_t last = (uint64_t)first + count;

	if (at >> KEG_PAGE_SHIFT & (unit - 1) || at % KEG_PAGE || first % unit || count % unit)
		return keg_fail(EINVAL, "0x%llx, page %u or %u pages: not aligned",
			(unsigned long long)at, first, count);
	if (at > KEG_USER_TOP || count > (KEG_USER_TOP - at) >> KEG_PAGE_SHIFT || last > UINT32_MAX)
		return keg_fail(EINVAL, "%u pages at 0x%llx: not a program's to have", count,
			(unsigned long long)at);
	return 0;
}

int keg_machine_map(
	struct keg_machine *machine, uint64_t at, keg_page first, uint32_t count, uint64_t bits)
{
	int rc = check_range(at, first, count, bits);

	if (rc)
		return rc;
	pthread_mutex_lock(&machine->tables.lock);
	rc = map_locked(machine, at, first, count, bits);
	pthread_mutex_unlock(&machine->tables.lock);
	return rc;
}

int keg_tables_map_page(struct keg_machine *machine, uint64_t at, keg_page page, uint64_t bits)
{
	int rc;

	pthread_mutex_lock(&machine->tables.lock);
	rc = map_in_table(machine, at, page, 1, bits);
	pthread_mutex_unlock(&machine->tables.lock);
	return rc < 0 ? rc : 0;
}

int keg_machine_set_entry(struct keg_machine *machine, uint64_t at, uint64_t entry)
{
	struct place place;
	int rc;

	/* What is away already needs no table to be away in. */
	if (entry)
		return keg_machine_map(machine, at & ~(uint64_t)(KEG_PAGE - 1), keg_pte_page(entry),
			1, entry & ~(0xffffffffull << KEG_PAGE_SHIFT | KEG_PTE_LARGE));
	rc = walk(machine, at, 1, &place);
	if (rc)
		return rc;
	if (place.level == 1)
		store(place.entry, 0);
	else if (is_large(&place, load(place.entry)))
		return in_large_page(at);
	return 0;
}

/* Leads to a table of entries that mean the same. */
static int split_entry(struct keg_machine *machine, table_entry *large)
{
	uint64_t entry = load(large);
	keg_page page;
	int rc = keg_tables_take_from(machine, &machine->tables.program, &page);
	table_entry *table;

	if (rc)
		return rc;
	table = table_of(machine, page);
	if (!table)
		return astray(0);
	fill(table, keg_pte_page(entry) & ~(KEG_LARGE - 1), ENTRIES,
		entry & ~(0xffffffffull << KEG_PAGE_SHIFT | KEG_PTE_LARGE));
	store(large, page_entry(page, TABLE_BITS));
	machine->tables.split = true;
	return 0;
}

static int split_range(struct keg_machine *machine, uint64_t at, uint64_t end)
{
	struct place place;
	int rc = 0;

	for (; !rc && at < end; at = after(at, place.level)) {
		rc = walk(machine, at, LARGE_LEVEL, &place);
		if (!rc && is_large(&place, load(place.entry)))
			rc = split_entry(machine, place.entry);
	}
	return rc;
}

int keg_machine_split(struct keg_machine *machine, uint64_t start, uint64_t end)
{
	struct keg_tables *tables = &machine->tables;
	int rc, dropped = 0;

	pthread_mutex_lock(&tables->lock);
	rc = split_range(machine, start, end);
	/* What takes long, once; also what an earlier split has failed at. */
	if (tables->split)
		dropped = keg_machine_drop_translations(machine);
	if (!dropped)
		tables->split = false;
	pthread_mutex_unlock(&tables->lock);
	return rc ? rc : dropped;
}
