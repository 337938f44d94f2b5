/* SPDX-License-Identifier: MIT */
/* Accesses to a table of registers. */
#include "dev/registers.h"

static const struct keg_register *find(const struct keg_register_map *map, uint64_t offset)
{
	for (size_t i = 0; i < map->count; i++) {
		if (map->registers[i].offset == offset)
			return &map->registers[i];
	}
	return NULL;
}

static uint32_t *member(const struct keg_register *reg, void *device)
{
	return (uint32_t *)(void *)((char *)device + reg->member);
}

static uint32_t read_register(const struct keg_register *reg, void *device)
{
	if (reg->access == KEG_REGISTER_FIXED)
		return reg->mask;
	if (reg->access == KEG_REGISTER_WO)
		return 0;
	return (reg->read ? reg->read(device) : *member(reg, device)) & reg->mask;
}

static void write_register(const struct keg_register *reg, void *device, uint32_t value)
{
	if (reg->access != KEG_REGISTER_WO && reg->access != KEG_REGISTER_RW)
		return;
	if (reg->write)
		reg->write(device, value & reg->mask);
	else
		*member(reg, device) = value & reg->mask;
}

/* How many of the `left` bytes of an access belong to what begins there. */
static uint32_t share(const struct keg_register *reg, uint32_t left)
{
	uint32_t bytes = reg ? reg->bytes : 1;

	return bytes < left ? bytes : left;
}

/* The low `bytes` bytes, 1 to 4. */
static uint32_t low_bytes(uint64_t value, uint32_t bytes)
{
	return (uint32_t)(value & (UINT32_MAX >> (32 - 8 * bytes)));
}

uint64_t keg_registers_read(
	const struct keg_register_map *map, void *device, uint64_t offset, uint32_t bytes)
{
	const struct keg_register *reg;
	uint64_t value = 0;

	for (uint32_t done = 0; done < bytes; done += share(reg, bytes - done)) {
		reg = find(map, offset + done);
		if (reg)
			value |= (uint64_t)low_bytes(
					 read_register(reg, device), share(reg, bytes - done))
				 << 8 * done;
	}
	return value;
}

void keg_registers_write(const struct keg_register_map *map, void *device, uint64_t offset,
	uint64_t value, uint32_t bytes)
{
	const struct keg_register *reg;

	for (uint32_t done = 0; done < bytes; done += share(reg, bytes - done)) {
		reg = find(map, offset + done);
		if (reg)
			write_register(reg, device,
				low_bytes(value >> 8 * done, share(reg, bytes - done)));
	}
}
