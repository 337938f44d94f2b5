/* SPDX-License-Identifier: MIT */
/* A Multiboot kernel for tests to break, and how they load it. */
#ifndef KEG_TESTS_BOOT_MULTIBOOT_H
#define KEG_TESTS_BOOT_MULTIBOOT_H

#include "testing.h"

#include "fake.h"

enum { IMAGE = 12288, HEADER = 0x100, MAGIC = 0x1badb002 };

/* Flags and address fields of the header, as the specification orders them. */
enum field { FLAGS = 1, CHECKSUM, HEADER_ADDR, LOAD_ADDR, LOAD_END, BSS_END, ENTRY };

static struct keg_mem mem;
static unsigned char image[IMAGE];
static struct keg_boot_config config;
static struct keg_boot_entry entry;

static inline int load(void)
{
	memset(&entry, 0xee, sizeof(entry));
	mem.written = 0;
	return keg_boot_load(&mem, &config, &entry);
}

static inline void put(uint32_t offset, enum field field, uint32_t value)
{
	memcpy(image + offset + 4 * (unsigned int)field, &value, sizeof(value));
}

static inline void make_header(uint32_t offset, uint32_t flags)
{
	put(offset, 0, MAGIC);
	put(offset, FLAGS, flags);
	put(offset, CHECKSUM, 0u - MAGIC - flags);
}

/* A kernel that is no ELF file: loaded at 1 MiB from offset 0x80 on. */
static inline void make_kernel(void)
{
	for (size_t i = 0; i < IMAGE; i++)
		image[i] = (unsigned char)(i % 251);
	make_header(HEADER, 1 << 16 | 3);
	put(HEADER, HEADER_ADDR, 0x100080);
	put(HEADER, LOAD_ADDR, 0x100000);
	put(HEADER, LOAD_END, 0x101000);
	put(HEADER, BSS_END, 0x102000);
	put(HEADER, ENTRY, 0x100400);
}

static inline int setup(void **state)
{
	(void)state;
	fake_pc(&mem);
	make_kernel();
	config = (struct keg_boot_config){
		.size = sizeof(config),
		.image = image,
		.image_bytes = IMAGE,
	};
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

#endif
