/* SPDX-License-Identifier: MIT */
/* What every UART promises its console: room, order, and locks that nobody waits for in vain. */
#include "testing.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dev/pl011.h"
#include "dev/uart16550.h"

/* How many are sent and received by threads. */
static unsigned traffic(void)
{
	return be_quick() ? 20000 : 50000;
}

/* A chip, and how a driver that polls uses it. */
struct kind {
	const char *name;
	bool pl011;
	uint64_t data, status, setup;
	uint32_t received; /* the bit of status that says so, or that it is not so */
	uint32_t empty;    /* that of the transmitter */
	uint32_t fifos;    /* what turns the FIFOs on, written to `setup` */
	uint32_t depth;
};
static const struct kind kinds[] = {
	{"16550", false, 0, 5, 2, 0x01, 0x20, 0x01, 16},
	{"PL011", true, 0, 0x18, 0x2c, 0x10, 0x80, 0x10, 32},
};

/* A UART with a console that can block, echo, or check what comes. */
struct bench {
	union {
		struct keg_uart uart;
		struct keg_uart16550 uart16550;
		struct keg_pl011 pl011;
	};
	const struct kind *kind;
	_Atomic unsigned ready, outputs;
	pthread_barrier_t output_begins, output_ends;
	bool blocks, echoes;
	uint8_t expected;
	_Atomic unsigned wrong;
};

static void bench_output(void *context, const void *bytes, size_t count)
{
	struct bench *bench = context;

	bench->outputs += (unsigned)count;
	if (bench->echoes)
		assert_int_equal(keg_uart_receive(&bench->uart, bytes, count), count);
	if (bench->blocks) {
		pthread_barrier_wait(&bench->output_begins);
		pthread_barrier_wait(&bench->output_ends);
	}
	for (size_t i = 0; i < count; i++)
		bench->wrong += ((const uint8_t *)bytes)[i] != bench->expected++;
}

static void bench_ready(void *context)
{
	((struct bench *)context)->ready++;
}

static void make_bench(struct bench *bench, const struct kind *kind)
{
	struct keg_console console = {bench_output, bench_ready, bench};
	struct keg_irq irq = {NULL, NULL};

	memset(bench, 0, sizeof(*bench));
	bench->kind = kind;
	pthread_barrier_init(&bench->output_begins, NULL, 2);
	pthread_barrier_init(&bench->output_ends, NULL, 2);
	if (kind->pl011)
		assert_ok(keg_pl011_init(&bench->pl011, &console, &irq));
	else
		assert_ok(keg_uart16550_init(&bench->uart16550, &console, &irq));
	keg_uart_ops.write(&bench->uart, kind->setup, kind->fifos, 1);
}

static void end_bench(struct bench *bench)
{
	keg_uart_fini(&bench->uart);
	pthread_barrier_destroy(&bench->output_begins);
	pthread_barrier_destroy(&bench->output_ends);
}

static uint32_t status(struct bench *bench)
{
	return (uint32_t)keg_uart_ops.read(&bench->uart, bench->kind->status, 1);
}

/* The 16550 says that there is something, the PL011 that there is nothing. */
static bool has_received(struct bench *bench)
{
	bool set = status(bench) & bench->kind->received;

	return set != bench->kind->pl011;
}

static uint8_t data(struct bench *bench)
{
	return (uint8_t)keg_uart_ops.read(&bench->uart, bench->kind->data, 1);
}

static void send(struct bench *bench, uint8_t byte)
{
	keg_uart_ops.write(&bench->uart, bench->kind->data, byte, 1);
}

static void the_console_is_told_once_when_there_is_room_again(void **state)
{
	const struct kind *kind = *state;
	uint8_t bytes[40] = {0};
	struct bench bench;

	make_bench(&bench, kind);
	/* Exactly full, nothing was turned away: nobody waits. */
	assert_int_equal(keg_uart_receive(&bench.uart, bytes, kind->depth), kind->depth);
	for (uint32_t i = 0; i < kind->depth; i++)
		data(&bench);
	assert_int_equal(bench.ready, 0);
	/* Turned away: told when half is free, and only then. */
	assert_int_equal(keg_uart_receive(&bench.uart, bytes, sizeof(bytes)), kind->depth);
	for (uint32_t i = 0; i < kind->depth; i++) {
		assert_int_equal(bench.ready, i < kind->depth / 2 ? 0 : 1);
		data(&bench);
	}
	assert_int_equal(bench.ready, 1);
	end_bench(&bench);
}

static void a_reset_makes_room_too(void **state)
{
	const struct kind *kind = *state;
	uint8_t bytes[40] = {0};
	struct bench bench;

	make_bench(&bench, kind);
	keg_uart_receive(&bench.uart, bytes, sizeof(bytes));
	keg_uart_reset(&bench.uart);
	assert_int_equal(bench.ready, 1);
	/* And so does turning the FIFOs off. */
	keg_uart_ops.write(&bench.uart, kind->setup, kind->fifos, 1);
	keg_uart_receive(&bench.uart, bytes, sizeof(bytes));
	keg_uart_ops.write(&bench.uart, kind->setup, 0, 1);
	assert_int_equal(bench.ready, 2);
	end_bench(&bench);
}

static void a_console_may_feed_input_from_its_output(void **state)
{
	struct bench bench;

	make_bench(&bench, *state);
	bench.echoes = true;
	bench.expected = 'x';
	send(&bench, 'x');
	assert_int_equal(data(&bench), 'x');
	assert_int_equal(bench.wrong, 0);
	end_bench(&bench);
}

static void a_uart_needs_no_console(void **state)
{
	struct keg_console console = {NULL, NULL, NULL};
	struct bench bench;
	uint8_t bytes[40] = {0};

	make_bench(&bench, *state);
	bench.uart.console = console;
	send(&bench, 'x');
	keg_uart_receive(&bench.uart, bytes, sizeof(bytes));
	keg_uart_reset(&bench.uart);
	assert_int_equal(status(&bench) & bench.kind->empty, bench.kind->empty);
	end_bench(&bench);
}

static void *send_one(void *context)
{
	send(context, 0);
	return NULL;
}

static void a_blocked_console_keeps_the_transmitter_busy_and_nothing_else(void **state)
{
	struct bench bench;
	pthread_t sender;

	make_bench(&bench, *state);
	bench.blocks = true;
	assert_int_equal(pthread_create(&sender, NULL, send_one, &bench), 0);
	pthread_barrier_wait(&bench.output_begins);
	assert_int_equal(status(&bench) & bench.kind->empty, 0);
	assert_int_equal(keg_uart_receive(&bench.uart, "x", 1), 1);
	assert_int_equal(data(&bench), 'x');
	/* A reset does not forget that something is on its way. */
	keg_uart_reset(&bench.uart);
	assert_int_equal(status(&bench) & bench.kind->empty, 0);
	pthread_barrier_wait(&bench.output_ends);
	pthread_join(sender, NULL);
	assert_int_equal(status(&bench) & bench.kind->empty, bench.kind->empty);
	end_bench(&bench);
}

/* The console's reader: it does not ask again before it was told of room. */
static void *feed(void *context)
{
	struct bench *bench = context;
	const unsigned all = traffic();
	uint8_t next = 0;
	unsigned told = 0;

	for (unsigned done = 0; done < all;) {
		uint8_t bytes[48];
		size_t taken, count = all - done < 48 ? all - done : 48;

		for (size_t i = 0; i < count; i++)
			bytes[i] = (uint8_t)(next + i);
		taken = keg_uart_receive(&bench->uart, bytes, count);
		done += (unsigned)taken;
		next = (uint8_t)(next + taken);
		if (taken == count)
			continue;
		while (bench->ready == told)
			sched_yield();
		told++;
	}
	return NULL;
}

static void two_threads_lose_nothing_in_either_direction(void **state)
{
	struct bench bench;
	pthread_t feeder;
	uint8_t expected = 0;
	unsigned wrong = 0;

	make_bench(&bench, *state);
	assert_int_equal(pthread_create(&feeder, NULL, feed, &bench), 0);
	for (unsigned received = 0; received < traffic();) {
		if (!has_received(&bench)) {
			sched_yield();
			continue;
		}
		wrong += data(&bench) != expected++;
		send(&bench, (uint8_t)received++);
	}
	pthread_join(feeder, NULL);
	assert_int_equal(wrong, 0);
	assert_int_equal(bench.wrong, 0);
	assert_int_equal(bench.outputs, traffic());
	end_bench(&bench);
}

#define WITH_16550(test)                                                                           \
	{                                                                                          \
		"16550: " #test, test, NULL, NULL, (void *)(uintptr_t)&kinds[0]                    \
	}
#define WITH_PL011(test)                                                                           \
	{                                                                                          \
		"PL011: " #test, test, NULL, NULL, (void *)(uintptr_t)&kinds[1]                    \
	}
#define WITH_EACH(test) WITH_16550(test), WITH_PL011(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_EACH(the_console_is_told_once_when_there_is_room_again),
		WITH_EACH(a_reset_makes_room_too),
		WITH_EACH(a_console_may_feed_input_from_its_output),
		WITH_EACH(a_uart_needs_no_console),
		WITH_EACH(a_blocked_console_keeps_the_transmitter_busy_and_nothing_else),
		WITH_EACH(two_threads_lose_nothing_in_either_direction),
	};

	return cmocka_run_group_tests_name("UARTs", tests, NULL, NULL);
}
