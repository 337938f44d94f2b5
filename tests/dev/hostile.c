/* SPDX-License-Identifier: MIT */
/* Guests that mean harm: every device, at its place on a bus, under all that can be asked of it. */
#include "testing.h"

#include <pthread.h>
#include <stdatomic.h>

#include "dev/cmos.h"
#include "dev/debug_exit.h"
#include "dev/pl011.h"
#include "dev/power.h"
#include "dev/reset.h"
#include "dev/uart16550.h"
#include "random.h"

enum {
	PORTS = 0x1000,
	PL011 = 0x9000000,
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
	_Atomic unsigned outputs, ready, interrupts, endings;
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

static uint64_t now(void *context)
{
	(void)context;
	/* The last that there is: the year 2554. */
	return UINT64_MAX;
}

static int make_machine(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));
	struct keg_console console = {output, ready, m};
	struct keg_irq irq = {interrupt, m};
	struct keg_cmos_clock clock = {now, m};
	struct keg_power_config power = {ended, now, m, irq};
	const struct keg_bus_region ports[] = {
		{"i8042 data", 0x60, 1, &keg_i8042_data_ops, &m->i8042},
		{"i8042 command", 0x64, 1, &keg_i8042_command_ops, &m->i8042},
		{"cmos", 0x70, KEG_CMOS_SIZE, &keg_cmos_ops, &m->cmos},
		{"debug exit", 0xf4, KEG_DEBUG_EXIT_SIZE, &keg_debug_exit_ops, &m->debug_exit},
		{"uart", 0x3f8, KEG_UART16550_SIZE, &keg_uart_ops, &m->uart16550},
		{"power", 0x600, KEG_POWER_SIZE, &keg_power_ops, &m->power},
		{"reset", 0xcf9, 1, &keg_reset_ops, &m->reset},
	};
	struct keg_bus_region pl011 = {"pl011", PL011, KEG_PL011_SIZE, &keg_uart_ops, &m->pl011};

	m->debug_exit = (struct keg_debug_exit){ended_with, m};
	m->reset.line = m->i8042.line = (struct keg_reset_line){ended, m};
	assert_ok(keg_uart16550_init(&m->uart16550, &console, &irq));
	assert_ok(keg_pl011_init(&m->pl011, &console, &irq));
	assert_ok(keg_cmos_init(&m->cmos, &clock));
	assert_ok(keg_power_init(&m->power, &power));
	assert_ok(keg_bus_create("port", &m->ports));
	assert_ok(keg_bus_create("memory", &m->memory));
	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		assert_ok(keg_bus_add(m->ports, &ports[i]));
	assert_ok(keg_bus_add(m->memory, &pl011));
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
		sweep(m->memory, PL011 - 8, KEG_PL011_SIZE + 16, values[i]);
	}
	/* Each of the devices was reached. */
	assert_true(m->outputs && m->interrupts && m->endings);
}

static void access_at_random(struct machine *m, uint64_t *seed)
{
	static const struct {
		uint16_t start, size;
	} places[] = {{0x60, 8}, {0x70, 2}, {0xf4, 4}, {0x3f8, 8}, {0x600, 12}, {0xcf8, 2}};
	uint64_t data = random_next(seed), address;
	uint32_t bytes = 1 + random_below(seed, 8), which = random_below(seed, 9);
	struct keg_bus *bus = which < 6 ? m->ports : m->memory;

	if (which < 6)
		address = places[which].start + random_below(seed, places[which].size);
	else
		address = PL011 + (which < 8 ? random_below(seed, 0x50) : data % KEG_PL011_SIZE);
	if (data >> 63)
		keg_bus_read(bus, address, &data, bytes);
	else
		keg_bus_write(bus, address, &data, bytes);
	if (random_below(seed, 16))
		return;
	keg_uart_receive(&m->uart16550.uart, &data, bytes);
	keg_uart_receive(&m->pl011.uart, &data, bytes);
	keg_uart_receive_break(which & 1 ? &m->uart16550.uart : &m->pl011.uart);
	if (random_below(seed, 256) == 0)
		keg_uart_reset(which & 1 ? &m->uart16550.uart : &m->pl011.uart);
}

static void a_million_random_accesses_are_survived(void **state)
{
	struct machine *m = *state;
	uint64_t seed = 1;

	for (int i = 0; i < ACCESSES; i++)
		access_at_random(m, &seed);
	assert_true(m->outputs && m->interrupts && m->ready && m->endings);
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
