/* SPDX-License-Identifier: MIT */
/* The console's thread, and those that hand it what the guest writes. */
#include <signal.h>

#include "testing.h"

#include "cli/console.h"

/* A virtio console goes on by itself until its device is stopped, and that waits for it. */
static void nobody_waits_for_room_once_it_is_finished(void **state)
{
	static const char bytes[2 * OUTPUT_SIZE];
	const struct console_settings settings = {.virtio = true};
	struct console *console = test_calloc(1, sizeof(*console));

	(void)state;
	assert_int_equal(console_init(console), 0);
	assert_int_equal(console_start(console, NULL, &settings), 0);
	console_finish(console);
	alarm(20); /* ends who waits for ever */
	console_show(console, bytes, sizeof(bytes));
	alarm(0);
	console_fini(console);
	test_free(console);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_room_once_it_is_finished),
	};

	return cmocka_run_group_tests_name("cli-console", tests, NULL, NULL);
}
