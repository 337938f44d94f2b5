/* SPDX-License-Identifier: MIT */
/* The AML encoder, against bytes worked out by hand from ACPI 6.4, chapters 6.4 and 20. */
#include "testing.h"

#include <errno.h>

#include "boot/aml.h"

enum { ROOM = 1 << 20 };

static uint8_t bytes[ROOM];
static struct keg_aml aml;

static int begin(void **state)
{
	(void)state;
	memset(bytes, 0xa5, sizeof(bytes));
	keg_aml_init(&aml, bytes, sizeof(bytes));
	return 0;
}

#define assert_encoded(...)                                                                        \
	do {                                                                                       \
		const uint8_t expected[] = {__VA_ARGS__};                                          \
		assert_int_equal(keg_aml_finish(&aml), sizeof(expected));                          \
		assert_memory_equal(bytes, expected, sizeof(expected));                            \
	} while (0)

static void integers_are_as_short_as_can_be(void **state)
{
	static const uint64_t values[] = {
		0, 1, 2, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 0x100000000, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		keg_aml_integer(&aml, values[i]);
	assert_encoded(0x00, 0x01, 0x0a, 0x02, 0x0a, 0xff, 0x0b, 0x00, 0x01, 0x0b, 0xff, 0xff, 0x0c,
		0, 0, 1, 0, 0x0c, 0xff, 0xff, 0xff, 0xff, 0x0e, 0, 0, 0, 0, 1, 0, 0, 0, 0x0e, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
}

static void names_are_filled_up_and_strings_end_with_zero(void **state)
{
	(void)state;
	keg_aml_name(&aml, "_S5");
	keg_aml_string(&aml, "ab");
	keg_aml_name(&aml, "\\ABCD");
	keg_aml_eisa_id(&aml, "PNP0A08");
	assert_encoded(0x08, '_', 'S', '5', '_', 0x0d, 'a', 'b', 0, 0x08, '\\', 'A', 'B', 'C', 'D',
		0x0c, 0x41, 0xd0, 0x0a, 0x08);
}

static void nested_scopes_have_the_lengths_of_all_that_is_in_them(void **state)
{
	(void)state;
	keg_aml_begin_scope(&aml, "\\_SB");
	keg_aml_begin_device(&aml, "DEV0");
	keg_aml_name(&aml, "_UID");
	keg_aml_begin_package(&aml, 2);
	keg_aml_integer(&aml, 1);
	keg_aml_integer(&aml, 7);
	keg_aml_end(&aml);
	keg_aml_end(&aml);
	keg_aml_end(&aml);
	assert_encoded(0x10, 0x18, '\\', '_', 'S', 'B', '_', 0x5b, 0x82, 0x10, 'D', 'E', 'V', '0',
		0x08, '_', 'U', 'I', 'D', 0x12, 5, 2, 1, 0x0a, 7);
}

/* Section 20.2.4: how many bytes the length that begins at `at` has, and what it is. */
static unsigned decode_length(size_t at, size_t *length)
{
	unsigned more = bytes[at] >> 6;

	*length = more ? bytes[at] & 0xf : bytes[at] & 0x3f;
	if (more)
		assert_int_equal(bytes[at] & 0x30, 0);
	for (unsigned i = 0; i < more; i++)
		*length |= (size_t)bytes[at + 1 + i] << (4 + 8 * i);
	return 1 + more;
}

static void lengths_grow_by_bytes_where_they_must(void **state)
{
	/* Contents, and bytes of the length: 6, 12, 20 bits, the length's own bytes counted. */
	static const struct {
		size_t content;
		unsigned bytes;
	} sizes[] = {{1, 1}, {62, 1}, {63, 2}, {4093, 2}, {4094, 3}, {0xffffc, 3}, {0xffffd, 4}};
	static uint8_t text[ROOM];
	uint8_t *room = malloc(2 * ROOM);

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t content = sizes[i].content, length;

		keg_aml_init(&aml, room, 2 * ROOM);
		keg_aml_begin_package(&aml, 1);
		/* The count, a prefix, the text and its zero. */
		if (content > 1) {
			text[content - 3] = 0;
			keg_aml_string(&aml, (const char *)text);
			text[content - 3] = 'x';
		}
		keg_aml_end(&aml);
		assert_int_equal(keg_aml_finish(&aml), 1 + sizes[i].bytes + content);
		memcpy(bytes, room, 8);
		assert_int_equal(decode_length(1, &length), sizes[i].bytes);
		assert_int_equal(length, sizes[i].bytes + content);
		assert_int_equal(room[1 + sizes[i].bytes], 1);
	}
	free(room);
}

static void resources_are_a_buffer_with_its_size_and_an_end_tag(void **state)
{
	(void)state;
	keg_aml_begin_resources(&aml);
	keg_aml_io(&aml, 0x3f8, 8);
	keg_aml_irq(&aml, 4);
	keg_aml_end(&aml);
	assert_encoded(0x11, 16, 0x0a, 13, 0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0, 0x79, 0);
}

static void registers_and_interrupts_of_devices_are_described(void **state)
{
	(void)state;
	keg_aml_memory(&aml, 0xe8000000, 0x200);
	keg_aml_interrupt(&aml, 0x123, false);
	keg_aml_interrupt(&aml, 16, true);
	assert_encoded(0x86, 9, 0, 1, 0, 0, 0, 0xe8, 0, 2, 0, 0, 0x89, 6, 0, 1, 1, 0x23, 1, 0, 0,
		0x89, 6, 0, 3, 1, 16, 0, 0, 0);
}

static void windows_of_bridges_are_described(void **state)
{
	(void)state;
	keg_aml_bus_window(&aml, 0, 255);
	keg_aml_port_window(&aml, 0xc000, 0xffff);
	keg_aml_memory_window(&aml, 0xc0000000, 0xdfffffff);
	assert_encoded(0x88, 13, 0, 2, 0xc, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1,   /* */
		0x88, 13, 0, 1, 0xc, 3, 0, 0, 0, 0xc0, 0xff, 0xff, 0, 0, 0, 0x40, /* */
		0x87, 23, 0, 0, 0xc, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff, 0xff, 0xdf, 0, 0, 0,
		0, 0, 0, 0, 0x20);
	begin(state);
	/* Wide as soon as its end is above 4 GiB. */
	keg_aml_memory_window(&aml, 0xfffff000, 0x100000fff);
	assert_encoded(0x8a, 43, 0, 0, 0xc, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xff, 0xff, 0, 0, 0,
		0, 0xff, 0xf, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0);
}

static void what_cannot_be_encoded_is_told_at_the_end(void **state)
{
	(void)state;
	keg_aml_name(&aml, "ABCDE");
	keg_aml_integer(&aml, 1);
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
	begin(state);
	keg_aml_name(&aml, "\\");
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
	begin(state);
	keg_aml_eisa_id(&aml, "PNP0A0");
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
	begin(state);
	keg_aml_end(&aml);
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
	begin(state);
	keg_aml_begin_package(&aml, 0);
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
	begin(state);
	for (int i = 0; i <= KEG_AML_DEPTH; i++)
		keg_aml_begin_package(&aml, 0);
	for (int i = 0; i <= KEG_AML_DEPTH; i++)
		keg_aml_end(&aml);
	assert_int_equal(keg_aml_finish(&aml), -EINVAL);
}

#define FRESH(test) cmocka_unit_test_setup(test, begin)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FRESH(integers_are_as_short_as_can_be),
		FRESH(names_are_filled_up_and_strings_end_with_zero),
		FRESH(nested_scopes_have_the_lengths_of_all_that_is_in_them),
		FRESH(lengths_grow_by_bytes_where_they_must),
		FRESH(resources_are_a_buffer_with_its_size_and_an_end_tag),
		FRESH(registers_and_interrupts_of_devices_are_described),
		FRESH(windows_of_bridges_are_described),
		FRESH(what_cannot_be_encoded_is_told_at_the_end),
	};

	return cmocka_run_group_tests_name("AML", tests, NULL, NULL);
}
