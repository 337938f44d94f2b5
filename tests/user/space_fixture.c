/* SPDX-License-Identifier: MIT */
/* What tests of address spaces begin with. */
#include "user/space_fixture.h"

#include <signal.h>

#include <keg/vcpu.h>

int open_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	assert_ok(keg_kick_install(SIGRTMIN));
	assert_ok(keg_host_create(NULL, &world->host));
	assert_ok(keg_pages_create(256 * MIB, &world->pages));
	assert_ok(keg_object_cache_create(world->pages, &world->objects));
	world->space = make_space(world);
	*state = world;
	return 0;
}

int close_world(void **state)
{
	struct world *world = *state;

	keg_space_destroy(world->space);
	keg_machine_lore_fini(&world->lore);
	keg_object_cache_destroy(world->objects);
	assert_int_equal(pages_used(world), 0);
	keg_pages_destroy(world->pages);
	keg_host_destroy(world->host);
	free(world);
	return 0;
}

struct keg_space *make_space(struct world *world)
{
	struct keg_space *space;

	assert_ok(keg_space_create(world->host, world->pages, &world->lore, &space));
	return space;
}

uint64_t map_memory(struct keg_space *space, uint64_t at, uint64_t length, int protection)
{
	const struct keg_mapping mapping = {
		.at = at,
		.length = length,
		.protection = protection,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | (at ? MAP_FIXED : 0),
	};
	const int64_t result = keg_space_map(space, &mapping);

	assert_true(result > 0);
	return (uint64_t)result;
}

int make_file(const void *bytes, size_t length)
{
	const int fd = memfd_create("mapped", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, 0), length);
	return fd;
}

uint64_t map_file(
	struct world *world, int fd, uint64_t length, int protection, int flags, uint64_t offset)
{
	struct keg_mapping mapping = {
		.length = length,
		.protection = protection,
		.flags = flags,
		.offset = offset,
	};
	int64_t result;

	assert_ok(keg_object_of_file(world->objects, fd, flags == MAP_SHARED, &mapping.object));
	result = keg_space_map(world->space, &mapping);
	keg_object_release(mapping.object);
	assert_true(result > 0);
	return (uint64_t)result;
}

void put32(struct keg_space *space, uint64_t at, uint32_t value)
{
	assert_ok(keg_space_write(space, at, &value, sizeof(value)));
}

uint32_t get32(struct keg_space *space, uint64_t at)
{
	uint32_t value = 0;

	assert_ok(keg_space_read(space, &value, at, sizeof(value)));
	return value;
}

uint64_t pages_used(const struct world *world)
{
	struct keg_pages_usage usage;

	keg_pages_usage(world->pages, &usage);
	return usage.used / PAGE;
}
