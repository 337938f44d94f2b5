/* SPDX-License-Identifier: MIT */
/* The driver's side of a virtio device: rings, chains and waiting. */
#include "driver.h"

#include <time.h>

#include "testing.h"

/* ---- What the device tells ---- */

void driver_interrupted(struct driver *driver, uint16_t queue)
{
	pthread_mutex_lock(&driver->lock);
	driver->queues[queue].interrupts++;
	pthread_cond_broadcast(&driver->told);
	pthread_mutex_unlock(&driver->lock);
}

static void on_interrupt(void *transport, uint16_t queue)
{
	driver_interrupted(transport, queue);
}

static void on_config_changed(void *transport)
{
	struct driver *driver = transport;

	pthread_mutex_lock(&driver->lock);
	driver->config_changes++;
	pthread_cond_broadcast(&driver->told);
	pthread_mutex_unlock(&driver->lock);
}

static void on_serving(void *transport, bool begins)
{
	struct driver *driver = transport;

	pthread_mutex_lock(&driver->lock);
	driver->serving += begins ? 1 : -1;
	pthread_mutex_unlock(&driver->lock);
}

const struct keg_virtio_transport_ops driver_transport_ops = {
	.interrupt = on_interrupt,
	.config_changed = on_config_changed,
	.serving = on_serving,
};

/* Waits, until `is_so` holds, for whatever the device tells. */
static void wait_until(struct driver *driver, uint16_t queue, unsigned count,
	bool (*is_so)(struct driver *driver, uint16_t queue, unsigned count), const char *what)
{
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += DRIVER_SECONDS;
	pthread_mutex_lock(&driver->lock);
	while (!is_so(driver, queue, count) && rc == 0)
		rc = pthread_cond_timedwait(&driver->told, &driver->lock, &end);
	pthread_mutex_unlock(&driver->lock);
	if (rc)
		fail_msg("queue %u: no %s of %u in %d s; status 0x%x (%s)", queue, what, count,
			DRIVER_SECONDS, driver->device ? keg_virtio_get_status(driver->device) : 0,
			driver->device ? driver->device->broken : "");
}

/* ---- Making ---- */

void driver_init(struct driver *driver, uint64_t bytes)
{
	pthread_condattr_t attr;

	memset(driver, 0, sizeof(*driver));
	guest_memory_init(&driver->memory, bytes);
	driver->bytes = bytes;
	driver->next_free = 0x1000;
	driver->size = DRIVER_QUEUE_SIZE;
	assert_int_equal(pthread_mutex_init(&driver->lock, NULL), 0);
	assert_int_equal(pthread_condattr_init(&attr), 0);
	assert_int_equal(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC), 0);
	assert_int_equal(pthread_cond_init(&driver->told, &attr), 0);
	pthread_condattr_destroy(&attr);
}

void driver_fini(struct driver *driver)
{
	if (driver->device)
		driver_reset(driver);
	guest_memory_fini(&driver->memory);
	pthread_cond_destroy(&driver->told);
	pthread_mutex_destroy(&driver->lock);
}

void *driver_host(struct driver *driver, keg_gpa gpa, uint64_t bytes)
{
	void *host;

	assert_ok(keg_mem_slice(driver->memory.mem, gpa, bytes, KEG_ACCESS_READ, &host));
	return host;
}

keg_gpa driver_alloc(struct driver *driver, uint64_t bytes, uint64_t alignment)
{
	const keg_gpa gpa = (driver->next_free + alignment - 1) / alignment * alignment;

	driver->next_free = gpa + bytes;
	assert_true(driver->next_free <= driver->bytes);
	memset(driver_host(driver, gpa, bytes), 0, bytes);
	return gpa;
}

void driver_set_size(struct driver *driver, uint16_t size)
{
	driver->size = size;
}

/* ---- The way to DRIVER_OK ---- */

void driver_attach(struct driver *driver, struct keg_virtio *device)
{
	driver->device = device;
	assert_in_range(device->queue_count, 1, DRIVER_QUEUES);
	keg_virtio_attach(device, &driver_transport_ops, driver);
}

void driver_reset(struct driver *driver)
{
	keg_virtio_set_status(driver->device, 0);
	assert_int_equal(keg_virtio_get_status(driver->device), 0);
}

void driver_negotiate(struct driver *driver, uint64_t features)
{
	uint8_t status = KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER;

	features |= KEG_VIRTIO_F_VERSION_1;
	driver->event_idx = features & KEG_VIRTIO_F_EVENT_IDX;
	driver->has_indirect = features & KEG_VIRTIO_F_INDIRECT_DESC;
	driver_reset(driver);
	keg_virtio_set_status(driver->device, KEG_VIRTIO_ACKNOWLEDGE);
	keg_virtio_set_status(driver->device, status);
	keg_virtio_set_features(driver->device, 0, (uint32_t)features);
	keg_virtio_set_features(driver->device, 1, (uint32_t)(features >> 32));
	status |= KEG_VIRTIO_FEATURES_OK;
	keg_virtio_set_status(driver->device, status);
	assert_int_equal(keg_virtio_get_status(driver->device), status);
}

void driver_lay_out(struct driver *driver, uint16_t index)
{
	struct driver_queue *queue = &driver->queues[index];
	struct keg_virtqueue_layout *layout = &queue->layout;
	const uint16_t size = driver->size;
	const uint64_t available = 6U + 2U * size, used = 6U + 8U * size;

	/* The place that it had is used again, if it is as large. */
	if (layout->size != size) {
		layout->size = size;
		layout->descriptors = driver_alloc(driver, 16U * size, 16);
		layout->available = driver_alloc(driver, available, 2);
		layout->used = driver_alloc(driver, used, 4);
		queue->descriptors = driver_host(driver, layout->descriptors, 16U * size);
		queue->available = driver_host(driver, layout->available, available);
		queue->used = driver_host(driver, layout->used, used);
	}
	memset(queue->descriptors, 0, 16U * size);
	memset(queue->available, 0, available);
	memset(queue->used, 0, used);
	queue->next_descriptor = queue->published = queue->added = queue->last_used = 0;
}

void driver_set_up_queue(struct driver *driver, uint16_t index)
{
	const struct keg_virtqueue_layout *layout = &driver->queues[index].layout;
	struct keg_virtio_queue_state state;

	keg_virtio_get_queue(driver->device, index, &state);
	assert_int_not_equal(state.max_size, 0);
	if (driver->size > state.max_size)
		driver->size = state.max_size;
	driver_lay_out(driver, index);

	const struct {
		enum keg_virtio_queue_field field;
		uint64_t value;
	} writes[] = {
		{KEG_VIRTIO_QUEUE_SIZE, layout->size},
		{KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW, layout->descriptors & UINT32_MAX},
		{KEG_VIRTIO_QUEUE_DESCRIPTORS_HIGH, layout->descriptors >> 32},
		{KEG_VIRTIO_QUEUE_AVAILABLE_LOW, layout->available & UINT32_MAX},
		{KEG_VIRTIO_QUEUE_AVAILABLE_HIGH, layout->available >> 32},
		{KEG_VIRTIO_QUEUE_USED_LOW, layout->used & UINT32_MAX},
		{KEG_VIRTIO_QUEUE_USED_HIGH, layout->used >> 32},
		{KEG_VIRTIO_QUEUE_ENABLE, 1},
	};
	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++)
		keg_virtio_set_queue(
			driver->device, index, writes[i].field, (uint32_t)writes[i].value);
}

void driver_ready(struct driver *driver)
{
	keg_virtio_set_status(
		driver->device, keg_virtio_get_status(driver->device) | KEG_VIRTIO_DRIVER_OK);
	if (keg_virtio_is_broken(driver->device))
		fail_msg("the device broke: %s", driver->device->broken);
}

void driver_start(struct driver *driver, struct keg_virtio *device, uint64_t features)
{
	driver_attach(driver, device);
	driver_negotiate(driver, features);
	for (uint16_t i = 0; i < device->queue_count; i++)
		driver_set_up_queue(driver, i);
	driver_ready(driver);
}

/* ---- Giving ---- */

/* Descriptors for the buffers, from `first` on in a table of `size`, each linked to the next. */
static void fill_table(struct vring_desc *table, uint16_t first, uint16_t size,
	const struct driver_buffer *buffers, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const uint16_t at = (uint16_t)((first + i) % size);

		table[at] = (struct vring_desc){
			.addr = buffers[i].address,
			.len = buffers[i].bytes,
			.flags = (uint16_t)((buffers[i].writable ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < count ? VRING_DESC_F_NEXT : 0)),
			.next = (uint16_t)((at + 1) % size),
		};
	}
}

void driver_add_head(struct driver *driver, uint16_t index, uint16_t head)
{
	struct driver_queue *queue = &driver->queues[index];

	queue->available->ring[queue->added++ % queue->layout.size] = head;
}

/* The first of `count` descriptors, which are the next ones. */
static uint16_t next_descriptors(struct driver_queue *queue, unsigned count)
{
	const uint16_t first = queue->next_descriptor;

	assert_in_range(count, 1, queue->layout.size);
	queue->next_descriptor = (uint16_t)((first + count) % queue->layout.size);
	return first;
}

uint16_t driver_add(
	struct driver *driver, uint16_t index, const struct driver_buffer *buffers, unsigned count)
{
	struct driver_queue *queue = &driver->queues[index];
	const uint16_t head = next_descriptors(queue, count);

	fill_table(queue->descriptors, head, queue->layout.size, buffers, count);
	driver_add_head(driver, index, head);
	return head;
}

uint16_t driver_add_indirect(
	struct driver *driver, uint16_t index, const struct driver_buffer *buffers, unsigned count)
{
	struct driver_queue *queue = &driver->queues[index];
	const uint16_t head = next_descriptors(queue, 1);
	keg_gpa table = queue->tables[head].address;

	if (queue->tables[head].count < count) {
		table = queue->tables[head].address = driver_alloc(driver, 16U * count, 16);
		queue->tables[head].count = count;
	}
	fill_table(driver_host(driver, table, 16U * count), 0, (uint16_t)count, buffers, count);
	queue->descriptors[head] = (struct vring_desc){
		.addr = table, .len = 16U * count, .flags = VRING_DESC_F_INDIRECT};
	driver_add_head(driver, index, head);
	return head;
}

void driver_publish(struct driver *driver, uint16_t index)
{
	struct driver_queue *queue = &driver->queues[index];

	queue->published = queue->added;
	__atomic_store_n(&queue->available->idx, queue->published, __ATOMIC_SEQ_CST);
}

bool driver_must_kick(struct driver *driver, uint16_t index, uint16_t before)
{
	const struct driver_queue *queue = &driver->queues[index];
	const __virtio16 *event =
		(const __virtio16 *)(const void *)&queue->used->ring[queue->layout.size];

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (driver->event_idx)
		return vring_need_event(
			__atomic_load_n(event, __ATOMIC_RELAXED), queue->published, before);
	return !(__atomic_load_n(&queue->used->flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY);
}

void driver_kick(struct driver *driver, uint16_t index)
{
	keg_virtio_kick(driver->device, index);
}

/* ---- Getting back ---- */

uint16_t driver_count_used(struct driver *driver, uint16_t index)
{
	const struct driver_queue *queue = &driver->queues[index];

	return (uint16_t)(__atomic_load_n(&queue->used->idx, __ATOMIC_SEQ_CST) - queue->last_used);
}

static bool has_used(struct driver *driver, uint16_t index, unsigned count)
{
	return driver_count_used(driver, index) >= count;
}

void driver_wait_used(struct driver *driver, uint16_t index, uint16_t count)
{
	struct driver_queue *queue = &driver->queues[index];

	/* Whether agreed or not: the field is there. */
	__atomic_store_n(&queue->available->ring[queue->layout.size],
		(uint16_t)(queue->last_used + count - 1), __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wait_until(driver, index, count, has_used, "used entry");
}

struct driver_used driver_take_used(struct driver *driver, uint16_t index)
{
	struct driver_queue *queue = &driver->queues[index];
	const struct vring_used_elem *entry;

	assert_int_not_equal(driver_count_used(driver, index), 0);
	entry = &queue->used->ring[queue->last_used++ % queue->layout.size];
	return (struct driver_used){entry->id, entry->len};
}

uint32_t driver_request(
	struct driver *driver, uint16_t index, const struct driver_buffer *buffers, unsigned count)
{
	const uint16_t before = driver->queues[index].published;
	const uint16_t head = driver_add(driver, index, buffers, count);
	struct driver_used used;

	driver_publish(driver, index);
	if (driver_must_kick(driver, index, before))
		driver_kick(driver, index);
	driver_wait_used(driver, index, 1);
	used = driver_take_used(driver, index);
	assert_int_equal(used.id, head);
	return used.bytes;
}

static bool was_interrupted(struct driver *driver, uint16_t index, unsigned count)
{
	return driver->queues[index].interrupts >= count;
}

void driver_wait_interrupts(struct driver *driver, uint16_t index, unsigned count)
{
	wait_until(driver, index, count, was_interrupted, "interrupt");
}

static bool has_changed(struct driver *driver, uint16_t index, unsigned count)
{
	(void)index;
	return driver->config_changes >= count;
}

void driver_wait_config_changes(struct driver *driver, unsigned count)
{
	wait_until(driver, 0, count, has_changed, "change of configuration");
}

static bool is_broken(struct driver *driver, uint16_t index, unsigned count)
{
	(void)index, (void)count;
	return keg_virtio_is_broken(driver->device);
}

void driver_wait_broken(struct driver *driver)
{
	wait_until(driver, 0, 1, is_broken, "need of a reset");
}
