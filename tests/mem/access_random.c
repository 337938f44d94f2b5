/* SPDX-License-Identifier: MIT */
/* Random accesses to a random map, against a model: an array of bytes, and what each page is. */
#include "mem/fixture.h"

#include <errno.h>

#include "dev/random.h"

enum { PAGES = 32, MAPS = 20, ACCESSES = 2000 };

enum page_kind { NOTHING, MEMORY, ROM, HOLE, KINDS };

struct model {
	enum page_kind page[PAGES];
	uint8_t region[PAGES]; /* which region a page belongs to */
	uint8_t bytes[PAGES * PAGE];
};

static uint64_t seed = 0x2545f4914f6cdd1dULL;

static uint32_t pick(uint32_t below)
{
	return random_below(&seed, below);
}

/* Regions of random kinds and sizes that fill the first pages of the guest's memory. */
static void make_map(struct keg_mem *mem, struct model *model)
{
	uint8_t number = 0;

	memset(model, 0, sizeof(*model));
	for (uint32_t page = 0, pages; page < PAGES; page += pages) {
		enum page_kind kind = pick(8) ? MEMORY : (enum page_kind)pick(KINDS);
		struct keg_region_config config = {
			.size = sizeof(config), .gpa = (keg_gpa)page * PAGE};

		pages = 1 + pick(4);
		if (pages > PAGES - page)
			pages = PAGES - page;
		number++;
		for (uint32_t i = page; i < page + pages; i++) {
			model->page[i] = kind;
			model->region[i] = number;
		}
		config.bytes = (uint64_t)pages * PAGE;
		config.backing = kind == HOLE ? KEG_BACKING_NONE : (enum keg_backing)pick(2);
		config.flags = kind == ROM ? KEG_REGION_READONLY : 0;
		if (kind != NOTHING)
			assert_ok(keg_mem_add(mem, &config, NULL));
	}
}

/* What an access should come to: 0 or a negative errno, of the first page that is in its way. */
static int expected(const struct model *model, uint64_t gpa, uint64_t bytes, bool write)
{
	for (uint64_t page = gpa / PAGE; page <= (gpa + bytes - 1) / PAGE; page++) {
		if (page >= PAGES || model->page[page] == NOTHING || model->page[page] == HOLE)
			return -EFAULT;
		if (write && model->page[page] == ROM)
			return -EROFS;
	}
	return 0;
}

struct access {
	uint64_t gpa, bytes;
};

/* Often around the ends of pages, sometimes far, and beyond the map. */
static struct access random_access(void)
{
	struct access access = {(uint64_t)pick(PAGES + 1) * PAGE + pick(16), 1 + pick(3 * PAGE)};

	if (access.gpa >= 8 && pick(2))
		access.gpa -= 8;
	if (pick(2))
		access.bytes = 1 + pick(16);
	return access;
}

static uint8_t buffer[4 * PAGE];

static void try_read(struct keg_mem *mem, const struct model *model)
{
	struct access access = random_access();
	int rc = expected(model, access.gpa, access.bytes, false);

	memset(buffer, 0xee, sizeof(buffer));
	assert_int_equal(keg_mem_read(mem, access.gpa, buffer, access.bytes), rc);
	if (!rc)
		assert_memory_equal(buffer, model->bytes + access.gpa, access.bytes);
	else
		assert_int_equal(buffer[0], 0xee);
	assert_int_equal(buffer[access.bytes], 0xee);
}

static void try_write(struct keg_mem *mem, struct model *model)
{
	struct access access = random_access();
	int rc = expected(model, access.gpa, access.bytes, true);

	for (uint64_t i = 0; i < access.bytes; i++)
		buffer[i] = (uint8_t)random_next(&seed);
	assert_int_equal(keg_mem_write(mem, access.gpa, buffer, access.bytes), rc);
	if (!rc)
		memcpy(model->bytes + access.gpa, buffer, access.bytes);
}

static void try_fill(struct keg_mem *mem, struct model *model)
{
	struct access access = random_access();
	int rc = expected(model, access.gpa, access.bytes, true);
	uint8_t value = (uint8_t)random_next(&seed);

	assert_int_equal(keg_mem_fill(mem, access.gpa, value, access.bytes), rc);
	if (!rc)
		memset(model->bytes + access.gpa, value, access.bytes);
}

static void try_slice(struct keg_mem *mem, const struct model *model)
{
	struct access access = random_access();
	enum keg_access direction = pick(2) ? KEG_ACCESS_WRITE : KEG_ACCESS_READ;
	uint64_t first = access.gpa / PAGE, last = (access.gpa + access.bytes - 1) / PAGE;
	int rc = expected(model, access.gpa, 1, direction == KEG_ACCESS_WRITE);
	void *slice;

	if (!rc && (last >= PAGES || model->region[first] != model->region[last]))
		rc = -EFAULT;
	assert_int_equal(keg_mem_slice(mem, access.gpa, access.bytes, direction, &slice), rc);
	if (rc)
		assert_null(slice);
	else
		assert_memory_equal(slice, model->bytes + access.gpa, access.bytes);
}

/* The whole memory, read page by page, is the model's. */
static void assert_same(struct keg_mem *mem, const struct model *model)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		if (!keg_mem_read(mem, page * PAGE, buffer, PAGE))
			assert_memory_equal(buffer, model->bytes + page * PAGE, PAGE);
	}
}

static void random_accesses_agree_with_the_model(void **state)
{
	struct model *model = malloc(sizeof(*model));
	struct machine machine;

	(void)state;
	assert_non_null(model);
	for (int map = 0; map < MAPS; map++) {
		machine_open(&machine, NULL);
		make_map(machine.mem, model);
		for (int i = 0; i < ACCESSES; i++) {
			try_read(machine.mem, model);
			try_write(machine.mem, model);
			try_fill(machine.mem, model);
			try_slice(machine.mem, model);
		}
		assert_same(machine.mem, model);
		machine_close(&machine);
	}
	free(model);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_accesses_agree_with_the_model),
	};

	require_kvm();
	return cmocka_run_group_tests_name("mem-access-random", tests, NULL, NULL);
}
