/* SPDX-License-Identifier: MIT */
/* A board, used as a library: how it is made, how it ends, and what it tells of itself. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <keg/board.h>

#include "cli/guests.h"

static struct keg_host *host;

/* What the guest has said, and who waits for it. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t grown;
	char text[4096];
	size_t length;
	unsigned int rooms; /* how many times there was room again */
} console = {.lock = PTHREAD_MUTEX_INITIALIZER, .grown = PTHREAD_COND_INITIALIZER};

static void hear(void *context, const void *bytes, size_t count)
{
	(void)context;
	pthread_mutex_lock(&console.lock);
	if (count > sizeof(console.text) - 1 - console.length)
		count = sizeof(console.text) - 1 - console.length;
	memcpy(console.text + console.length, bytes, count);
	console.length += count;
	console.text[console.length] = 0;
	pthread_cond_broadcast(&console.grown);
	pthread_mutex_unlock(&console.lock);
}

static void room_again(void *context)
{
	(void)context;
	pthread_mutex_lock(&console.lock);
	console.rooms++;
	pthread_cond_broadcast(&console.grown);
	pthread_mutex_unlock(&console.lock);
}

static void await_words(const char *words)
{
	pthread_mutex_lock(&console.lock);
	while (!strstr(console.text, words))
		pthread_cond_wait(&console.grown, &console.lock);
	pthread_mutex_unlock(&console.lock);
}

static int open_host(void **state)
{
	(void)state;
	assert_ok(keg_kick_install(SIGRTMIN));
	assert_ok(keg_host_create(NULL, &host));
	return 0;
}

static int close_host(void **state)
{
	(void)state;
	keg_host_destroy(host);
	return 0;
}

static struct keg_boot_config boot_of(const char *guest)
{
	struct keg_boot_config boot = {.size = sizeof(boot), .kind = KEG_IMAGE_FLAT};

	boot.image = guest_image(guest, &boot.image_bytes);
	if (!boot.image)
		skip();
	return boot;
}

static int create(const struct keg_boot_config *boot, uint32_t cpus, struct keg_board **board)
{
	const struct keg_board_config config = {
		.size = sizeof(config),
		.cpus = cpus,
		.memory_bytes = 16 << 20,
		.kick_signal = SIGRTMIN,
		.statistics = true,
		.boot = boot,
		.console_output = hear,
		.console_room = room_again,
	};

	console.length = 0;
	console.text[0] = 0;
	console.rooms = 0;
	return keg_board_create(host, &config, board);
}

static struct keg_board *board_of(const char *guest, uint32_t cpus)
{
	const struct keg_boot_config boot = boot_of(guest);
	struct keg_board *board;

	assert_ok(create(&boot, cpus, &board));
	return board;
}

static void assert_ends(const char *guest, uint32_t cpus, enum keg_end end, uint32_t status)
{
	struct keg_board *board = board_of(guest, cpus);
	struct keg_board_result result;

	assert_ok(keg_board_run(board, &result));
	assert_int_equal(result.end, end);
	assert_int_equal(result.status, status);
	assert_true(result.message[0] != 0);
	keg_board_destroy(board);
}

/* ---- Making ---- */

static void a_configuration_is_checked(void **state)
{
	const struct keg_boot_config boot = boot_of("power-off");
	struct keg_board_config config = {.size = 0};
	struct keg_board *board = (void *)1;

	(void)state;
	assert_fails(keg_board_create(host, &config, &board), EINVAL, "struct keg_board_config");
	assert_null(board);
	config.size = sizeof(config);
	assert_fails(keg_board_create(host, &config, &board), EINVAL, "needs a kick signal");
	config.kick_signal = SIGRTMIN;
	assert_fails(keg_board_create(host, &config, &board), EINVAL, "needs an image");
	config.boot = &boot;
	config.cpus = 1000000;
	assert_fails(keg_board_create(host, &config, &board), EINVAL, "1000000 vCPUs");
	config.cpus = 1;
	config.memory_bytes = 4097;
	assert_fails(keg_board_create(host, &config, &board), EINVAL, "multiples of 0x1000");
	keg_board_destroy(NULL);
}

static void an_image_that_does_not_fit_is_refused(void **state)
{
	static const char large[8 << 20];
	const struct keg_boot_config boot = {.size = sizeof(boot),
		.kind = KEG_IMAGE_FLAT,
		.image = large,
		.image_bytes = sizeof(large)};
	const struct keg_board_config config = {.size = sizeof(config),
		.memory_bytes = 4 << 20,
		.kick_signal = SIGRTMIN,
		.boot = &boot};
	struct keg_board *board;

	(void)state;
	assert_int_equal(keg_board_create(host, &config, &board), -EFAULT);
	assert_true(keg_error_message()[0] != 0);
}

/* ---- Ends ---- */

static void each_end_is_told_apart(void **state)
{
	(void)state;
	assert_ends("power-off", 1, KEG_END_POWER_OFF, 0);
	assert_ends("reset", 1, KEG_END_RESET, 0);
}

static void a_debug_exit_has_its_status(void **state)
{
	(void)state;
	assert_ends("debug-exit", 1, KEG_END_DEBUG_EXIT, 16 << 1 | 1);
}

static void a_triple_fault_is_an_end(void **state)
{
	(void)state;
	assert_ends("triple-fault", 1, KEG_END_TRIPLE_FAULT, 0);
}

static void halting_for_good_is_seen_whatever_the_number_of_vcpus(void **state)
{
	(void)state;
	assert_ends("halt", 1, KEG_END_HALTED, 0);
	assert_ends("halt", 4, KEG_END_HALTED, 0);
}

static void it_runs_once(void **state)
{
	struct keg_board *board = board_of("power-off", 1);
	struct keg_board_result result;

	(void)state;
	assert_ok(keg_board_run(board, &result));
	assert_fails(keg_board_run(board, &result), EBUSY, "has run already");
	keg_board_destroy(board);
}

static void a_stop_before_the_run_ends_it_at_once(void **state)
{
	struct keg_board *board = board_of("spin", 2);
	struct keg_board_result result;

	(void)state;
	keg_board_stop(board);
	keg_board_stop(board);
	assert_ok(keg_board_run(board, &result));
	assert_int_equal(result.end, KEG_END_STOPPED);
	keg_board_destroy(board);
}

static void *stop_when_ready(void *board)
{
	await_words("ready");
	keg_board_stop(board);
	return NULL;
}

static void a_guest_that_never_ends_can_be_stopped(void **state)
{
	struct keg_board *board = board_of("spin", 1);
	struct keg_board_result result;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, stop_when_ready, board), 0);
	assert_ok(keg_board_run(board, &result));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(result.end, KEG_END_STOPPED);
	keg_board_destroy(board);
}

/* As kernels do that measure the TSC. */
static void the_timer_can_be_polled(void **state)
{
	(void)state;
	assert_ends("timer-output", 1, KEG_END_POWER_OFF, 0);
}

/* ---- Console and statistics ---- */

/* Types a text: what finds no room waits until it is told that there is some. */
static void *type_text(void *board)
{
	static const char text[] = "all that is typed arrives, in order, and nothing twice; q";
	size_t typed = 0;

	await_words("ready");
	while (typed < sizeof(text) - 1) {
		unsigned int rooms = __atomic_load_n(&console.rooms, __ATOMIC_SEQ_CST);
		size_t taken =
			keg_board_console_input(board, text + typed, sizeof(text) - 1 - typed);

		typed += taken;
		pthread_mutex_lock(&console.lock);
		while (typed < sizeof(text) - 1 && console.rooms == rooms)
			pthread_cond_wait(&console.grown, &console.lock);
		pthread_mutex_unlock(&console.lock);
	}
	return NULL;
}

static void what_is_typed_reaches_the_guest(void **state)
{
	struct keg_board *board = board_of("echo", 1);
	struct keg_board_result result;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, type_text, board), 0);
	assert_ok(keg_board_run(board, &result));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(result.end, KEG_END_POWER_OFF);
	assert_non_null(strstr(console.text, "all that is typed arrives, in order, and nothing"));
	keg_board_destroy(board);
}

static void exits_are_counted_and_measured(void **state)
{
	struct keg_board *board = board_of("power-off", 1);
	struct keg_board_result result;
	struct keg_board_stats stats;
	uint64_t exits = 0, guest_ns = 0;

	(void)state;
	keg_board_get_stats(board, &stats);
	assert_int_equal(stats.exit_kinds, 0);
	assert_ok(keg_board_run(board, &result));
	keg_board_get_stats(board, &stats);
	assert_in_range(stats.exit_kinds, 1, 64);
	for (size_t i = 0; i < stats.exit_kinds; i++) {
		exits += stats.exits[i].count;
		guest_ns += stats.exits[i].guest_ns;
		assert_true(i == 0 || stats.exits[i].count <= stats.exits[i - 1].count);
	}
	/* A byte an exit: "hello\n", and the power-off. */
	assert_in_range(exits, 7, 1000);
	assert_in_range(guest_ns, 1, stats.run_ns);
	assert_true(stats.create_ns > 0);
	keg_board_destroy(board);
}

/* ---- Measuring ---- */

static void guest_speed_is_measured(void **state)
{
	struct keg_guest_speed speed;

	(void)state;
	assert_ok(keg_measure_guest_speed(host, SIGRTMIN, 20, &speed));
	assert_true(speed.guest_mips > 0.01);
	assert_true(speed.host_mips > 0.01);
	assert_int_equal(speed.native, speed.guest_mips * 20 > speed.host_mips);
	assert_fails(keg_measure_guest_speed(host, SIGRTMIN, 0, &speed), EINVAL, "1 to 10000");
	assert_fails(keg_measure_guest_speed(host, SIGRTMIN, 10001, &speed), EINVAL, "1 to 10000");
	assert_fails(keg_measure_guest_speed(host, 0, 20, &speed), ENOTSUP, "kick signal");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_configuration_is_checked),
		cmocka_unit_test(an_image_that_does_not_fit_is_refused),
		cmocka_unit_test(each_end_is_told_apart),
		cmocka_unit_test(a_debug_exit_has_its_status),
		cmocka_unit_test(a_triple_fault_is_an_end),
		cmocka_unit_test(halting_for_good_is_seen_whatever_the_number_of_vcpus),
		cmocka_unit_test(it_runs_once),
		cmocka_unit_test(a_stop_before_the_run_ends_it_at_once),
		cmocka_unit_test(a_guest_that_never_ends_can_be_stopped),
		cmocka_unit_test(the_timer_can_be_polled),
		cmocka_unit_test(what_is_typed_reaches_the_guest),
		cmocka_unit_test(exits_are_counted_and_measured),
		cmocka_unit_test(guest_speed_is_measured),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, open_host, close_host);
}
