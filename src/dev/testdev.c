/* SPDX-License-Identifier: MIT */
/* The devices for test suites. */
#include "dev/testdev.h"

#include <string.h>

#include "base/error.h"

/* The ports: where what begins, and its bytes. */
enum {
	LATCH = 0,
	FORGET_PAGE = 4,
	LATCH_BYTES = 8, /* the latch again, for accesses of single bytes */
	EACH = 4,
};

/* Where in the latch an offset is; NULL if it is not in it. */
static uint8_t *latch_byte(struct keg_testdev *testdev, uint64_t offset)
{
	if (offset - LATCH < EACH || offset - LATCH_BYTES < EACH)
		return &testdev->latch[offset % EACH];
	return NULL;
}

static uint64_t read_ports(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_testdev *testdev = device;
	uint64_t value = 0;

	pthread_mutex_lock(&testdev->lock);
	for (uint32_t i = 0; i < bytes; i++) {
		const uint8_t *byte = latch_byte(testdev, offset + i);

		if (byte)
			value |= (uint64_t)*byte << 8 * i;
	}
	pthread_mutex_unlock(&testdev->lock);
	return value;
}

static void write_ports(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_testdev *testdev = device;

	if (offset == FORGET_PAGE) {
		if (testdev->config.forget_page)
			testdev->config.forget_page(testdev->config.context, (uint32_t)value);
		return;
	}
	pthread_mutex_lock(&testdev->lock);
	for (uint32_t i = 0; i < bytes; i++) {
		uint8_t *byte = latch_byte(testdev, offset + i);

		if (byte)
			*byte = (uint8_t)(value >> 8 * i);
	}
	pthread_mutex_unlock(&testdev->lock);
}

/* A port for each line, whatever the width: what is written, if not 0, raises it. */
static void write_lines(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_testdev *testdev = device;

	(void)bytes;
	pthread_mutex_lock(&testdev->lock);
	keg_irq_set(&testdev->config.lines[offset], value != 0);
	pthread_mutex_unlock(&testdev->lock);
}

static uint64_t read_memory(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_testdev *testdev = device;
	uint64_t value = 0;

	pthread_mutex_lock(&testdev->lock);
	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)testdev->memory[offset + i] << 8 * i;
	pthread_mutex_unlock(&testdev->lock);
	return value;
}

static void write_memory(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_testdev *testdev = device;

	pthread_mutex_lock(&testdev->lock);
	for (uint32_t i = 0; i < bytes; i++)
		testdev->memory[offset + i] = (uint8_t)(value >> 8 * i);
	pthread_mutex_unlock(&testdev->lock);
}

const struct keg_bus_ops keg_testdev_ports_ops = {read_ports, write_ports};
const struct keg_bus_ops keg_testdev_lines_ops = {.write = write_lines};
const struct keg_bus_ops keg_testdev_memory_ops = {read_memory, write_memory};

int keg_testdev_init(struct keg_testdev *testdev, const struct keg_testdev_config *config)
{
	int error;

	memset(testdev, 0, sizeof(*testdev));
	testdev->config = *config;
	error = pthread_mutex_init(&testdev->lock, NULL);
	if (error)
		return keg_fail_errno(error, "making a lock for the test devices");
	return 0;
}

void keg_testdev_fini(struct keg_testdev *testdev)
{
	pthread_mutex_destroy(&testdev->lock);
}
