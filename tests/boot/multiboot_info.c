/* SPDX-License-Identifier: MIT */
/* What a Multiboot kernel is told of its machine, and where that lies. */
#include <errno.h>

#include "multiboot.h"

/* What the kernel reads: 32 bits of the boot information, at an offset of section 3.3. */
static uint32_t info(unsigned int offset)
{
	uint32_t value;
	unsigned char *at = fake_at(&mem, entry.args[1] + offset, sizeof(value));

	assert_non_null(at);
	memcpy(&value, at, sizeof(value));
	return value;
}

static const char *guest_string(uint32_t address)
{
	const char *text = (const char *)fake_at(&mem, address, 1);

	assert_non_null(text);
	return text;
}

static void the_information_says_what_the_machine_has(void **state)
{
	static const struct {
		uint32_t size;
		uint64_t base, length;
		uint32_t type;
	} __attribute__((packed)) map[] = {
		{20, 0, 0xa0000, 1},
		{20, 0xf0000, 0x10000, 2},
		{20, 0x100000, 0x400000, 1},
	};

	(void)state;
	config.command_line = "cpus=2 hello";
	assert_ok(load());
	assert_int_equal(info(0), 1 << 0 | 1 << 2 | 1 << 6 | 1 << 9);
	assert_int_equal(info(4), 640);
	assert_int_equal(info(8), 4096);
	assert_string_equal(guest_string(info(16)), "cpus=2 hello");
	assert_int_equal(info(44), sizeof(map));
	assert_memory_equal(fake_at(&mem, info(48), sizeof(map)), map, sizeof(map));
	assert_string_equal(guest_string(info(64)), "keg");
}

static void the_information_lies_below_640k_on_16_bytes(void **state)
{
	(void)state;
	assert_ok(load());
	assert_true(entry.args[1] < 0xa0000 && entry.args[1] > 0x90000);
	assert_int_equal(entry.args[1] % 16, 0);
	assert_int_equal(entry.low, entry.args[1]);
	assert_int_equal(entry.high, 0x102000);
	assert_int_equal(entry.stack, 0);
}

static void the_information_avoids_a_kernel_in_low_memory(void **state)
{
	(void)state;
	put(HEADER, HEADER_ADDR, 0x9e080);
	put(HEADER, LOAD_ADDR, 0x9e000);
	put(HEADER, LOAD_END, 0x9f000);
	put(HEADER, BSS_END, 0xa0000);
	put(HEADER, ENTRY, 0x9e000);
	assert_ok(load());
	assert_true(entry.args[1] < 0x9e000 && entry.args[1] > 0x90000);
}

static void the_initrd_is_a_module_on_a_page_after_the_kernel(void **state)
{
	uint32_t module[4];

	(void)state;
	config.initrd = "module's bytes";
	config.initrd_bytes = 14;
	config.initrd_line = "initrd.img x=y";
	assert_ok(load());
	assert_int_equal(info(0) & 1 << 3, 1 << 3);
	assert_int_equal(info(20), 1);
	assert_int_equal(info(24) % 4, 0);
	memcpy(module, fake_at(&mem, info(24), sizeof(module)), sizeof(module));
	assert_int_equal(module[0], 0x102000);
	assert_int_equal(module[1], 0x10200e);
	assert_string_equal(guest_string(module[2]), "initrd.img x=y");
	assert_int_equal(module[3], 0);
	assert_memory_equal(fake_at(&mem, 0x102000, 14), "module's bytes", 14);
	assert_int_equal(entry.high, 0x10200e);
}

static void a_module_that_fits_nowhere_is_refused(void **state)
{
	static char large[4 << 20];

	(void)state;
	config.initrd = large;
	config.initrd_bytes = sizeof(large);
	assert_fails(load(), EFAULT,
		"Multiboot: module: no free memory for its 0x400000 bytes "
		"below 0x100000000");
	assert_int_equal(mem.written, 0);
	/* One page less than what is above the kernel. */
	config.initrd_bytes = 0x400000 - 0x2000;
	assert_ok(load());
	config.initrd_bytes += 1;
	assert_fails(load(), EFAULT, "no free memory");
}

static void modules_and_information_stay_below_4_gib(void **state)
{
	(void)state;
	fake_free(&mem);
	fake_add(&mem, 0x100000, 0x2000, FAKE_RAM);
	fake_add(&mem, UINT64_C(1) << 32, 0x100000, FAKE_RAM);
	assert_fails(load(), EFAULT, "boot information: no free memory");
}

static void without_low_memory_the_information_follows_the_kernel(void **state)
{
	(void)state;
	fake_free(&mem);
	fake_add(&mem, 0x100000, 0x2100, FAKE_RAM);
	fake_add(&mem, 0x200000, 0x1000, FAKE_NOTHING);
	fake_add(&mem, 0x300000, 0x1000, FAKE_ROM);
	fake_add(&mem, 0x301000, 0x1000, FAKE_RAM);
	assert_ok(load());
	assert_int_equal(entry.args[1], 0x102000);
	assert_int_equal(info(4), 0);
	assert_int_equal(info(8), 8);
	config.command_line = "longer than what is left of the first region: "
			      "..............................................................";
	assert_ok(load());
	assert_int_equal(entry.args[1], 0x301000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_information_says_what_the_machine_has),
		TEST(the_information_lies_below_640k_on_16_bytes),
		TEST(the_information_avoids_a_kernel_in_low_memory),
		TEST(the_initrd_is_a_module_on_a_page_after_the_kernel),
		TEST(a_module_that_fits_nowhere_is_refused),
		TEST(modules_and_information_stay_below_4_gib),
		TEST(without_low_memory_the_information_follows_the_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
