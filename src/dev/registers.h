/* SPDX-License-Identifier: MIT */
/*
 * A device's registers as a table: where each is, how wide, who may do what to it, and what it is
 * called. Everything that is the same for all devices happens here.
 */
#ifndef KEG_DEV_REGISTERS_H
#define KEG_DEV_REGISTERS_H

#include <stddef.h>
#include <stdint.h>

enum keg_register_access {
	KEG_REGISTER_FIXED, /* always reads as `mask`; writes are ignored */
	KEG_REGISTER_RO,    /* writes are ignored */
	KEG_REGISTER_WO,    /* reads as zero */
	KEG_REGISTER_RW,
};

struct keg_register {
	const char *name;
	uint32_t offset;
	uint32_t bytes; /* 1, 2 or 4 */
	enum keg_register_access access;
	uint32_t mask; /* the bits that there are: others read as zero and cannot be written */
	size_t member; /* offsetof() the uint32_t that holds it, if no function does */
	uint32_t (*read)(void *device);
	void (*write)(void *device, uint32_t value);
};

struct keg_register_map {
	const struct keg_register *registers;
	size_t count;
};

/*
 * An access to the device, whatever its width and alignment: it goes to each register that begins
 * within it, lowest first. A register of which it covers only the low bytes gets zeros above them.
 * Bytes where no register begins read as zero and lose what is written.
 */
uint64_t keg_registers_read(
	const struct keg_register_map *map, void *device, uint64_t offset, uint32_t bytes);
void keg_registers_write(const struct keg_register_map *map, void *device, uint64_t offset,
	uint64_t value, uint32_t bytes);

#endif
