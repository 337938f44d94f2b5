/* SPDX-License-Identifier: MIT */
/* A toy for drivers that mean harm. */
#include "hostile_rig.h"

#include "testing.h"

static void add_region(
	struct hostile_rig *rig, uint64_t gpa, enum keg_backing backing, uint32_t flags)
{
	const struct keg_region_config config = {
		.size = sizeof(config),
		.gpa = gpa,
		.bytes = REGION_BYTES,
		.backing = backing,
		.flags = flags,
		.name = "test",
	};

	assert_ok(keg_mem_add(rig->driver.memory.mem, &config, NULL));
}

void hostile_rig_init(struct hostile_rig *rig)
{
	memset(rig, 0, sizeof(*rig));
	driver_init(&rig->driver, MEMORY);
	add_region(rig, NEXT_REGION, KEG_BACKING_ANONYMOUS, 0);
	add_region(rig, ROM, KEG_BACKING_ANONYMOUS, KEG_REGION_READONLY);
	add_region(rig, IO, KEG_BACKING_NONE, 0);
	add_region(rig, LAST_REGION, KEG_BACKING_ANONYMOUS, 0);
	assert_int_equal(driver_alloc(&rig->driver, DATA_BYTES, 4096), DATA);
	toy_init(&rig->toy, rig->driver.memory.mem);
	driver_attach(&rig->driver, &rig->toy.virtio);
	rig->queue = &rig->driver.queues[0];
}

void hostile_rig_fini(struct hostile_rig *rig)
{
	driver_fini(&rig->driver);
	toy_fini(&rig->toy);
}

void hostile_start(struct hostile_rig *rig, uint64_t features)
{
	driver_start(&rig->driver, &rig->toy.virtio, features);
}

void hostile_publish(struct hostile_rig *rig, uint16_t count)
{
	rig->queue->added = (uint16_t)(rig->queue->added + count);
	driver_publish(&rig->driver, 0);
	driver_kick(&rig->driver, 0);
}

void hostile_check_echo(struct hostile_rig *rig)
{
	const struct driver_buffer buffers[] = {{DATA, 6, false}, {DATA + 128, 64, true}};
	uint8_t *host = driver_host(&rig->driver, DATA, 256);

	for (uint16_t i = 0; i < TOY_QUEUES; i++) {
		memcpy(host, "hello\n", 6);
		memset(host + 128, 0, 64);
		assert_int_equal(driver_request(&rig->driver, i, buffers, 2), 6);
		assert_memory_equal(host + 128, "hello\n", 7);
	}
}

void hostile_check_alive(struct hostile_rig *rig)
{
	if (keg_virtio_is_broken(&rig->toy.virtio))
		hostile_start(rig, 0);
	hostile_check_echo(rig);
}
