/* SPDX-License-Identifier: MIT */
/* Memory: what Multiboot says of it, and what of it can be tested. */
#include "machine.h"
#include "pages.h"
#include "report.h"

#define MULTIBOOT_EAX 0x2badb002u

/* Multiboot 0.6.96, 3.3: words of the information. */
enum { FLAGS, MEM_LOWER, MEM_UPPER, DEVICE, CMDLINE, MODS_COUNT, MODS_ADDR };
enum { MMAP_LENGTH = 11, MMAP_ADDR = 12 };
enum { HAS_CMDLINE = 1 << 2, HAS_MODULES = 1 << 3, HAS_MAP = 1 << 6 };

struct entry {
	uint32_t size; /* of what follows it */
	uint64_t base;
	uint64_t length;
	uint32_t type; /* 1: memory */
} __attribute__((packed));

/* No processor reaches above 4 GiB without paging. */
#define TOP 0xfffff000u

/* How many processors there are stacks for if nobody says how many there are. */
enum { UNTOLD_CPUS = 256 };

static const uint32_t *multiboot;
static uint32_t free_start; /* above all that is in use */
extern char image_end[];

/* One piece of memory that can be tested: its part above what is in use. */
static bool testable(const struct entry *entry, uint32_t *start, uint32_t *count)
{
	uint64_t low = entry->base, high = entry->base + entry->length;

	if (low < free_start)
		low = free_start;
	if (high > TOP)
		high = TOP;
	if (entry->type != 1 || low >= high)
		return false;
	*start = ((uint32_t)low + PAGE - 1) & ~(uint32_t)(PAGE - 1);
	if (*start >= (uint32_t)high)
		return false;
	*count = ((uint32_t)high - *start) / PAGE;
	return *count != 0;
}

/* Calls `visit` for each entry of the map. */
static void walk_map(void (*visit)(const struct entry *entry))
{
	uint32_t at = multiboot[MMAP_ADDR], end = at + multiboot[MMAP_LENGTH];

	while (at < end) {
		const struct entry *entry = (const struct entry *)at;

		visit(entry);
		at += entry->size + (uint32_t)sizeof(entry->size);
	}
}

static uint32_t total_kib, test_pages;

static void add_up(const struct entry *entry)
{
	uint32_t start, count;

	if (entry->type == 1)
		total_kib += (uint32_t)(entry->length >> 10);
	if (testable(entry, &start, &count))
		test_pages += count;
}

static void choose(const struct entry *entry)
{
	uint32_t start, count;

	if (testable(entry, &start, &count))
		pages_add(start, count);
}

static void raise_free_start(uint32_t end)
{
	end = (end + PAGE - 1) & ~(uint32_t)(PAGE - 1);
	if (end > free_start)
		free_start = end;
}

uint32_t memory_cpus(void)
{
	if (!multiboot || !(multiboot[FLAGS] & HAS_CMDLINE))
		return 0;
	return option((const char *)multiboot[CMDLINE], "cpus=");
}

static void find_free_start(void)
{
	raise_free_start((uint32_t)image_end);
	raise_free_start((uint32_t)multiboot + PAGE);
	if (multiboot[FLAGS] & HAS_MODULES && multiboot[MODS_COUNT])
		raise_free_start(((const uint32_t *)multiboot[MODS_ADDR])[1]);
	stacks = free_start;
	stack_count = memory_cpus() ? memory_cpus() : UNTOLD_CPUS;
	raise_free_start(free_start + (stack_count + 1) * STACK_BYTES);
}

void memory_init(const uint32_t *info, uint32_t magic)
{
	fact("memory");
	if (magic != MULTIBOOT_EAX || !(info[FLAGS] & HAS_MAP)) {
		put("unknown: no Multiboot memory map\n");
		return;
	}
	multiboot = info;
	find_free_start();
	walk_map(add_up);
	put_number(total_kib >> 10, 1);
	put(" MiB\n");
	pages_begin(test_pages);
	walk_map(choose);
}
