/* SPDX-License-Identifier: MIT */
/* What tests of address spaces begin with: a sandbox's memory, and one space in it. */
#ifndef KEG_TESTS_USER_SPACE_FIXTURE_H
#define KEG_TESTS_USER_SPACE_FIXTURE_H

#include <errno.h>
#include <sys/mman.h>

#include <keg/host.h>

#include "testing.h"
#include "user/object.h"
#include "user/space.h"

enum { PAGE = 4096 };
#define MIB (1ull << 20)

struct world {
	struct keg_host *host;
	struct keg_pages *pages;
	struct keg_object_cache *objects;
	struct keg_machine_lore lore;
	struct keg_space *space;
};

/* Setup and teardown; *state is a struct world. The teardown checks that no page is lost. */
int open_world(void **state);
int close_world(void **state);

/* A further space, empty. */
struct keg_space *make_space(struct world *world);

/* Memory at a place, or anywhere (0); the address. */
uint64_t map_memory(struct keg_space *space, uint64_t at, uint64_t length, int protection);
/* A file of the host's, open for reading and writing and without a name, with these bytes. */
int make_file(const void *bytes, size_t length);
/* Maps it; flags are MAP_PRIVATE or MAP_SHARED. */
uint64_t map_file(
	struct world *world, int fd, uint64_t length, int protection, int flags, uint64_t offset);

void put32(struct keg_space *space, uint64_t at, uint32_t value);
uint32_t get32(struct keg_space *space, uint64_t at);

/* Pages in use, of all. */
uint64_t pages_used(const struct world *world);

#endif
