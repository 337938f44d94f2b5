/* SPDX-License-Identifier: MIT */
/* A virtqueue with a driver that keeps the rules: virtio 1.2, section 2.7. */
#include "testing.h"

#include <errno.h>

#include "driver.h"

enum { SIZE = 16, CAPACITY = 64 };

/* A queue that the test itself serves, in place of a device. */
struct rig {
	struct driver driver;
	struct keg_virtqueue queue;
	struct iovec iov[CAPACITY];
	struct keg_virtio_chain chain;
	keg_gpa data; /* 64 KiB */
	uint8_t *host;
};

static void open_queue(struct rig *rig, bool event_idx, bool indirect)
{
	driver_set_size(&rig->driver, SIZE);
	driver_lay_out(&rig->driver, 0);
	rig->driver.event_idx = event_idx;
	assert_ok(keg_virtqueue_open(&rig->queue, rig->driver.memory.mem,
		&rig->driver.queues[0].layout, event_idx, indirect));
}

static int make_rig(void **state)
{
	struct rig *rig = test_calloc(1, sizeof(*rig));

	driver_init(&rig->driver, 1 << 20);
	rig->data = driver_alloc(&rig->driver, 1 << 16, 4096);
	rig->host = driver_host(&rig->driver, rig->data, 1 << 16);
	rig->chain = (struct keg_virtio_chain){.iov = rig->iov, .capacity = CAPACITY};
	open_queue(rig, false, true);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	struct rig *rig = *state;

	driver_fini(&rig->driver);
	test_free(rig);
	return 0;
}

static struct driver_buffer buffer(
	const struct rig *rig, uint32_t at, uint32_t bytes, bool writable)
{
	return (struct driver_buffer){rig->data + at, bytes, writable};
}

static void publish(struct rig *rig)
{
	driver_publish(&rig->driver, 0);
}

static int take(struct rig *rig)
{
	return keg_virtqueue_take(&rig->queue, &rig->chain);
}

/* Adds a chain of one buffer to write, and takes it; returns its head. */
static uint16_t hand_over(struct rig *rig)
{
	struct driver_buffer one = buffer(rig, 0, 16, true);
	uint16_t head = driver_add(&rig->driver, 0, &one, 1);

	publish(rig);
	assert_int_equal(take(rig), 1);
	assert_int_equal(rig->chain.head, head);
	return head;
}

static void an_empty_queue_has_nothing(void **state)
{
	assert_int_equal(take(*state), 0);
}

static void what_is_not_published_is_not_taken(void **state)
{
	struct rig *rig = *state;
	struct driver_buffer one = buffer(rig, 0, 16, true);

	driver_add(&rig->driver, 0, &one, 1);
	assert_int_equal(take(rig), 0);
	publish(rig);
	assert_int_equal(take(rig), 1);
	assert_int_equal(take(rig), 0);
}

static void check_three_buffers(struct rig *rig)
{
	assert_int_equal(take(rig), 1);
	assert_int_equal(rig->chain.readable, 2);
	assert_int_equal(rig->chain.writable, 1);
	assert_int_equal(rig->chain.readable_bytes, 16 + 512);
	assert_int_equal(rig->chain.writable_bytes, 100);
	assert_ptr_equal(rig->iov[0].iov_base, rig->host);
	assert_int_equal(rig->iov[0].iov_len, 16);
	assert_ptr_equal(rig->iov[1].iov_base, rig->host + 0x1000);
	assert_int_equal(rig->iov[1].iov_len, 512);
	assert_ptr_equal(rig->iov[2].iov_base, rig->host + 0x2001);
	assert_int_equal(rig->iov[2].iov_len, 100);
}

static void a_chain_is_its_buffers_in_order(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer buffers[] = {buffer(rig, 0, 16, false),
		buffer(rig, 0x1000, 512, false), buffer(rig, 0x2001, 100, true)};

	assert_int_equal(driver_add(&rig->driver, 0, buffers, 3), 0);
	publish(rig);
	check_three_buffers(rig);
	assert_int_equal(rig->chain.head, 0);
}

static void an_indirect_table_is_the_same_chain(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer buffers[] = {buffer(rig, 0, 16, false),
		buffer(rig, 0x1000, 512, false), buffer(rig, 0x2001, 100, true)};

	driver_add_indirect(&rig->driver, 0, buffers, 3);
	publish(rig);
	check_three_buffers(rig);
}

/* Section 2.7.5.3.2: normal descriptors may come before an indirect one, whose write flag and
 * alignment say nothing. */
static void an_indirect_table_may_end_a_chain(void **state)
{
	struct rig *rig = *state;
	struct driver_queue *queue = &rig->driver.queues[0];
	const struct driver_buffer buffers[] = {buffer(rig, 0x1000, 512, false),
		buffer(rig, 0x2001, 100, true), buffer(rig, 0, 1, true)};
	struct vring_desc table[2];

	driver_add(&rig->driver, 0, buffers, 3);
	memcpy(table, &queue->descriptors[0], sizeof(table));
	table[0].next = 1;
	table[1].flags = VRING_DESC_F_WRITE;
	memcpy(rig->host + 0x3001, table, sizeof(table));
	queue->descriptors[0] = (struct vring_desc){rig->data, 16, VRING_DESC_F_NEXT, 7};
	queue->descriptors[7] = (struct vring_desc){
		rig->data + 0x3001, sizeof(table), VRING_DESC_F_INDIRECT | VRING_DESC_F_WRITE, 9};
	publish(rig);
	check_three_buffers(rig);
}

static void a_chain_may_have_as_many_buffers_as_the_queue(void **state)
{
	struct rig *rig = *state;
	struct driver_buffer buffers[SIZE];

	for (unsigned i = 0; i < SIZE; i++)
		buffers[i] = buffer(rig, i * 8, 8, i >= 3);
	driver_add(&rig->driver, 0, buffers, SIZE);
	publish(rig);
	assert_int_equal(take(rig), 1);
	assert_int_equal(rig->chain.readable, 3);
	assert_int_equal(rig->chain.writable, SIZE - 3);
}

static void empty_buffers_are_left_out(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer buffers[] = {{UINT64_MAX, 0, false}, buffer(rig, 0, 16, false),
		{1, 0, true}, buffer(rig, 16, 4, true), {UINT64_MAX, 0, true}};

	driver_add(&rig->driver, 0, buffers, 5);
	publish(rig);
	assert_int_equal(take(rig), 1);
	assert_int_equal(rig->chain.readable, 1);
	assert_int_equal(rig->chain.writable, 1);
}

static void what_is_given_back_is_in_the_used_ring(void **state)
{
	struct rig *rig = *state;
	struct driver_used used;
	uint16_t heads[3];

	for (int i = 0; i < 3; i++)
		heads[i] = hand_over(rig);
	/* In any order. */
	keg_virtqueue_give(&rig->queue, heads[2], 7);
	keg_virtqueue_give(&rig->queue, heads[0], UINT32_MAX);
	assert_int_equal(driver_count_used(&rig->driver, 0), 2);
	used = driver_take_used(&rig->driver, 0);
	assert_int_equal(used.id, heads[2]);
	assert_int_equal(used.bytes, 7);
	used = driver_take_used(&rig->driver, 0);
	assert_int_equal(used.id, heads[0]);
	assert_int_equal(used.bytes, UINT32_MAX);
	assert_int_equal(rig->queue.in_flight, 1);
}

static void what_is_put_is_unseen_until_it_is_published(void **state)
{
	struct rig *rig = *state;
	uint16_t heads[2] = {hand_over(rig), hand_over(rig)};

	for (int i = 0; i < 2; i++)
		keg_virtqueue_put(&rig->queue, heads[i], 1);
	assert_int_equal(driver_count_used(&rig->driver, 0), 0);
	keg_virtqueue_publish(&rig->queue);
	assert_int_equal(driver_count_used(&rig->driver, 0), 2);
}

/* Indices run from 0 to 65535 and on to 0, entries from 0 to the size. */
static void indices_wrap(void **state)
{
	struct rig *rig = *state;
	struct driver_used used;

	for (uint32_t i = 0; i < 0x10000 + 3 * SIZE; i++) {
		uint16_t head = hand_over(rig);

		keg_virtqueue_give(&rig->queue, head, i);
		used = driver_take_used(&rig->driver, 0);
		assert_int_equal(used.id, head);
		assert_int_equal(used.bytes, i);
	}
}

static void a_queue_may_be_full(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < SIZE; i++)
		hand_over(rig);
	assert_int_equal(take(rig), 0);
	for (uint16_t i = 0; i < SIZE; i++)
		keg_virtqueue_give(&rig->queue, i, 0);
	hand_over(rig);
}

static void without_events_flags_tell_who_wants_to_hear(void **state)
{
	struct rig *rig = *state;
	struct driver_queue *queue = &rig->driver.queues[0];

	assert_false(keg_virtqueue_must_interrupt(&rig->queue));
	keg_virtqueue_give(&rig->queue, hand_over(rig), 0);
	assert_true(keg_virtqueue_must_interrupt(&rig->queue));
	/* Once. */
	assert_false(keg_virtqueue_must_interrupt(&rig->queue));
	queue->available->flags = VRING_AVAIL_F_NO_INTERRUPT;
	keg_virtqueue_give(&rig->queue, hand_over(rig), 0);
	assert_false(keg_virtqueue_must_interrupt(&rig->queue));

	keg_virtqueue_hush(&rig->queue);
	assert_false(driver_must_kick(&rig->driver, 0, queue->published));
	assert_false(keg_virtqueue_listen(&rig->queue));
	assert_true(driver_must_kick(&rig->driver, 0, queue->published));
}

/* Section 2.7.7.2: an interrupt when the used index passes the event, and only then. */
static void with_events_the_driver_hears_of_the_one_it_asked_for(void **state)
{
	struct rig *rig = *state;
	__virtio16 *event;

	open_queue(rig, true, false);
	event = &rig->driver.queues[0].available->ring[SIZE];
	*event = 2;
	for (int i = 0; i < 5; i++) {
		keg_virtqueue_give(&rig->queue, hand_over(rig), 0);
		assert_int_equal(keg_virtqueue_must_interrupt(&rig->queue), i == 2);
	}
	/* In the middle of a batch. */
	*event = 6;
	for (int i = 0; i < 4; i++)
		keg_virtqueue_give(&rig->queue, hand_over(rig), 0);
	assert_true(keg_virtqueue_must_interrupt(&rig->queue));
	*event = 8;
	assert_false(keg_virtqueue_must_interrupt(&rig->queue));
}

/* Section 2.7.10, the other way round. */
static void with_events_the_device_hears_of_the_next_chain(void **state)
{
	struct rig *rig = *state;
	struct driver_buffer one = buffer(rig, 0, 16, true);
	uint16_t before;

	open_queue(rig, true, false);
	assert_false(keg_virtqueue_listen(&rig->queue));
	before = rig->driver.queues[0].published;
	driver_add(&rig->driver, 0, &one, 1);
	publish(rig);
	assert_true(driver_must_kick(&rig->driver, 0, before));
	keg_virtqueue_hush(&rig->queue);
	assert_int_equal(take(rig), 1);
	before = rig->driver.queues[0].published;
	driver_add(&rig->driver, 0, &one, 1);
	publish(rig);
	assert_false(driver_must_kick(&rig->driver, 0, before));
	/* It came while nobody listened: who begins to is told. */
	assert_true(keg_virtqueue_listen(&rig->queue));
}

static void copies_go_across_buffers(void **state)
{
	struct rig *rig = *state;
	const struct driver_buffer buffers[] = {buffer(rig, 0, 3, false),
		buffer(rig, 0x100, 5, false), buffer(rig, 0x200, 2, true),
		buffer(rig, 0x300, 6, true)};
	char text[9] = "";

	memcpy(rig->host, "abc", 3);
	memcpy(rig->host + 0x100, "defgh", 5);
	driver_add(&rig->driver, 0, buffers, 4);
	publish(rig);
	assert_int_equal(take(rig), 1);
	assert_int_equal(keg_virtio_chain_read(&rig->chain, 0, text, 100), 8);
	assert_string_equal(text, "abcdefgh");
	assert_int_equal(keg_virtio_chain_read(&rig->chain, 2, text, 2), 2);
	assert_memory_equal(text, "cd", 2);
	assert_int_equal(keg_virtio_chain_read(&rig->chain, 3, text, 1), 1);
	assert_memory_equal(text, "d", 1);
	assert_int_equal(keg_virtio_chain_read(&rig->chain, 8, text, 1), 0);
	assert_int_equal(keg_virtio_chain_read(&rig->chain, SIZE_MAX, text, 1), 0);
	assert_int_equal(keg_virtio_chain_write(&rig->chain, 1, "12345678", 8), 7);
	assert_int_equal(rig->host[0x200], 0);
	assert_int_equal(rig->host[0x201], '1');
	assert_memory_equal(rig->host + 0x300, "234567", 7);
	/* What is only read was not written. */
	assert_memory_equal(rig->host, "abc", 3);
}

static void a_layout_that_cannot_be_is_refused(void **state)
{
	struct rig *rig = *state;
	const struct keg_virtqueue_layout good = rig->driver.queues[0].layout;
	const struct {
		struct keg_virtqueue_layout layout;
		int error;
		const char *words;
	} cases[] = {
		{{0, good.descriptors, good.available, good.used}, EINVAL, "power of two"},
		{{3, good.descriptors, good.available, good.used}, EINVAL, "power of two"},
		{{2048, good.descriptors, good.available, good.used}, EINVAL, "power of two"},
		{{16, good.descriptors + 8, good.available, good.used}, EINVAL, "descriptor table"},
		{{16, good.descriptors, good.available + 1, good.used}, EINVAL, "available ring"},
		{{16, good.descriptors, good.available, good.used + 2}, EINVAL, "used ring"},
		{{16, 1 << 20, good.available, good.used}, EFAULT, "descriptor table"},
		{{16, (1 << 20) - 240, good.available, good.used}, EFAULT, "region ends"},
		{{16, good.descriptors, UINT64_MAX - 1, good.used}, EFAULT, "available ring"},
		{{16, good.descriptors, (1 << 20) - 36, good.used}, EFAULT, "available ring"},
		{{16, good.descriptors, good.available, (1 << 20) - 132}, EFAULT, "used ring"},
	};
	struct keg_virtqueue queue;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_fails(keg_virtqueue_open(&queue, rig->driver.memory.mem, &cases[i].layout,
				     false, false),
			cases[i].error, cases[i].words);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_RIG(an_empty_queue_has_nothing),
		WITH_RIG(what_is_not_published_is_not_taken),
		WITH_RIG(a_chain_is_its_buffers_in_order),
		WITH_RIG(an_indirect_table_is_the_same_chain),
		WITH_RIG(an_indirect_table_may_end_a_chain),
		WITH_RIG(a_chain_may_have_as_many_buffers_as_the_queue),
		WITH_RIG(empty_buffers_are_left_out),
		WITH_RIG(what_is_given_back_is_in_the_used_ring),
		WITH_RIG(what_is_put_is_unseen_until_it_is_published),
		WITH_RIG(indices_wrap),
		WITH_RIG(a_queue_may_be_full),
		WITH_RIG(without_events_flags_tell_who_wants_to_hear),
		WITH_RIG(with_events_the_driver_hears_of_the_one_it_asked_for),
		WITH_RIG(with_events_the_device_hears_of_the_next_chain),
		WITH_RIG(copies_go_across_buffers),
		WITH_RIG(a_layout_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests_name("virtqueue", tests, NULL, NULL);
}
