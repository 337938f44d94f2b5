/* SPDX-License-Identifier: MIT */
/* The power-off port. */
#include "dev/power.h"

#include "dev/registers.h"

/* ACPI 6.5, table 4.13. */
enum {
	SCI_ENABLED = 1 << 0,
	SLEEP_TYPE_SHIFT = 10,
	SLEEP_TYPE_MASK = 7,
	SLEEP_ENABLE = 1 << 13,
};

static uint32_t read_control(void *device)
{
	(void)device;
	return SCI_ENABLED;
}

static void write_control(void *device, uint32_t value)
{
	const struct keg_power *power = device;

	if (value & SLEEP_ENABLE &&
		(value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == KEG_POWER_SLEEP_TYPE_S5)
		power->off(power->context);
}

static const struct keg_register registers[] = {
	{"PM1a_CNT", 0, 2, KEG_REGISTER_RW, 0xffff, .read = read_control, .write = write_control},
};
static const struct keg_register_map map = {registers, 1};

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	return keg_registers_read(&map, device, offset, bytes);
}

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	keg_registers_write(&map, device, offset, value, bytes);
}

const struct keg_bus_ops keg_power_ops = {read_access, write_access};
