/* SPDX-License-Identifier: MIT */
/* Guests that mean harm: every device, at its place on a bus, under all that can be asked of it. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "dev/cmos.h"
#include "dev/debug_exit.h"
#include "dev/ioapic.h"
#include "dev/pl011.h"
#include "dev/power.h"
#include "dev/pvpanic.h"
#include "dev/reset.h"
#include "dev/testdev.h"
#include "dev/uart16550.h"
#include "random.h"

enum {
	PORTS = 0x1000,
	LINES = 0x2000,
	PL011 = 0x9000000,
	IOAPIC = 0x9100000,
	TESTS = 0x9200000,
	ACCESSES = 1000000, /* random ones */
};

struct machine {
	struct keg_bus *ports, *memory;
	struct keg_uart16550 uart16550;
	struct keg_pl011 pl011;
	struct keg_cmos cmos;
	struct keg_debug_exit debug_exit;
	struct keg_power power;
	struct keg_reset reset;
	struct keg_i8042 i8042;
	struct keg_pvpanic pvpanic;
	struct keg_testdev testdev;
	struct keg_ioapic ioapic;
	struct pin {
		struct machine *machine;
		uint32_t number;
	} pins[KEG_IOAPIC_PINS];
	_Atomic unsigned outputs, ready, interrupts, endings, panics, messages, changes;
};

static void output(void *context, const void *bytes, size_t count)
{
	(void)bytes;
	((struct machine *)context)->outputs += (unsigned)count;
}

static void ready(void *context)
{
	((struct machine *)context)->ready++;
}

static void interrupt(void *context, bool high)
{
	((struct machine *)context)->interrupts += high;
}

static void ended(void *context)
{
	((struct machine *)context)->endings++;
}

static void ended_with(void *context, uint32_t status)
{
	assert_int_equal(status & 1, 1);
	ended(context);
}

static void panicked(void *context, uint32_t events)
{
	assert_in_range(events, 1, 3);
	((struct machine *)context)->panics++;
}

/* The guest's own lines, and the I/O APIC's. */
static void set_pin(void *context, bool high)
{
	struct pin *pin = context;

	keg_ioapic_set(&pin->machine->ioapic, pin->number, high);
}

static void message(void *context, uint64_t address, uint32_t data)
{
	assert_int_equal(address >> 20, 0xfee);
	assert_int_equal(data >> 16, 0);
	((struct machine *)context)->messages++;
}

static void changed(void *context)
{
	struct machine *m = context;
	uint64_t address;
	uint32_t data;
	bool idle;

	for (uint32_t pin = 0; pin < KEG_IOAPIC_PINS; pin++)
		keg_ioapic_get_message(&m->ioapic, pin, &address, &data, &idle);
	m->changes++;
}

static uint64_t now(void *context)
{
	(void)context;
	/* The last that there is: the year 2554. */
	return UINT64_MAX;
}

static void make_devices(struct machine *m)
{
	struct keg_console console = {output, ready, m};
	struct keg_irq irq = {interrupt, m};
	struct keg_cmos_clock clock = {now, m};
	struct keg_power_config power = {ended, now, m, irq};
	struct keg_ioapic_output ioapic = {message, changed, m};
	struct keg_testdev_config testdev = {.forget_page = NULL};

	for (uint32_t i = 0; i < KEG_TESTDEV_LINES; i++) {
		m->pins[i] = (struct pin){m, i};
		testdev.lines[i] = (struct keg_irq){set_pin, &m->pins[i]};
	}
	m->debug_exit = (struct keg_debug_exit){ended_with, m};
	m->pvpanic = (struct keg_pvpanic){panicked, m};
	m->reset.line = m->i8042.line = (struct keg_reset_line){ended, m};
	assert_ok(keg_uart16550_init(&m->uart16550, &console, &irq));
	assert_ok(keg_pl011_init(&m->pl011, &console, &irq));
	assert_ok(keg_cmos_init(&m->cmos, &clock));
	assert_ok(keg_power_init(&m->power, &power));
	assert_ok(keg_ioapic_init(&m->ioapic, &ioapic));
	assert_ok(keg_testdev_init(&m->testdev, &testdev));
}

static int make_machine(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	const struct keg_bus_region ports[] = {
		{"i8042 data", 0x60, 1, &keg_i8042_data_ops, &m->i8042},
		{"i8042 command", 0x64, 1, &keg_i8042_command_ops, &m->i8042},
		{"cmos", 0x70, KEG_CMOS_SIZE, &keg_cmos_ops, &m->cmos},
		{"tests", 0xe0, KEG_TESTDEV_PORTS_SIZE, &keg_testdev_ports_ops, &m->testdev},
		{"debug exit", 0xf4, KEG_DEBUG_EXIT_SIZE, &keg_debug_exit_ops, &m->debug_exit},
		{"uart", 0x3f8, KEG_UART16550_SIZE, &keg_uart_ops, &m->uart16550},
		{"panic", 0x505, KEG_PVPANIC_SIZE, &keg_pvpanic_ops, &m->pvpanic},
		{"power", 0x600, KEG_POWER_SIZE, &keg_power_ops, &m->power},
		{"reset", 0xcf9, 1, &keg_reset_ops, &m->reset},
		{"lines", LINES, KEG_TESTDEV_LINES_SIZE, &keg_testdev_lines_ops, &m->testdev},
	};
	const struct keg_bus_region memory[] = {
		{"pl011", PL011, KEG_PL011_SIZE, &keg_uart_ops, &m->pl011},
		{"I/O APIC", IOAPIC, KEG_IOAPIC_SIZE, &keg_ioapic_ops, &m->ioapic},
		{"tests", TESTS, KEG_TESTDEV_MEMORY_SIZE, &keg_testdev_memory_ops, &m->testdev},
	};

	make_devices(m);
	assert_ok(keg_bus_create("port", &m->ports));
	assert_ok(keg_bus_create("memory", &m->memory));
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_ok(keg_bus_add(m->ports, &ports[i]));
	for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++)
		assert_ok(keg_bus_add(m->memory, &memory[i]));
	*state = m;
	return 0;
}

static int end_machine(void **state)
{
	struct machine *m = *state;

	keg_bus_destroy(m->ports);
	keg_bus_destroy(m->memory);
	keg_uart_fini(&m->uart16550.uart);
	keg_uart_fini(&m->pl011.uart);
	keg_cmos_fini(&m->cmos);
	keg_power_fini(&m->power);
	keg_ioapic_fini(&m->ioapic);
	keg_testdev_fini(&m->testdev);
	test_free(m);
	return 0;
}

/* Every address of [start, start + count) in every width, written with `value` and read. */
static void sweep(struct keg_bus *bus, uint64_t start, uint64_t count, uint64_t value)
{
	uint64_t data;

	for (uint64_t address = start; address < start + count; address++) {
		for (uint32_t bytes = 1; bytes <= 8; bytes++) {
			keg_bus_write(bus, address, &value, bytes);
			keg_bus_read(bus, address, &data, bytes);
		}
	}
}

static void every_access_of_every_width_is_survived(void **state)
{
	static const uint64_t values[] = {0, UINT64_MAX, 0x5555555555555555, 0};
	struct machine *m = *state;

	for (int i = 0; i < 4; i++) {
		sweep(m->ports, 0, PORTS, values[i]);
		sweep(m->ports, LINES - 8, KEG_TESTDEV_LINES_SIZE + 16, values[i]);
		sweep(m->memory, PL011 - 8, KEG_PL011_SIZE + 16, values[i]);
		sweep(m->memory, IOAPIC - 8, KEG_IOAPIC_SIZE + 16, values[i]);
		sweep(m->memory, TESTS + KEG_TESTDEV_MEMORY_SIZE - 16, 32, values[i]);
	}
	/* Each of the devices was reached. */
	assert_true(m->outputs && m->interrupts && m->endings && m->panics);
}

/* An address of the places', each as often as the others. */
static uint64_t address_at_random(uint64_t *seed, bool memory)
{
	static const struct {
		uint32_t start, size;
	} ports[] = {{0x60, 8}, {0x70, 2}, {0xe0, 12}, {0xf4, 4}, {0x3f8, 8}, {0x505, 1},
		{0x600, 12}, {0xcf8, 2}, {LINES, KEG_TESTDEV_LINES_SIZE}},
	  places[] = {{PL011, 0x50}, {PL011, KEG_PL011_SIZE}, {IOAPIC, 1}, {IOAPIC + 0x10, 1},
		  {IOAPIC, KEG_IOAPIC_SIZE}, {TESTS, KEG_TESTDEV_MEMORY_SIZE}};
	uint32_t which;

	if (memory) {
		which = random_below(seed, sizeof(places) / sizeof(places[0]));
		return places[which].start + random_below(seed, places[which].size);
	}
	which = random_below(seed, sizeof(ports) / sizeof(ports[0]));
	return ports[which].start + random_below(seed, ports[which].size);
}

/* What comes from elsewhere: consoles, local APICs, a user. */
static void happen_at_random(struct machine *m, uint64_t *seed, uint64_t data)
{
	uint32_t bytes = 1 + random_below(seed, 8);
	bool which = random_below(seed, 2);

	keg_uart_receive(&m->uart16550.uart, &data, bytes);
	keg_uart_receive(&m->pl011.uart, &data, bytes);
	keg_uart_receive_break(which ? &m->uart16550.uart : &m->pl011.uart);
	keg_ioapic_eoi(&m->ioapic, (uint8_t)data);
	keg_power_press(&m->power);
	if (random_below(seed, 256) == 0)
		keg_uart_reset(which ? &m->uart16550.uart : &m->pl011.uart);
}

static void access_at_random(struct machine *m, uint64_t *seed)
{
	uint64_t data = random_next(seed), address;
	uint32_t bytes = 1 + random_below(seed, 8);
	bool memory = random_below(seed, 3) == 0;
	struct keg_bus *bus = memory ? m->memory : m->ports;

	address = address_at_random(seed, memory);
	if (data >> 63)
		keg_bus_read(bus, address, &data, bytes);
	else
		keg_bus_write(bus, address, &data, bytes);
	if (random_below(seed, 16) == 0)
		happen_at_random(m, seed, data);
}

static void a_million_random_accesses_are_survived(void **state)
{
	struct machine *m = *state;
	uint64_t seed = 1;

	for (int i = 0; i < ACCESSES; i++)
		access_at_random(m, &seed);
	assert_true(m->outputs && m->interrupts && m->ready && m->endings && m->panics);
	assert_true(m->messages && m->changes);
	assert_in_range(m->uart16550.uart.received.count, 0, KEG_UART16550_FIFO);
	assert_in_range(m->pl011.uart.received.count, 0, KEG_PL011_FIFO);
}

struct vcpu {
	struct machine *machine;
	uint64_t seed;
	pthread_t thread;
};

static void *run_vcpu(void *context)
{
	struct vcpu *vcpu = context;

	for (int i = 0; i < ACCESSES / 4; i++)
		access_at_random(vcpu->machine, &vcpu->seed);
	return NULL;
}

static void two_vcpus_at_once_are_survived(void **state)
{
	struct vcpu vcpus[] = {{.machine = *state, .seed = 2}, {.machine = *state, .seed = 3}};

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&vcpus[i].thread, NULL, run_vcpu, &vcpus[i]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(vcpus[i].thread, NULL), 0);
}

#define WITH_MACHINE(test) cmocka_unit_test_setup_teardown(test, make_machine, end_machine)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MACHINE(every_access_of_every_width_is_survived),
		WITH_MACHINE(a_million_random_accesses_are_survived),
		WITH_MACHINE(two_vcpus_at_once_are_survived),
	};

	return cmocka_run_group_tests_name("hostile guests", tests, NULL, NULL);
}
