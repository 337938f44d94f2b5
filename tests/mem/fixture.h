/* SPDX-License-Identifier: MIT */
/* What tests of guest memory begin with: a machine, and its map, each test its own. */
#ifndef KEG_TESTS_MEM_FIXTURE_H
#define KEG_TESTS_MEM_FIXTURE_H

#include <sys/mman.h>

#include "machine.h"
#include "testing.h"

enum { PAGE = 4096 };

/* Setup and teardown: *state is a struct machine with an empty map, and a kick signal. */
static inline int open_machine(void **state)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	assert_non_null(machine);
	machine_open(machine, NULL);
	*state = machine;
	return 0;
}

static inline int close_machine(void **state)
{
	machine_close(*state);
	free(*state);
	return 0;
}

/* Fresh memory of this process, page-aligned; ends with drop_pages(). */
static inline uint8_t *take_pages(size_t pages)
{
	void *host = mmap(
		NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(host, MAP_FAILED);
	return host;
}

static inline void drop_pages(void *host, size_t pages)
{
	assert_int_equal(munmap(host, pages * PAGE), 0);
}

/* A test on a machine of its own. */
#define machine_test(name) cmocka_unit_test_setup_teardown(name, open_machine, close_machine)

#endif
