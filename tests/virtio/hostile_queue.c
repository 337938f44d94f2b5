/* SPDX-License-Identifier: MIT */
/* Drivers that mean harm with whole queues: where they are, and what changes while it is used. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "../dev/random.h"
#include "hostile_rig.h"

enum { SIZE = DRIVER_QUEUE_SIZE, READY = 15, LAYOUT = 0x20000 };

static int make_rig(void **state)
{
	struct hostile_rig *rig = test_calloc(1, sizeof(*rig));

	hostile_rig_init(rig);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	hostile_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* ---- Queues where none can be ---- */

struct layout {
	const char *name;
	const char *words; /* of why the device breaks, or NULL: it starts */
	keg_gpa descriptors, available, used;
};

#define GOOD_D LAYOUT
#define GOOD_A (LAYOUT + 0x1000)
#define GOOD_U (LAYOUT + 0x2000)
#define D(gpa) gpa, GOOD_A, GOOD_U
#define A(gpa) GOOD_D, gpa, GOOD_U
#define U(gpa) GOOD_D, GOOD_A, gpa

static const struct layout layouts[] = {
	{"good ones", NULL, D(GOOD_D)},
	{"descriptors off by one", "descriptor table of a virtqueue is at", D(GOOD_D + 1)},
	{"descriptors off by eight", "descriptor table of a virtqueue is at", D(GOOD_D + 8)},
	{"descriptors in a hole", "there is nothing", D(HOLE)},
	{"descriptors in I/O", "I/O, not memory", D(IO)},
	{"descriptors in read-only memory", "read-only", D(ROM)},
	{"descriptors across a region's end", "region ends", D(HOLE - 16)},
	{"descriptors from one region into the next", "region ends", D(NEXT_REGION - 16)},
	{"descriptors that wrap", "wraps", D(UINT64_MAX - 15)},
	{"descriptors that end at the last address", NULL, D(UINT64_MAX - 16 * SIZE + 1)},
	{"an available ring off by one", "available ring of a virtqueue is at", A(GOOD_A + 1)},
	{"an available ring in a hole", "there is nothing", A(HOLE)},
	{"an available ring in I/O", "I/O, not memory", A(IO)},
	{"an available ring in read-only memory", "read-only", A(ROM)},
	{"an available ring without its event", "region ends", A(HOLE - 4 - 2 * SIZE)},
	{"an available ring that ends with its region", NULL, A(HOLE - 6 - 2 * SIZE)},
	{"an available ring that wraps", "wraps", A(UINT64_MAX - 1)},
	{"a used ring off by two", "used ring of a virtqueue is at", U(GOOD_U + 2)},
	{"a used ring in a hole", "there is nothing", U(HOLE)},
	{"a used ring in I/O", "I/O, not memory", U(IO)},
	{"a used ring in read-only memory", "read-only", U(ROM)},
	{"a used ring without its event", "region ends", U(HOLE - 4 - 8 * SIZE)},
	{"a used ring that ends with its region", NULL, U(HOLE - 8 - 8 * SIZE)},
	{"a used ring that wraps", "wraps", U(UINT64_MAX - 3)},
	{"all in one place", NULL, GOOD_D, GOOD_D, GOOD_D},
};

static void set_address(struct hostile_rig *rig, enum keg_virtio_queue_field low, keg_gpa address)
{
	keg_virtio_set_queue(&rig->toy.virtio, 0, low, (uint32_t)address);
	keg_virtio_set_queue(&rig->toy.virtio, 0, low + 1, (uint32_t)(address >> 32));
}

static void layout_is_survived(void **state)
{
	struct hostile_rig *rig = test_calloc(1, sizeof(*rig));
	const struct layout *layout = *state;
	const char *broken = rig->toy.virtio.broken;

	hostile_rig_init(rig);
	driver_negotiate(&rig->driver, 0);
	driver_set_up_queue(&rig->driver, 0);
	set_address(rig, KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW, layout->descriptors);
	set_address(rig, KEG_VIRTIO_QUEUE_AVAILABLE_LOW, layout->available);
	set_address(rig, KEG_VIRTIO_QUEUE_USED_LOW, layout->used);
	keg_virtio_set_status(&rig->toy.virtio, READY);
	assert_int_equal(keg_virtio_is_broken(&rig->toy.virtio), layout->words != NULL);
	if (layout->words && !strstr(broken, layout->words))
		fail_msg("\"%s\" lacks \"%s\"", broken, layout->words);
	driver_kick(&rig->driver, 0);
	hostile_start(rig, 0);
	hostile_check_alive(rig);
	hostile_rig_fini(rig);
	test_free(rig);
}

/* ---- The queue alone ---- */

static void a_head_in_flight_is_not_taken_again(void **state)
{
	struct hostile_rig *rig = *state;
	struct keg_virtqueue queue;
	struct iovec iov[4];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = 4};

	driver_lay_out(&rig->driver, 0);
	assert_ok(keg_virtqueue_open(
		&queue, rig->driver.memory.mem, &rig->queue->layout, false, false));
	for (int i = 0; i < 3; i++)
		rig->queue->available->ring[i] = 5;
	rig->queue->available->idx = 3;
	assert_int_equal(keg_virtqueue_take(&queue, &chain), 1);
	assert_fails(keg_virtqueue_take(&queue, &chain), EBADMSG, "a second time");
	/* Given back, it may come again: at once, and in any order. */
	keg_virtqueue_give(&queue, 5, 0);
	assert_int_equal(keg_virtqueue_take(&queue, &chain), 1);
}

static void no_more_are_in_flight_than_there_are_descriptors(void **state)
{
	struct hostile_rig *rig = *state;
	struct keg_virtqueue queue;
	struct iovec iov[4];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = 4};

	driver_lay_out(&rig->driver, 0);
	assert_ok(keg_virtqueue_open(
		&queue, rig->driver.memory.mem, &rig->queue->layout, false, false));
	for (uint16_t i = 0; i < SIZE; i++)
		rig->queue->available->ring[i] = i;
	rig->queue->available->idx = SIZE;
	for (int i = 0; i < SIZE; i++)
		assert_int_equal(keg_virtqueue_take(&queue, &chain), 1);
	rig->queue->available->idx++;
	assert_fails(keg_virtqueue_take(&queue, &chain), EBADMSG, "64 in flight");
}

/* Memory that goes away while a queue remembers where it was is not found any more. */
static void memory_that_is_gone_is_not_remembered(void **state)
{
	struct hostile_rig *rig = *state;
	struct keg_mem *mem = rig->driver.memory.mem;
	struct keg_virtqueue queue;
	struct iovec iov[4];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = 4};

	driver_lay_out(&rig->driver, 0);
	assert_ok(keg_virtqueue_open(&queue, mem, &rig->queue->layout, false, false));
	for (uint16_t i = 0; i < 2; i++) {
		rig->queue->available->ring[i] = i;
		rig->queue->descriptors[i] = (struct vring_desc){NEXT_REGION, 16, 0, 0};
	}
	rig->queue->available->idx = 2;
	assert_int_equal(keg_virtqueue_take(&queue, &chain), 1);
	assert_ok(keg_mem_remove(mem, keg_mem_next_region(mem, NEXT_REGION)));
	assert_fails(keg_virtqueue_take(&queue, &chain), EBADMSG, "there is nothing");
}

/* ---- Changes while it is served ---- */

struct flipper {
	struct hostile_rig *rig;
	uint64_t seed;
	pthread_t thread;
	_Atomic bool stop;
};

/* Addresses and lengths that may or may not be. */
static uint64_t pick_address(uint64_t *seed)
{
	static const uint64_t places[] = {
		DATA, TABLE, HOLE - 8, ROM, IO, UINT64_MAX - 7, LAST_REGION, NEXT_REGION - 4};

	return places[random_below(seed, 8)] + random_below(seed, 32);
}

static void flip_descriptor(struct driver_queue *queue, uint64_t *seed)
{
	volatile struct vring_desc *descriptor = &queue->descriptors[random_below(seed, SIZE)];

	switch (random_below(seed, 8)) {
	case 0:
		descriptor->addr = pick_address(seed);
		break;
	case 1:
		descriptor->len = random_below(seed, 4) ? 16 : (uint32_t)random_next(seed);
		break;
	case 2:
		descriptor->flags = (uint16_t)random_below(seed, 8);
		break;
	case 3:
		descriptor->next = (uint16_t)random_below(seed, SIZE + 1);
		break;
	default: /* mostly good ones, so that what is bad is met late */
		descriptor->addr = DATA;
		descriptor->len = 16;
		descriptor->flags = 0;
	}
}

static void flip_ring(struct driver_queue *queue, uint64_t *seed)
{
	volatile struct vring_avail *available = queue->available;
	volatile struct vring_used *used = queue->used;

	switch (random_below(seed, 5)) {
	case 0:
		/* Rarely: else nothing else is ever looked at. */
		if (random_below(seed, 10000) == 0)
			available->idx = (uint16_t)random_next(seed);
		break;
	case 1:
		available->ring[random_below(seed, SIZE)] = (uint16_t)random_below(seed, SIZE + 1);
		break;
	case 2:
		available->ring[SIZE] = (uint16_t)random_next(seed);
		break;
	case 3:
		used->idx = (uint16_t)random_next(seed);
		break;
	default:
		available->flags = (uint16_t)random_below(seed, 2);
	}
}

static void *flip(void *context)
{
	struct flipper *flipper = context;
	struct driver_queue *queue = flipper->rig->queue;

	while (!flipper->stop) {
		flip_descriptor(queue, &flipper->seed);
		flip_ring(queue, &flipper->seed);
	}
	return NULL;
}

/* Or until it has had its time to be. */
static void kick_until_broken(struct hostile_rig *rig)
{
	for (int i = 0; i < 300 && !keg_virtio_is_broken(&rig->toy.virtio); i++) {
		hostile_publish(rig, 1);
		sched_yield();
	}
}

static void fields_that_change_while_served_are_survived(void **state)
{
	static const uint64_t features[] = {
		0, KEG_VIRTIO_F_INDIRECT_DESC, KEG_VIRTIO_F_INDIRECT_DESC | KEG_VIRTIO_F_EVENT_IDX};
	struct hostile_rig *rig = *state;
	struct flipper flipper = {.rig = rig, .seed = 7};
	const int rounds = be_quick() ? 100 : 500;
	int broken = 0;

	hostile_start(rig, 0);
	assert_int_equal(pthread_create(&flipper.thread, NULL, flip, &flipper), 0);
	for (int i = 0; i < rounds; i++) {
		kick_until_broken(rig);
		broken += keg_virtio_is_broken(&rig->toy.virtio);
		hostile_start(rig, features[i % 3]);
	}
	flipper.stop = true;
	assert_int_equal(pthread_join(flipper.thread, NULL), 0);
	assert_in_range(broken, 1, rounds);
	assert_int_not_equal(rig->toy.virtio.queues[0].requests, 0);
	hostile_start(rig, 0);
	hostile_check_alive(rig);
}

/* A driver that never stops adding: there is always one more. */
static void *add_for_ever(void *context)
{
	struct flipper *flipper = context;
	struct driver_queue *queue = flipper->rig->queue;
	const uint16_t *used = (const uint16_t *)&queue->used->idx;

	while (!flipper->stop)
		__atomic_store_n(&queue->available->idx,
			(uint16_t)(__atomic_load_n(used, __ATOMIC_ACQUIRE) + 1), __ATOMIC_RELEASE);
	return NULL;
}

static void a_driver_that_never_stops_adding_can_be_reset(void **state)
{
	struct hostile_rig *rig = *state;
	struct flipper flipper = {.rig = rig};
	uint64_t before;

	hostile_start(rig, 0);
	rig->queue->descriptors[0] = (struct vring_desc){DATA, 16, 0, 0};
	assert_int_equal(pthread_create(&flipper.thread, NULL, add_for_ever, &flipper), 0);
	for (int i = 0; i < 20; i++) {
		before = rig->toy.virtio.queues[0].requests;
		while (rig->toy.virtio.queues[0].requests == before &&
			!keg_virtio_is_broken(&rig->toy.virtio)) {
			driver_kick(&rig->driver, 0);
			sched_yield();
		}
		driver_reset(&rig->driver);
		hostile_start(rig, 0);
	}
	flipper.stop = true;
	assert_int_equal(pthread_join(flipper.thread, NULL), 0);
	hostile_start(rig, 0);
	hostile_check_alive(rig);
}

/* ---- Registers and notifications, from several vCPUs at once ---- */

static void meddle_once(struct keg_virtio *device, uint64_t *seed)
{
	static const uint8_t statuses[] = {0, 3, 11, 15, 15, 15, 0xff};
	const uint32_t index = random_below(seed, 4) ? random_below(seed, 3) : UINT32_MAX;
	const uint32_t value = random_below(seed, 2) ? 1 : (uint32_t)random_next(seed);

	switch (random_below(seed, 5)) {
	case 0:
		keg_virtio_kick(device, index);
		break;
	case 1:
		keg_virtio_set_queue(device, index, random_below(seed, 8), value);
		break;
	case 2:
		keg_virtio_set_features(device, index & 1, index & value & 1);
		break;
	case 3:
		keg_virtio_write_config(device, index, &value, 4);
		break;
	default:
		keg_virtio_set_status(device, statuses[random_below(seed, sizeof(statuses))]);
	}
}

static void *meddle(void *context)
{
	struct flipper *flipper = context;
	const int rounds = be_quick() ? 2000 : 30000;

	for (int i = 0; i < rounds; i++)
		meddle_once(&flipper->rig->toy.virtio, &flipper->seed);
	return NULL;
}

static void vcpus_that_meddle_at_once_are_survived(void **state)
{
	struct flipper flippers[] = {{.rig = *state, .seed = 11}, {.rig = *state, .seed = 12}};
	struct hostile_rig *rig = *state;

	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&flippers[i].thread, NULL, meddle, &flippers[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(flippers[i].thread, NULL), 0);
	assert_in_range(rig->toy.starts, 1, UINT32_MAX);
	hostile_start(rig, 0);
	hostile_check_alive(rig);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	enum { COUNT = sizeof(layouts) / sizeof(layouts[0]) };
	const struct CMUnitTest tests[] = {
		WITH_RIG(a_head_in_flight_is_not_taken_again),
		WITH_RIG(no_more_are_in_flight_than_there_are_descriptors),
		WITH_RIG(memory_that_is_gone_is_not_remembered),
		WITH_RIG(fields_that_change_while_served_are_survived),
		WITH_RIG(a_driver_that_never_stops_adding_can_be_reset),
		WITH_RIG(vcpus_that_meddle_at_once_are_survived),
	};
	struct CMUnitTest places[COUNT];
	int failed;

	for (size_t i = 0; i < COUNT; i++)
		places[i] = (struct CMUnitTest){.name = layouts[i].name,
			.test_func = layout_is_survived,
			.initial_state = (void *)(uintptr_t)&layouts[i]};
	failed = cmocka_run_group_tests_name("queues where none can be", places, NULL, NULL);
	return failed + cmocka_run_group_tests_name("hostile queues", tests, NULL, NULL);
}
