/* SPDX-License-Identifier: MIT */
/* Making virtio PCI functions: of every size and kind, and those that cannot be. */
#include "testing.h"

#include <errno.h>

#include "virtio/pci.h"

enum { MEMORY = 0xc0000000, PORTS = 0xc000 };

struct machine {
	struct keg_bus *ports, *memory;
	struct keg_pci_bus bus;
	struct keg_virtio_class class;
	struct keg_virtio virtio;
	struct keg_virtio_pci pci;
	uint8_t config[8192];
};

static int make(void **state)
{
	static const struct keg_pci_window window = {
		MEMORY, MEMORY + 0x20000, PORTS, PORTS + 0x100};
	struct machine *m = test_calloc(1, sizeof(*m));

	assert_ok(keg_bus_create("port", &m->ports));
	assert_ok(keg_bus_create("memory", &m->memory));
	assert_ok(keg_pci_init(&m->bus, m->ports, m->memory, &window));
	*state = m;
	return 0;
}

static int end(void **state)
{
	struct machine *m = *state;

	keg_pci_fini(&m->bus);
	keg_bus_destroy(m->ports);
	keg_bus_destroy(m->memory);
	test_free(m);
	return 0;
}

static void make_device(struct machine *m, uint32_t id, uint16_t queues, uint32_t config_bytes)
{
	const struct keg_virtio_config config = {
		.class = &m->class,
		.queue_count = queues,
		.queue_size = 16,
		.config = m->config,
		.config_bytes = config_bytes,
	};

	m->class = (struct keg_virtio_class){.name = "made", .id = id};
	assert_ok(keg_virtio_init(&m->virtio, &config));
}

static int make_function(struct machine *m, uint8_t slot, bool ports)
{
	const struct keg_virtio_pci_config config = {
		.device = &m->virtio, .bus = &m->bus, .slot = slot, .ports = ports};

	return keg_virtio_pci_init(&m->pci, &config);
}

static void unmake(struct machine *m)
{
	keg_virtio_pci_fini(&m->pci);
	/* Twice is once. */
	keg_virtio_pci_fini(&m->pci);
	keg_virtio_fini(&m->virtio);
}

static void the_class_follows_the_kind_of_device(void **state)
{
	static const struct {
		uint32_t id, class_code;
	} kinds[] = {{1, 0x020000}, {2, 0x018000}, {3, 0x078000}, {4, 0x00ff00}, {63, 0x00ff00}};
	struct machine *m = *state;
	uint32_t value = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		/* The window is as large as one needs, twice: it is new each time. */
		m->bus.next_memory = MEMORY;
		make_device(m, kinds[i].id, 1, 0);
		assert_ok(make_function(m, 1, false));
		value = (uint32_t)keg_pci_ecam_ops.read(&m->bus, 1 << 15, 4);
		assert_int_equal(value, (0x1040 + kinds[i].id) << 16 | 0x1af4);
		value = (uint32_t)keg_pci_ecam_ops.read(&m->bus, (1 << 15) + 8, 4);
		assert_int_equal(value, kinds[i].class_code << 8 | 1);
		unmake(m);
		assert_int_equal(keg_pci_ecam_ops.read(&m->bus, 1 << 15, 4), UINT32_MAX);
	}
}

static void a_device_may_have_1024_queues(void **state)
{
	struct machine *m = *state;

	make_device(m, 1, 1024, 4096);
	assert_int_equal(keg_virtio_pci_vectors(&m->virtio), 1025);
	assert_ok(make_function(m, 0, true));
	/* Too many for ports: then there are none. */
	assert_int_equal(m->pci.function.bars[2].kind, KEG_PCI_BAR_NONE);
	unmake(m);
	make_device(m, 1, 1025, 0);
	assert_fails(make_function(m, 0, false), EINVAL, "1025 queues");
	unmake(m);
	make_device(m, 1, 1, 4097);
	assert_fails(make_function(m, 0, false), EINVAL, "4097 bytes");
	unmake(m);
}

static void a_bar_of_ports_is_as_large_as_it_need_be(void **state)
{
	static const struct {
		uint16_t queues;
		uint32_t ports;
	} cases[] = {{1, 4}, {2, 8}, {3, 16}, {33, 256}, {64, 256}, {65, 0}};
	struct machine *m = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		m->bus.next_memory = MEMORY;
		m->bus.next_port = PORTS;
		make_device(m, 1, cases[i].queues, 0);
		assert_ok(make_function(m, 0, true));
		assert_int_equal(m->pci.function.bars[2].size, cases[i].ports);
		unmake(m);
	}
}

static void where_there_is_no_place_there_is_no_function(void **state)
{
	struct machine *m = *state;

	make_device(m, 2, 1, 8);
	assert_fails(make_function(m, 32, false), EINVAL, "slot 32");
	m->bus.next_memory = MEMORY + 0x18000;
	assert_fails(make_function(m, 0, false), ENOSPC, "no room for made");
	assert_null(m->virtio.transport_ops);
	m->bus.next_memory = MEMORY;
	assert_ok(make_function(m, 0, true));
	assert_non_null(m->virtio.transport_ops);
	unmake(m);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		TEST(the_class_follows_the_kind_of_device),
		TEST(a_device_may_have_1024_queues),
		TEST(a_bar_of_ports_is_as_large_as_it_need_be),
		TEST(where_there_is_no_place_there_is_no_function),
	};

	return cmocka_run_group_tests_name("making virtio pci", tests, NULL, NULL);
}
