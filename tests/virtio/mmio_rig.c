/* SPDX-License-Identifier: MIT */
/* A driver that knows only registers. */
#include "mmio_rig.h"

#include "testing.h"

#include "base/error.h"

/* The line goes up: the driver looks which queue it was, which here may be all. */
static void set_line(void *context, bool high)
{
	struct mmio_rig *rig = context;

	pthread_mutex_lock(&rig->driver.lock);
	rig->high = high;
	rig->changes++;
	pthread_mutex_unlock(&rig->driver.lock);
	for (uint16_t i = 0; high && i < TOY_QUEUES; i++)
		driver_interrupted(&rig->driver, i);
}

static int bind(void *context, const struct keg_doorbell *doorbell)
{
	struct mmio_rig *rig = context;

	if (rig->bind_error)
		return keg_fail(rig->bind_error, "no doorbells today");
	assert_in_range(rig->bound_count, 0, MMIO_DOORBELLS - 1);
	rig->bound[rig->bound_count++] = *doorbell;
	return 0;
}

static void unbind(void *context, const struct keg_doorbell *doorbell)
{
	struct mmio_rig *rig = context;
	int i = 0;

	while (i < rig->bound_count && rig->bound[i].value != doorbell->value)
		i++;
	assert_in_range(i, 0, rig->bound_count - 1);
	rig->bound[i] = rig->bound[--rig->bound_count];
}

void mmio_rig_init(struct mmio_rig *rig)
{
	const struct keg_irq irq = {set_line, rig};
	const struct keg_doorbells doorbells = {bind, unbind, rig};
	const struct keg_bus_region region = {
		"toy", MMIO_ADDRESS, KEG_VIRTIO_MMIO_SIZE, &keg_virtio_mmio_ops, &rig->mmio};

	memset(rig, 0, sizeof(*rig));
	driver_init(&rig->driver, 1 << 20);
	toy_init(&rig->toy, rig->driver.memory.mem);
	assert_ok(keg_virtio_mmio_init(&rig->mmio, &rig->toy.virtio, &irq, &doorbells));
	keg_virtio_mmio_place(&rig->mmio, MMIO_ADDRESS);
	assert_ok(keg_bus_create("memory", &rig->bus));
	assert_ok(keg_bus_add(rig->bus, &region));
	rig->data = driver_alloc(&rig->driver, 256, 16);
}

void mmio_rig_fini(struct mmio_rig *rig)
{
	keg_bus_destroy(rig->bus);
	toy_fini(&rig->toy);
	assert_int_equal(rig->bound_count, 0);
	keg_virtio_mmio_fini(&rig->mmio);
	driver_fini(&rig->driver);
}

uint32_t mmio_in(struct mmio_rig *rig, uint32_t offset)
{
	uint32_t value;

	keg_bus_read(rig->bus, MMIO_ADDRESS + offset, &value, 4);
	return value;
}

void mmio_out(struct mmio_rig *rig, uint32_t offset, uint32_t value)
{
	keg_bus_write(rig->bus, MMIO_ADDRESS + offset, &value, 4);
}

void mmio_set_up_queue(struct mmio_rig *rig, uint16_t queue)
{
	const struct keg_virtqueue_layout *layout = &rig->driver.queues[queue].layout;

	driver_lay_out(&rig->driver, queue);
	mmio_out(rig, QUEUE_SEL, queue);
	assert_int_equal(mmio_in(rig, QUEUE_READY), 0);
	assert_int_equal(mmio_in(rig, QUEUE_NUM_MAX), TOY_QUEUE_SIZE);
	mmio_out(rig, QUEUE_NUM, layout->size);
	mmio_out(rig, QUEUE_DESC_LOW, (uint32_t)layout->descriptors);
	mmio_out(rig, QUEUE_DESC_HIGH, (uint32_t)(layout->descriptors >> 32));
	mmio_out(rig, QUEUE_DRIVER_LOW, (uint32_t)layout->available);
	mmio_out(rig, QUEUE_DRIVER_HIGH, (uint32_t)(layout->available >> 32));
	mmio_out(rig, QUEUE_DEVICE_LOW, (uint32_t)layout->used);
	mmio_out(rig, QUEUE_DEVICE_HIGH, (uint32_t)(layout->used >> 32));
	mmio_out(rig, QUEUE_READY, 1);
	assert_int_equal(mmio_in(rig, QUEUE_READY), 1);
}

void mmio_start(struct mmio_rig *rig, uint64_t features)
{
	uint32_t status = KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER;

	features |= KEG_VIRTIO_F_VERSION_1;
	rig->driver.event_idx = features & KEG_VIRTIO_F_EVENT_IDX;
	mmio_out(rig, STATUS, 0);
	assert_int_equal(mmio_in(rig, STATUS), 0);
	mmio_out(rig, STATUS, status);
	for (uint32_t word = 0; word < 2; word++) {
		mmio_out(rig, DRIVER_FEATURES_SEL, word);
		mmio_out(rig, DRIVER_FEATURES, (uint32_t)(features >> 32 * word));
	}
	status |= KEG_VIRTIO_FEATURES_OK;
	mmio_out(rig, STATUS, status);
	assert_int_equal(mmio_in(rig, STATUS), status);
	for (uint16_t i = 0; i < TOY_QUEUES; i++)
		mmio_set_up_queue(rig, i);
	status |= KEG_VIRTIO_DRIVER_OK;
	mmio_out(rig, STATUS, status);
	assert_int_equal(mmio_in(rig, STATUS), status);
}

void mmio_check_echo(struct mmio_rig *rig, uint16_t queue)
{
	const struct driver_buffer buffers[] = {{rig->data, 6, false}, {rig->data + 128, 64, true}};
	uint8_t *host = driver_host(&rig->driver, rig->data, 256);
	struct driver_used used;
	uint16_t head;

	memcpy(host, "hello\n", 6);
	memset(host + 128, 0, 64);
	mmio_out(rig, INTERRUPT_ACK, UINT32_MAX);
	head = driver_add(&rig->driver, queue, buffers, 2);
	driver_publish(&rig->driver, queue);
	mmio_out(rig, QUEUE_NOTIFY, queue);
	driver_wait_used(&rig->driver, queue, 1);
	used = driver_take_used(&rig->driver, queue);
	assert_int_equal(used.id, head);
	assert_int_equal(used.bytes, 6);
	assert_memory_equal(host + 128, "hello\n", 7);
}
