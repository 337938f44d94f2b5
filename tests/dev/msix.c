/* SPDX-License-Identifier: MIT */
/* MSI-X: what a driver writes into the table, and what then becomes of messages. */
#include "testing.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "dev/msix.h"
#include "pci_rig.h"

enum { VECTORS = 70, TABLE = 0x8000, PENDING = 0x4000, ENABLED = 0x8000, MASKED = 0x4000 };

struct sink {
	struct rig rig;
	struct rig_function function;
	struct keg_msix msix;
	bool armed[VECTORS];
	uint64_t address[VECTORS];
	uint32_t data[VECTORS];
	unsigned sets;
	_Atomic unsigned sent[VECTORS];
};

static int set(void *context, uint32_t vector, bool armed, uint64_t address, uint32_t data)
{
	struct sink *sink = context;

	sink->sets++;
	sink->armed[vector] = armed;
	sink->address[vector] = address;
	sink->data[vector] = data;
	return 0;
}

static void send(void *context, uint32_t vector)
{
	struct sink *sink = context;

	assert_true(sink->armed[vector]);
	sink->sent[vector]++;
}

static void after_write(void *device, uint32_t offset, uint32_t bytes)
{
	struct sink *sink = device;

	keg_msix_config_written(&sink->msix, &sink->function.function, offset, bytes);
}

static int make(void **state)
{
	struct sink *sink = test_calloc(1, sizeof(*sink));
	const struct keg_msi msi = {set, send, sink};

	rig_init(&sink->rig);
	sink->function.function =
		(struct keg_pci_function){.vendor = 1, .device = sink, .after_write = after_write};
	assert_ok(keg_pci_add(&sink->rig.pci, &sink->function.function, 1));
	assert_ok(keg_msix_init(&sink->msix, &msi, VECTORS));
	assert_int_equal(
		keg_msix_add(&sink->msix, &sink->function.function, 2, TABLE, PENDING), 0x40);
	*state = sink;
	return 0;
}

static int end(void **state)
{
	struct sink *sink = *state;

	keg_msix_fini(&sink->msix);
	for (int i = 0; i < VECTORS; i++)
		assert_false(sink->armed[i]);
	rig_fini(&sink->rig);
	test_free(sink);
	return 0;
}

/* ---- As a driver ---- */

static void control(struct sink *sink, uint32_t value)
{
	config_write(&sink->rig, 1, 0x42, value, 2);
}

static void write_entry(struct sink *sink, uint32_t vector, uint32_t word, uint32_t value)
{
	keg_msix_write_table(&sink->msix, 16 * vector + 4 * word, value, 4);
}

static void fill(struct sink *sink, uint32_t vector)
{
	write_entry(sink, vector, 0, 0xfee01000);
	write_entry(sink, vector, 1, 0);
	write_entry(sink, vector, 2, 0x4000 + vector);
}

static void mask(struct sink *sink, uint32_t vector, bool masked)
{
	write_entry(sink, vector, 3, masked);
}

static bool pending(struct sink *sink, uint32_t vector)
{
	return keg_msix_read_pending(&sink->msix, vector / 8, 1) >> vector % 8 & 1;
}

/* ---- The capability ---- */

static void the_capability_says_where_things_are(void **state)
{
	struct sink *sink = *state;

	assert_int_equal(config_read(&sink->rig, 1, 0x40, 4), (VECTORS - 1) << 16 | 0x11);
	assert_int_equal(config_read(&sink->rig, 1, 0x44, 4), TABLE | 2);
	assert_int_equal(config_read(&sink->rig, 1, 0x48, 4), PENDING | 2);
	config_write(&sink->rig, 1, 0x40, UINT32_MAX, 4);
	assert_int_equal(config_read(&sink->rig, 1, 0x42, 2), ENABLED | MASKED | (VECTORS - 1));
	assert_int_equal(keg_msix_table_bytes(&sink->msix), 1120);
	assert_int_equal(keg_msix_pending_bytes(&sink->msix), 16);
}

static void there_are_1_to_2048_vectors(void **state)
{
	const struct keg_msi none = {0};
	struct keg_msix msix;

	(void)state;
	assert_fails(keg_msix_init(&msix, &none, 0), EINVAL, "vectors");
	assert_fails(keg_msix_init(&msix, &none, 2049), EINVAL, "vectors");
	/* Without anybody to send, all of it can be used. */
	assert_ok(keg_msix_init(&msix, &none, 2048));
	keg_msix_send(&msix, 2047);
	keg_msix_fini(&msix);
}

/* ---- Messages ---- */

static void linux_order_arms_a_vector_once(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED | MASKED);
	fill(sink, 3);
	control(sink, ENABLED);
	assert_int_equal(sink->sets, 0);
	mask(sink, 3, false);
	assert_int_equal(sink->sets, 1);
	assert_true(sink->armed[3]);
	assert_int_equal(sink->address[3], 0xfee01000);
	assert_int_equal(sink->data[3], 0x4003);
	/* Again the same: nobody need know. */
	fill(sink, 3);
	mask(sink, 3, false);
	control(sink, ENABLED);
	assert_int_equal(sink->sets, 1);
}

static void an_armed_vector_sends(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED);
	fill(sink, 0);
	mask(sink, 0, false);
	keg_msix_send(&sink->msix, 0);
	keg_msix_send(&sink->msix, 0);
	assert_int_equal(sink->sent[0], 2);
	assert_false(pending(sink, 0));
}

static void a_masked_vector_waits_until_it_is_unmasked(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED);
	fill(sink, 69);
	keg_msix_send(&sink->msix, 69);
	keg_msix_send(&sink->msix, 69);
	assert_int_equal(sink->sent[69], 0);
	assert_int_equal(keg_msix_read_pending(&sink->msix, 8, 8), 1 << 5);
	assert_int_equal(keg_msix_read_pending(&sink->msix, 0, 8), 0);
	mask(sink, 69, false);
	/* Once, however often it was asked for. */
	assert_int_equal(sink->sent[69], 1);
	assert_false(pending(sink, 69));
	mask(sink, 69, true);
	assert_false(sink->armed[69]);
}

static void the_whole_function_may_be_masked(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED);
	fill(sink, 1);
	mask(sink, 1, false);
	control(sink, ENABLED | MASKED);
	assert_false(sink->armed[1]);
	keg_msix_send(&sink->msix, 1);
	assert_true(pending(sink, 1));
	control(sink, ENABLED);
	assert_true(sink->armed[1]);
	assert_int_equal(sink->sent[1], 1);
}

static void without_msix_nothing_is_sent_or_kept(void **state)
{
	struct sink *sink = *state;

	fill(sink, 1);
	mask(sink, 1, false);
	keg_msix_send(&sink->msix, 1);
	assert_false(keg_msix_enabled(&sink->msix));
	assert_false(pending(sink, 1));
	control(sink, ENABLED | MASKED);
	keg_msix_send(&sink->msix, 1);
	assert_true(pending(sink, 1));
	control(sink, 0);
	assert_false(pending(sink, 1));
	control(sink, ENABLED);
	assert_int_equal(sink->sent[1], 0);
}

static void a_message_that_changes_while_armed_is_told(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED);
	fill(sink, 2);
	mask(sink, 2, false);
	write_entry(sink, 2, 2, 0x99);
	assert_int_equal(sink->sets, 2);
	assert_int_equal(sink->data[2], 0x99);
	/* The upper half of the address, and no message but on a word. */
	write_entry(sink, 2, 1, 1);
	assert_int_equal(sink->address[2], 0x1fee01000);
	write_entry(sink, 2, 0, 0xfee02003);
	assert_int_equal(sink->address[2], 0x1fee02000);
}

/* ---- Widths, and what is out of range ---- */

static void the_table_takes_every_width(void **state)
{
	struct sink *sink = *state;
	uint32_t end_of_table = keg_msix_table_bytes(&sink->msix);

	keg_msix_write_table(&sink->msix, 0x20, 0x1122334455667788, 8);
	assert_int_equal(keg_msix_read_table(&sink->msix, 0x20, 8), 0x1122334455667788);
	assert_int_equal(keg_msix_read_table(&sink->msix, 0x23, 2), 0x4455);
	assert_int_equal(keg_msix_read_table(&sink->msix, 0x2c, 4), 1);
	/* Over the border of two entries. */
	keg_msix_write_table(&sink->msix, 0x2c, 0xfee00000fffffffe, 8);
	assert_int_equal(keg_msix_read_table(&sink->msix, 0x2c, 8), 0xfee0000000000000);
	/* Over the end. */
	keg_msix_write_table(&sink->msix, end_of_table - 4, UINT64_MAX, 8);
	assert_int_equal(keg_msix_read_table(&sink->msix, end_of_table - 4, 8), 1);
	keg_msix_write_table(&sink->msix, end_of_table, UINT64_MAX, 8);
	assert_int_equal(keg_msix_read_table(&sink->msix, end_of_table, 8), 0);
	assert_int_equal(keg_msix_read_pending(&sink->msix, 16, 8), 0);
	assert_int_equal(keg_msix_read_pending(&sink->msix, 0x3ff8, 8), 0);
}

static void vectors_that_are_none_are_ignored(void **state)
{
	struct sink *sink = *state;

	control(sink, ENABLED);
	keg_msix_send(&sink->msix, VECTORS);
	keg_msix_send(&sink->msix, 0xffff);
	keg_msix_send(&sink->msix, UINT32_MAX);
	for (int i = 0; i < VECTORS; i++)
		assert_false(pending(sink, (uint32_t)i));
}

/* ---- Threads ---- */

enum { SENDS = 20000 };

static void *send_often(void *context)
{
	struct sink *sink = context;

	for (int i = 0; i < SENDS; i++)
		keg_msix_send(&sink->msix, (uint32_t)i % 2);
	return NULL;
}

/* send() sees to it that nothing is sent while a vector is masked. */
static void messages_are_neither_lost_nor_sent_while_masked(void **state)
{
	struct sink *sink = *state;
	pthread_t senders[2];

	control(sink, ENABLED);
	for (uint32_t i = 0; i < 2; i++)
		fill(sink, i);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&senders[i], NULL, send_often, sink), 0);
	for (uint32_t i = 0; i < SENDS; i++)
		mask(sink, i % 2, i / 2 % 2);
	for (uint32_t i = 0; i < 2; i++)
		mask(sink, i, true);
	for (int i = 0; i < 2; i++)
		pthread_join(senders[i], NULL);
	keg_msix_send(&sink->msix, 0);
	assert_true(pending(sink, 0));
	for (uint32_t i = 0; i < 2; i++) {
		mask(sink, i, false);
		assert_true(sink->sent[i] > 0 && sink->sent[i] <= SENDS + 1);
		assert_false(pending(sink, i));
	}
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, make, end)
	const struct CMUnitTest tests[] = {
		TEST(the_capability_says_where_things_are),
		TEST(there_are_1_to_2048_vectors),
		TEST(linux_order_arms_a_vector_once),
		TEST(an_armed_vector_sends),
		TEST(a_masked_vector_waits_until_it_is_unmasked),
		TEST(the_whole_function_may_be_masked),
		TEST(without_msix_nothing_is_sent_or_kept),
		TEST(a_message_that_changes_while_armed_is_told),
		TEST(the_table_takes_every_width),
		TEST(vectors_that_are_none_are_ignored),
		TEST(messages_are_neither_lost_nor_sent_while_masked),
	};

	return cmocka_run_group_tests_name("msix", tests, NULL, NULL);
}
