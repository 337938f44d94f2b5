/* SPDX-License-Identifier: MIT */
/* Guests that mean harm with the memory-mapped transport: every register, every width. */
#include "testing.h"

#include <pthread.h>

#include "../dev/random.h"
#include "mmio_rig.h"

static int make_rig(void **state)
{
	struct mmio_rig *rig = test_calloc(1, sizeof(*rig));

	mmio_rig_init(rig);
	*state = rig;
	return 0;
}

static int end_rig(void **state)
{
	mmio_rig_fini(*state);
	test_free(*state);
	return 0;
}

/* Either it serves, or it says that it needs a reset; after one it serves. */
static void check_alive(struct mmio_rig *rig)
{
	mmio_start(rig, 0);
	mmio_check_echo(rig, 0);
	mmio_check_echo(rig, 1);
}

/* For each register what it has room for: 0, n - 1, n, and all ones. */
struct sweep {
	const char *name;
	uint32_t offset;
	uint64_t n;
};

static const struct sweep sweeps[] = {
	{"MagicValue", MAGIC_VALUE, 1},
	{"Version", VERSION, 3},
	{"DeviceID", DEVICE_ID, TOY_ID},
	{"VendorID", VENDOR_ID, 1},
	{"DeviceFeatures", DEVICE_FEATURES, 1},
	{"DeviceFeaturesSel", DEVICE_FEATURES_SEL, 2},
	{"DriverFeatures", DRIVER_FEATURES, TOY_FEATURE},
	{"DriverFeaturesSel", DRIVER_FEATURES_SEL, 2},
	{"QueueSel", QUEUE_SEL, TOY_QUEUES},
	{"QueueNumMax", QUEUE_NUM_MAX, TOY_QUEUE_SIZE},
	{"QueueNum", QUEUE_NUM, TOY_QUEUE_SIZE + 1},
	{"QueueReady", QUEUE_READY, 2},
	{"QueueNotify", QUEUE_NOTIFY, TOY_QUEUES},
	{"InterruptStatus", INTERRUPT_STATUS, 4},
	{"InterruptACK", INTERRUPT_ACK, 4},
	{"Status", STATUS, 256},
	{"QueueDescLow", QUEUE_DESC_LOW, 1 << 20},
	{"QueueDescHigh", QUEUE_DESC_HIGH, 1},
	{"QueueDriverLow", QUEUE_DRIVER_LOW, 1 << 20},
	{"QueueDriverHigh", QUEUE_DRIVER_HIGH, 1},
	{"QueueDeviceLow", QUEUE_DEVICE_LOW, 1 << 20},
	{"QueueDeviceHigh", QUEUE_DEVICE_HIGH, 1},
	{"SHMSel", 0x0ac, 1},
	{"SHMLen", SHM_LEN_LOW, 1},
	{"QueueReset", 0x0c0, 2},
	{"ConfigGeneration", CONFIG_GENERATION, 1},
	{"the configuration", CONFIG, 256},
	{"its end", CONFIG + TOY_CONFIG_BYTES - 4, 256},
	{"beyond its end", CONFIG + TOY_CONFIG_BYTES, 256},
	{"the end of the window", KEG_VIRTIO_MMIO_SIZE - 8, 256},
};

/* One access after the other, at each alignment that touches the register. */
static void sweep_register(struct mmio_rig *rig, const struct sweep *sweep)
{
	const uint64_t values[] = {0, sweep->n - 1, sweep->n, UINT64_MAX};
	uint64_t data;

	for (uint32_t bytes = 1; bytes <= 8; bytes *= 2) {
		for (uint32_t shift = 0; shift < 4; shift++) {
			for (int i = 0; i < 4; i++) {
				const uint64_t at = MMIO_ADDRESS + sweep->offset + shift;

				keg_bus_write(rig->bus, at, &values[i], bytes);
				keg_bus_read(rig->bus, at, &data, bytes);
			}
		}
	}
}

/* Before the driver is there, half on its way, and while it is served. */
static void register_is_survived(void **state)
{
	struct mmio_rig *rig = test_calloc(1, sizeof(*rig));

	mmio_rig_init(rig);
	sweep_register(rig, *state);
	check_alive(rig);
	mmio_out(rig, STATUS, 0);
	mmio_out(rig, STATUS, KEG_VIRTIO_ACKNOWLEDGE | KEG_VIRTIO_DRIVER);
	sweep_register(rig, *state);
	check_alive(rig);
	sweep_register(rig, *state);
	if (mmio_in(rig, STATUS) == 15)
		mmio_check_echo(rig, 1);
	check_alive(rig);
	mmio_rig_fini(rig);
	test_free(rig);
}

static void queues_freeze_while_they_are_served(void **state)
{
	static const uint32_t frozen[] = {QUEUE_NUM, QUEUE_READY, QUEUE_DESC_LOW, QUEUE_DESC_HIGH,
		QUEUE_DRIVER_LOW, QUEUE_DRIVER_HIGH, QUEUE_DEVICE_LOW, QUEUE_DEVICE_HIGH};
	static const uint32_t values[] = {0, 1, 16, UINT32_MAX};
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	for (uint32_t queue = 0; queue < TOY_QUEUES; queue++) {
		mmio_out(rig, QUEUE_SEL, queue);
		for (size_t i = 0; i < sizeof(frozen) / sizeof(frozen[0]); i++) {
			for (int j = 0; j < 4; j++)
				mmio_out(rig, frozen[i], values[j]);
			mmio_check_echo(rig, 0);
			mmio_check_echo(rig, 1);
		}
	}
	assert_int_equal(rig->toy.starts, 1);
}

static void features_freeze_once_they_are_agreed_on(void **state)
{
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	mmio_out(rig, DRIVER_FEATURES_SEL, 0);
	mmio_out(rig, DRIVER_FEATURES, UINT32_MAX);
	assert_int_equal(rig->toy.virtio.agreed, KEG_VIRTIO_F_VERSION_1);
	mmio_check_echo(rig, 0);
}

static void notifications_out_of_range_are_ignored(void **state)
{
	static const uint32_t values[] = {TOY_QUEUES, 63, 64, 0xffff, 0x10000, 0x10001, UINT32_MAX};
	struct mmio_rig *rig = *state;

	mmio_start(rig, 0);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		mmio_out(rig, QUEUE_NOTIFY, values[i]);
	assert_int_equal(rig->toy.virtio.queues[0].kicks, 0);
	assert_int_equal(rig->toy.virtio.queues[1].kicks, 0);
	mmio_check_echo(rig, 0);
}

static void resets_in_any_state_are_survived(void **state)
{
	struct mmio_rig *rig = *state;

	for (uint32_t status = 0; status < 256; status++) {
		mmio_out(rig, STATUS, 0);
		mmio_out(rig, STATUS, status);
		mmio_out(rig, STATUS, 0);
		assert_int_equal(mmio_in(rig, STATUS), 0);
		assert_int_equal(mmio_in(rig, INTERRUPT_STATUS), 0);
		mmio_out(rig, STATUS, status);
	}
	check_alive(rig);
}

static void access_at_random(struct mmio_rig *rig, uint64_t *seed)
{
	static const uint32_t likely[] = {0, 1, 2, 3, 11, 15, 64};
	const uint32_t bytes = 1U << random_below(seed, 4);
	uint64_t offset = random_below(seed, KEG_VIRTIO_MMIO_SIZE), data = random_next(seed);

	/* Mostly as a driver would, so that something begins. */
	if (random_below(seed, 4)) {
		offset = sweeps[random_below(seed, sizeof(sweeps) / sizeof(sweeps[0]))].offset;
		data = likely[random_below(seed, sizeof(likely) / sizeof(likely[0]))];
	}
	if (random_below(seed, 4) == 0)
		keg_bus_read(rig->bus, MMIO_ADDRESS + offset, &data, bytes);
	else
		keg_bus_write(rig->bus, MMIO_ADDRESS + offset, &data, bytes);
}

struct vcpu {
	struct mmio_rig *rig;
	uint64_t seed;
	int accesses;
	pthread_t thread;
};

static void *run_vcpu(void *context)
{
	struct vcpu *vcpu = context;

	for (int i = 0; i < vcpu->accesses; i++)
		access_at_random(vcpu->rig, &vcpu->seed);
	return NULL;
}

static void a_million_random_accesses_are_survived(void **state)
{
	struct vcpu vcpu = {.rig = *state, .seed = 21, .accesses = be_quick() ? 100000 : 1000000};

	run_vcpu(&vcpu);
	assert_int_not_equal(vcpu.rig->toy.starts, 0);
	assert_int_equal(vcpu.rig->toy.starts - vcpu.rig->toy.stops, vcpu.rig->toy.virtio.started);
	check_alive(vcpu.rig);
}

static void two_vcpus_at_once_are_survived(void **state)
{
	const int accesses = be_quick() ? 10000 : 100000;
	struct vcpu vcpus[] = {{.rig = *state, .seed = 22, .accesses = accesses},
		{.rig = *state, .seed = 23, .accesses = accesses}};

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&vcpus[i].thread, NULL, run_vcpu, &vcpus[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(vcpus[i].thread, NULL), 0);
	check_alive(*state);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, make_rig, end_rig)

int main(void)
{
	enum { COUNT = sizeof(sweeps) / sizeof(sweeps[0]) };
	const struct CMUnitTest tests[] = {
		WITH_RIG(queues_freeze_while_they_are_served),
		WITH_RIG(features_freeze_once_they_are_agreed_on),
		WITH_RIG(notifications_out_of_range_are_ignored),
		WITH_RIG(resets_in_any_state_are_survived),
		WITH_RIG(a_million_random_accesses_are_survived),
		WITH_RIG(two_vcpus_at_once_are_survived),
	};
	struct CMUnitTest registers[COUNT];
	int failed;

	for (size_t i = 0; i < COUNT; i++)
		registers[i] = (struct CMUnitTest){.name = sweeps[i].name,
			.test_func = register_is_survived,
			.initial_state = (void *)(uintptr_t)&sweeps[i]};
	failed = cmocka_run_group_tests_name("every register", registers, NULL, NULL);
	return failed + cmocka_run_group_tests_name("hostile transport", tests, NULL, NULL);
}
