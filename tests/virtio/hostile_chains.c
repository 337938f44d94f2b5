/* SPDX-License-Identifier: MIT */
/*
 * Chains that break the rules, one each: the device says that it needs a reset, and after one it
 * serves as before. And chains that look as if they broke one: they are served.
 */
#include "testing.h"

#include "hostile_rig.h"

enum {
	N = VRING_DESC_F_NEXT,
	W = VRING_DESC_F_WRITE,
	I = VRING_DESC_F_INDIRECT,
	SIZE = DRIVER_QUEUE_SIZE,
	NOT_AGREED = 1, /* no indirect tables */
	EVENTS = 2,
};

/* What a hostile driver does. */
struct chain {
	const char *name;
	const char *words; /* of why the device breaks, or NULL: it serves */
	struct vring_desc descriptors[4], table[4];
	uint16_t head, count; /* heads to publish: 0 is one */
	unsigned how;
	void (*spoil)(struct hostile_rig *rig); /* what else it does before it publishes */
};

#define ONE(gpa, bytes, flags)  .descriptors = {{gpa, bytes, flags, 0}}
#define INDIRECT_AT(gpa, bytes) ONE(gpa, bytes, I)
#define INDIRECT(bytes)         INDIRECT_AT(TABLE, bytes)

/* All descriptors of the queue in a circle, of `bytes` each. */
static void link_circle(struct hostile_rig *rig, uint32_t bytes)
{
	for (uint16_t i = 0; i < SIZE; i++)
		rig->queue->descriptors[i] =
			(struct vring_desc){DATA, bytes, N, (uint16_t)((i + 1) % SIZE)};
}

static void circle_of_all(struct hostile_rig *rig)
{
	link_circle(rig, 1);
}

static void circle_of_empty_ones(struct hostile_rig *rig)
{
	link_circle(rig, 0);
}

/* An indirect table of `count` buffers of a byte. */
static void long_table(struct hostile_rig *rig, uint32_t count)
{
	struct vring_desc *table = driver_host(&rig->driver, TABLE, 16 * count);

	for (uint16_t i = 0; i < count; i++)
		table[i] = (struct vring_desc){DATA, 1, i + 1U < count ? N : 0, (uint16_t)(i + 1)};
	rig->queue->descriptors[0] = (struct vring_desc){TABLE, 16 * count, I, 0};
}

static void table_as_long_as_there_is_room(struct hostile_rig *rig)
{
	long_table(rig, TOY_CAPACITY);
}

static void table_longer_than_there_is_room(struct hostile_rig *rig)
{
	long_table(rig, TOY_CAPACITY + 1);
}

static void table_of_the_longest(struct hostile_rig *rig)
{
	long_table(rig, KEG_VIRTQUEUE_MAX);
}

/* The table is the queue's own. */
static void table_is_the_queue(struct hostile_rig *rig)
{
	rig->queue->descriptors[0] =
		(struct vring_desc){rig->queue->layout.descriptors, 16 * SIZE, I, 0};
}

/* A buffer to read, and one to write that is a ring. */
static void write_to(struct hostile_rig *rig, keg_gpa ring)
{
	rig->queue->descriptors[0] = (struct vring_desc){DATA, 64, N, 1};
	rig->queue->descriptors[1] = (struct vring_desc){ring, 64, W, 0};
}

static void write_to_the_descriptors(struct hostile_rig *rig)
{
	write_to(rig, rig->queue->layout.descriptors);
}

static void write_to_the_used_ring(struct hostile_rig *rig)
{
	write_to(rig, rig->queue->layout.used);
}

static void write_huge_index_to_the_available_ring(struct hostile_rig *rig)
{
	memset(driver_host(&rig->driver, DATA, 64), 0xff, 64);
	write_to(rig, rig->queue->layout.available);
}

static void events_out_of_range(struct hostile_rig *rig)
{
	rig->queue->descriptors[0] = (struct vring_desc){DATA, 1, 0, 0};
	rig->queue->available->flags = 0xfffe;
}

static const struct chain chains[] = {
	/* Heads */
	{"a head beyond the queue", "head 64 of 64", .head = SIZE},
	{"the largest head", "head 65535 of 64", .head = UINT16_MAX},
	{"an index one too far", "65 new heads", .count = SIZE + 1},
	{"an index half the circle away", "32768 new heads", .count = 0x8000},
	{"an index that went back", "65535 new heads", .count = UINT16_MAX},
	{"the same head as often as there are descriptors", NULL, ONE(DATA, 1, 0), .count = SIZE},
	{"descriptors of zeros", NULL, ONE(0, 0, 0)},

	/* Links */
	{"a link to itself", "circle", .descriptors = {{DATA, 1, N, 0}}},
	{"a circle of two", "circle", .descriptors = {{DATA, 1, N, 1}, {DATA, 1, N, 0}}},
	{"a circle of three to write", "circle",
		.descriptors = {{DATA, 1, N | W, 1}, {DATA, 1, N | W, 2}, {DATA, 1, N | W, 1}}},
	{"a circle of all", "circle", .spoil = circle_of_all},
	{"a circle of empty ones", "circle", .spoil = circle_of_empty_ones},
	{"a circle from buffers to write back to one to read", "follows one to write",
		.descriptors = {{DATA, 1, N, 1}, {DATA, 1, N | W, 0}}},
	{"a link one beyond the queue", "descriptor 64 of 64", .descriptors = {{DATA, 1, N, SIZE}}},
	{"the largest link", "descriptor 65535 of 64", .descriptors = {{DATA, 1, N, UINT16_MAX}}},
	{"a link that is not followed", NULL, .descriptors = {{DATA, 1, 0, UINT16_MAX}}},

	/* Order */
	{"one to read after one to write", "follows one to write",
		.descriptors = {{DATA, 1, N | W, 1}, {DATA, 1, 0, 0}}},
	{"an empty one to read after one to write", "follows one to write",
		.descriptors = {{DATA, 1, N | W, 1}, {DATA, 0, 0, 0}}},
	{"the same in a table", "follows one to write", INDIRECT(32),
		.table = {{DATA, 1, N | W, 1}, {DATA, 1, 0, 0}}},
	{"a table to read from after one to write", "follows one to write",
		.descriptors = {{DATA, 1, N | W, 1}, {TABLE, 16, I, 0}},
		.table = {{DATA, 1, 0, 0}}},

	/* Lengths and addresses */
	{"the largest length", "region ends", ONE(DATA, UINT32_MAX, 0)},
	{"2^32 bytes together", "2^32 bytes",
		.descriptors = {{DATA, 1, N, 1}, {DATA, UINT32_MAX, W, 0}}},
	{"2^33 bytes together", "2^32 bytes",
		.descriptors = {{DATA, 0x8000, N, 1}, {DATA, UINT32_MAX, N, 2},
			{DATA, UINT32_MAX, 0, 0}}},
	{"an empty buffer nowhere", NULL, ONE(UINT64_MAX, 0, 0)},
	{"a buffer that wraps", "wraps", ONE(UINT64_MAX - 7, 16, 0)},
	{"a buffer that ends at the last address", NULL, ONE(LAST_REGION, REGION_BYTES, W)},
	{"the last address", NULL, ONE(UINT64_MAX, 1, W)},
	{"one beyond the last address", "wraps", ONE(LAST_REGION, REGION_BYTES + 1, W)},
	{"a buffer that ends where memory does", NULL, ONE(HOLE - 16, 16, W)},
	{"a byte beyond where memory ends", "region ends", ONE(HOLE - 16, 17, W)},
	{"a buffer from one region into the next", "region ends", ONE(NEXT_REGION - 8, 16, W)},
	{"one that ends at a region's end, and one that begins there", NULL,
		.descriptors = {{NEXT_REGION - 8, 8, N, 1}, {NEXT_REGION, 8, W, 0}}},
	{"a buffer in a hole", "there is nothing", ONE(HOLE, 1, 0)},
	{"a buffer across a hole", "region ends", ONE(HOLE - 1, ROM - HOLE + 2, 0)},
	{"a buffer far away", "there is nothing", ONE(UINT64_C(1) << 48, 1, 0)},
	{"I/O to read from", "I/O, not memory", ONE(IO, 16, 0)},
	{"I/O to write to", "I/O, not memory", ONE(IO, 16, W)},
	{"read-only memory to write to", "read-only", ONE(ROM, 16, W)},
	{"read-only memory to read from", NULL, ONE(ROM, 16, 0)},
	{"read-only memory to write to, after reading it", "read-only",
		.descriptors = {{ROM, 16, N, 1}, {ROM, 16, W, 0}}},
	{"flags that there are none of", NULL, ONE(DATA, 1, 0xfff8)},

	/* Tables */
	{"a table that was not agreed on", "not agreed", INDIRECT(16), .how = NOT_AGREED},
	{"a table in a table", "within an indirect table", INDIRECT(16),
		.table = {{TABLE, 16, I, 0}}},
	{"a table in a table, later", "within an indirect table", INDIRECT(32),
		.table = {{DATA, 1, N, 1}, {TABLE, 16, I, 0}}},
	{"a table that is the queue's", "within an indirect table", .spoil = table_is_the_queue},
	{"a table with a descriptor after it", "follows one of an indirect",
		.descriptors = {{TABLE, 16, I | N, 1}}},
	{"a table of no bytes", "of 0 bytes", INDIRECT(0)},
	{"a table of 1 byte", "of 1 bytes", INDIRECT(1)},
	{"a table one byte short", "of 15 bytes", INDIRECT(15)},
	{"a table one byte too long", "of 17 bytes", INDIRECT(17)},
	{"a table of too many", "of 16400 bytes", INDIRECT(16 * (KEG_VIRTQUEUE_MAX + 1))},
	{"the longest table", "of 4294967280 bytes", INDIRECT(0xfffffff0)},
	{"a table in a hole", "there is nothing", INDIRECT_AT(HOLE, 16)},
	{"a table across a region's end", "region ends", INDIRECT_AT(HOLE - 16, 32)},
	{"a table that wraps", "wraps", INDIRECT_AT(UINT64_MAX - 15, 32)},
	{"a table in I/O", "I/O, not memory", INDIRECT_AT(IO, 16)},
	{"a table in read-only memory", NULL, INDIRECT_AT(ROM, 16)},
	{"a table at an odd address", NULL, INDIRECT_AT(DATA + 1, 16)},
	{"a table whose flags say it is written", NULL, .descriptors = {{TABLE, 16, I | W, 0}}},
	{"a circle in a table", "circle", INDIRECT(32),
		.table = {{DATA, 1, N, 1}, {DATA, 1, N, 0}}},
	{"a circle of empty ones in a table", "circle", INDIRECT(16), .table = {{DATA, 0, N, 0}}},
	{"a link beyond the table", "descriptor 2 of 2", INDIRECT(32), .table = {{DATA, 1, N, 2}}},
	{"the largest link in a table", "descriptor 65535 of 1", INDIRECT(16),
		.table = {{DATA, 1, N, UINT16_MAX}}},
	{"a table of zeros at the last addresses", NULL, INDIRECT_AT(LAST_REGION, 64)},
	{"as many buffers as there is room for", NULL, .spoil = table_as_long_as_there_is_room},
	{"one buffer too many", "more than 128 buffers", .spoil = table_longer_than_there_is_room},
	{"a thousand buffers", "more than 128 buffers", .spoil = table_of_the_longest},

	/* Rings as buffers */
	{"writing to the descriptors", NULL, .spoil = write_to_the_descriptors},
	{"writing to the used ring", NULL, .spoil = write_to_the_used_ring},
	{"writing to the available ring", "new heads",
		.spoil = write_huge_index_to_the_available_ring},

	/* What tells when to interrupt */
	{"flags of the available ring that there are none of", NULL, .spoil = events_out_of_range},
	{"the same with events", NULL, .spoil = events_out_of_range, .how = EVENTS},
};

static void run_chain(struct hostile_rig *rig, const struct chain *chain)
{
	const uint16_t count = chain->count ? chain->count : 1;

	hostile_start(rig, (chain->how & NOT_AGREED ? 0 : KEG_VIRTIO_F_INDIRECT_DESC) |
				   (chain->how & EVENTS ? KEG_VIRTIO_F_EVENT_IDX : 0));
	memcpy(rig->queue->descriptors, chain->descriptors, sizeof(chain->descriptors));
	memcpy(driver_host(&rig->driver, TABLE, 64), chain->table, sizeof(chain->table));
	for (uint16_t i = 0; i < SIZE; i++)
		rig->queue->available->ring[i] = chain->head;
	if (chain->spoil)
		chain->spoil(rig);
	hostile_publish(rig, count);
	if (!chain->words) {
		driver_wait_used(&rig->driver, 0, count);
		while (driver_count_used(&rig->driver, 0))
			driver_take_used(&rig->driver, 0);
		assert_string_equal(rig->toy.virtio.broken, "");
		return;
	}
	driver_wait_broken(&rig->driver);
	if (!strstr(rig->toy.virtio.broken, chain->words))
		fail_msg("\"%s\" lacks \"%s\"", rig->toy.virtio.broken, chain->words);
}

static void chain_is_survived(void **state)
{
	struct hostile_rig *rig = test_calloc(1, sizeof(*rig));

	hostile_rig_init(rig);
	run_chain(rig, *state);
	hostile_check_alive(rig);
	hostile_rig_fini(rig);
	test_free(rig);
}

int main(void)
{
	enum { COUNT = sizeof(chains) / sizeof(chains[0]) };
	struct CMUnitTest tests[COUNT];

	for (size_t i = 0; i < COUNT; i++)
		tests[i] = (struct CMUnitTest){.name = chains[i].name,
			.test_func = chain_is_survived,
			.initial_state = (void *)(uintptr_t)&chains[i]};
	return cmocka_run_group_tests_name("hostile chains", tests, NULL, NULL);
}
