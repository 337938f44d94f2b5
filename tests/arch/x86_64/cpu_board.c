/* SPDX-License-Identifier: MIT */
/* A board's CPU model, and what the board notes of it. */
#include "testing.h"

#include <errno.h>
#include <signal.h>

#include <keg/board.h>

static struct keg_host *host;

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

static int make(const char *model, uint32_t cpus, struct keg_board **board)
{
	static const uint8_t hlt = 0xf4;
	const struct keg_boot_config boot = {.size = sizeof(boot),
		.kind = KEG_IMAGE_FLAT,
		.image = &hlt,
		.image_bytes = sizeof(hlt)};
	const struct keg_board_config config = {.size = sizeof(config),
		.cpus = cpus,
		.kick_signal = SIGRTMIN,
		.boot = &boot,
		.cpu_model = model};

	return keg_board_create(host, &config, board);
}

static void a_board_that_gets_what_it_asks_for_notes_nothing(void **state)
{
	static const char *const models[] = {NULL, "host", "max"};
	struct keg_board *board;

	(void)state;
	for (size_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		assert_ok(make(models[i], 4, &board));
		if (keg_board_note(board, 0)) /* a KVM may refuse an MSR */
			assert_non_null(strstr(keg_board_note(board, 0), "MSR"));
		keg_board_destroy(board);
	}
}

static void a_board_notes_what_went_with_what_is_off(void **state)
{
	struct keg_board *board;
	bool noted = false;
	const char *note;

	(void)state;
	assert_ok(make("host,-apic", 1, &board));
	for (size_t i = 0; (note = keg_board_note(board, i)); i++)
		noted |= strstr(note, "x2apic is off, because it needs apic") != NULL;
	assert_true(noted);
	keg_board_destroy(board);
}

static void a_model_that_cannot_be_is_no_board(void **state)
{
	struct keg_board *board;

	(void)state;
	assert_fails(make("486", 1, &board), EINVAL, "there is no CPU model '486'");
	assert_null(board);
	assert_fails(make("host,+x2apik", 1, &board), EINVAL, "x2apic");
	assert_fails(make("host,+ia64", 1, &board), ENOTSUP, "does not support ia64");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_board_that_gets_what_it_asks_for_notes_nothing),
		cmocka_unit_test(a_board_notes_what_went_with_what_is_off),
		cmocka_unit_test(a_model_that_cannot_be_is_no_board),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, open_host, close_host);
}
