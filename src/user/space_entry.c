/* SPDX-License-Identifier: MIT */
/* A space's page-table entries: read in runs, taken away, and changed as areas' protection does. */
#include "user/space_inside.h"

/* What else an entry may hold: the page's number. */
static const uint64_t page_bits = 0xffffffffull << KEG_PAGE_SHIFT;

uint64_t keg_area_bits(const struct keg_area *area, bool copy)
{
	const bool file = area->object && keg_object_stat(area->object);
	uint64_t bits = KEG_PTE_USER | KEG_PTE_ACCESSED | (copy ? KEG_PTE_COPY : 0);

	if (area->protection == PROT_NONE)
		return bits;
	bits |= KEG_PTE_PRESENT;
	if (!(area->protection & PROT_EXEC))
		bits |= KEG_PTE_NO_EXECUTE;
	if (area->protection & PROT_WRITE && !copy && !(file && area->flags & KEG_AREA_SHARED))
		bits |= KEG_PTE_WRITE | KEG_PTE_DIRTY;
	return bits;
}

/* ---- What is taken out ---- */

/* The pages of a machine that has not run: KVM has made nothing of its tables yet. */
static void shed_unused(struct keg_shed *shed)
{
	for (uint32_t i = 0; shed->release && i < shed->count; i++)
		keg_pages_release(shed->pages, shed->runs[i].first, shed->runs[i].count);
	shed->count = 0;
}

static void shed_all(struct keg_shed *shed)
{
	uint32_t first = UINT32_MAX, end = 0, sum = 0;
	bool together;

	if (!keg_machine_has_run(shed->machine)) {
		shed_unused(shed);
		return;
	}
	for (uint32_t i = 0; i < shed->count; i++) {
		const keg_page last = shed->runs[i].first + shed->runs[i].count;

		first = shed->runs[i].first < first ? shed->runs[i].first : first;
		end = last > end ? last : end;
		sum += shed->runs[i].count;
	}
	/* A call to forget costs as much as some hundred pages in its range. */
	together = shed->count > 1 && end - first <= 2 * sum + 128 * shed->count;
	if (together)
		keg_pages_forget(shed->pages, first, end - first);
	for (uint32_t i = 0; i < shed->count; i++) {
		if (together && shed->release)
			keg_pages_release(shed->pages, shed->runs[i].first, shed->runs[i].count);
		else if (shed->release)
			keg_pages_give_back(shed->pages, shed->runs[i].first, shed->runs[i].count);
		else if (!together)
			keg_pages_forget(shed->pages, shed->runs[i].first, shed->runs[i].count);
	}
	shed->count = 0;
}

void keg_shed_add(struct keg_shed *shed, keg_page first, uint32_t count)
{
	const uint32_t most = sizeof(shed->runs) / sizeof(shed->runs[0]);

	if (shed->count > 0) {
		const uint32_t last = shed->count - 1;

		if (shed->runs[last].first + shed->runs[last].count == first) {
			shed->runs[last].count += count;
			return;
		}
	}
	if (shed->count == most)
		shed_all(shed);
	shed->runs[shed->count].first = first;
	shed->runs[shed->count].count = count;
	shed->count++;
}

void keg_shed_end(struct keg_shed *shed)
{
	if (shed->count > 0)
		shed_all(shed);
}

/* ---- Runs ---- */

bool keg_entry_run(struct keg_space *space, uint64_t from, uint64_t end, struct keg_entry_run *run)
{
	const uint64_t at = keg_machine_next(space->machine, from, end);
	uint64_t entry, next;

	if (at >= end)
		return false;
	entry = keg_machine_entry(space->machine, at);
	*run = (struct keg_entry_run){
		.at = at,
		.bits = entry & ~(page_bits | KEG_PTE_LARGE),
		.first = keg_pte_page(entry),
		.large = entry & KEG_PTE_LARGE,
	};
	for (next = entry; run->count < KEG_LARGE; run->count++) {
		const uint64_t there = at + ((uint64_t)run->count << KEG_PAGE_SHIFT);

		if (there >= end || keg_machine_entry(space->machine, there) != next)
			break;
		next += KEG_PAGE;
	}
	/* A page that another vCPU has just used may differ in a bit: by itself, then. */
	if (run->count == 0)
		run->count = 1;
	return true;
}

static uint64_t run_end(const struct keg_entry_run *run)
{
	return run->at + ((uint64_t)run->count << KEG_PAGE_SHIFT);
}

int keg_space_split(struct keg_space *space, uint64_t start, uint64_t end)
{
	return keg_machine_split(space->machine, start, end) == 0 ? 0 : -ENOMEM;
}

void keg_space_drop(struct keg_space *space, uint64_t start, uint64_t end)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages, .release = true};
	struct keg_entry_run run;

	for (uint64_t at = start; keg_entry_run(space, at, end, &run); at = run_end(&run)) {
		for (uint64_t each = run.at; each < run_end(&run); each += KEG_PAGE)
			keg_machine_set_entry(space->machine, each, 0);
		keg_shed_add(&shed, run.first, run.count);
		space->resident -= run.count;
	}
	keg_shed_end(&shed);
	keg_mark_disturb(space, start, end);
}

/* Whether a processor that remembers `from` may do what `to` forbids. */
static bool is_less(uint64_t from, uint64_t to)
{
	return from & ~to & (KEG_PTE_PRESENT | KEG_PTE_WRITE) ||
	       (from & KEG_PTE_PRESENT && to & ~from & KEG_PTE_NO_EXECUTE);
}

int keg_space_restrict(
	struct keg_space *space, const struct keg_area *area, uint64_t start, uint64_t end)
{
	struct keg_shed shed = {.machine = space->machine, .pages = space->pages};
	struct keg_entry_run run;
	int result = 0;

	for (uint64_t at = start; result == 0 && keg_entry_run(space, at, end, &run);
		at = run_end(&run)) {
		const uint64_t bits = keg_area_bits(area, run.bits & KEG_PTE_COPY);

		if (bits == run.bits)
			continue;
		result = keg_machine_map(space->machine, run.at, run.first, run.count, bits);
		if (is_less(run.bits, bits))
			keg_shed_add(&shed, run.first, run.count);
	}
	keg_shed_end(&shed);
	return result;
}
