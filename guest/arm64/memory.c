/* SPDX-License-Identifier: MIT */
/* Memory: it begins at a known address; where it ends is found by asking. */
#include "machine.h"
#include "pages.h"
#include "report.h"

#define BASE 0x40000000ull
#define MIB  (1ull << 20)

/* No machine of this kind has more: 512 GiB. */
enum { MOST_DOUBLINGS = 15 };
#define FIRST (16 * MIB)

/* Whether the last bytes below BASE + size are memory: what is written can be read. */
static bool reaches(uint64_t size)
{
	const uint64_t value = 0x6b65672067756573; /* no device answers with this */
	uint64_t address = BASE + size - 8;
	bool aborted;

	probe_write(address, value, &aborted);
	return !aborted && probe_read(address, &aborted) == value && !aborted;
}

/* Doubles the size until it is too large, then halves the doubt, down to 1 MiB. */
static uint64_t find_size(void)
{
	uint64_t size = FIRST, doubt;
	int doublings = 0;

	if (!reaches(size))
		return 0;
	while (doublings++ < MOST_DOUBLINGS && reaches(2 * size))
		size *= 2;
	for (doubt = size / 2; doubt >= MIB; doubt /= 2) {
		if (reaches(size + doubt))
			size += doubt;
	}
	return size;
}

void memory_init(void)
{
	uint64_t size = find_size(), start = (uint64_t)image_end;
	uint32_t count = 0;

	start = (start + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	stacks = start;
	start += MAX_PROCESSORS * STACK_BYTES;
	fact("memory");
	put_number((uint32_t)(size / MIB), 1);
	put(size ? " MiB\n" : " MiB found, less than 16\n");
	if (BASE + size > start)
		count = (uint32_t)((BASE + size - start) / PAGE);
	pages_begin(count);
	pages_add(start, count);
}
