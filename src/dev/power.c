/* SPDX-License-Identifier: MIT */
/* ACPI's fixed registers: events, control, and the PM timer. */
#include "dev/power.h"

#include <string.h>

#include "base/error.h"
#include "dev/registers.h"

/* ACPI 6.4, tables 4.14 to 4.16. The events of PM1a_STS and PM1a_EN have the same bits. */
enum {
	EVENT_TIMER = 1 << 0,
	EVENT_GLOBAL_LOCK = 1 << 5,
	EVENT_POWER_BUTTON = 1 << 8,
	EVENT_SLEEP_BUTTON = 1 << 9,
	EVENT_RTC = 1 << 10,
	/* A guest reads back what it has enabled, even what never happens. */
	EVENTS = EVENT_TIMER | EVENT_GLOBAL_LOCK | EVENT_POWER_BUTTON | EVENT_SLEEP_BUTTON |
		 EVENT_RTC,

	SCI_ENABLED = 1 << 0,
	SLEEP_TYPE_SHIFT = 10,
	SLEEP_TYPE_MASK = 7,
	SLEEP_ENABLE = 1 << 13,
};

/* ACPI 6.4, section 4.8.3.3. */
static const uint64_t timer_hz = 3579545;
static const uint64_t ns_per_second = 1000000000;

static void update_sci(struct keg_power *power)
{
	bool high = (power->status & power->enable) != 0;

	if (high == power->sci)
		return;
	power->sci = high;
	keg_irq_set(&power->config.sci, high);
}

/* Writing ones clears (ACPI 6.4, section 4.8.3.1.1). */
static void write_status(void *device, uint32_t value)
{
	struct keg_power *power = device;

	power->status &= ~value;
	update_sci(power);
}

static void write_enable(void *device, uint32_t value)
{
	struct keg_power *power = device;

	power->enable = value;
	update_sci(power);
}

static uint32_t read_control(void *device)
{
	(void)device;
	return SCI_ENABLED;
}

static void write_control(void *device, uint32_t value)
{
	struct keg_power *power = device;

	if (value & SLEEP_ENABLE &&
		(value >> SLEEP_TYPE_SHIFT & SLEEP_TYPE_MASK) == KEG_POWER_SLEEP_TYPE_S5)
		power->off = true;
}

/* Seconds and the rest apart: the product of a whole time and the rate is beyond 64 bits. */
static uint32_t read_timer(void *device)
{
	const struct keg_power *power = device;
	uint64_t now = power->config.now ? power->config.now(power->config.context) : 0;

	return (uint32_t)(now / ns_per_second * timer_hz +
			  now % ns_per_second * timer_hz / ns_per_second);
}

static const struct keg_register registers[] = {
	{"PM1a_STS", KEG_POWER_EVENT, 2, KEG_REGISTER_RW, EVENTS,
		offsetof(struct keg_power, status), .write = write_status},
	{"PM1a_EN", KEG_POWER_EVENT + 2, 2, KEG_REGISTER_RW, EVENTS,
		offsetof(struct keg_power, enable), .write = write_enable},
	{"PM1a_CNT", KEG_POWER_CONTROL, 2, KEG_REGISTER_RW, 0xffff, .read = read_control,
		.write = write_control},
	{"PM_TMR", KEG_POWER_TIMER, 4, KEG_REGISTER_RO, UINT32_MAX, .read = read_timer},
};
static const struct keg_register_map map = {registers, sizeof(registers) / sizeof(registers[0])};

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_power *power = device;
	uint64_t value;

	pthread_mutex_lock(&power->lock);
	value = keg_registers_read(&map, power, offset, bytes);
	pthread_mutex_unlock(&power->lock);
	return value;
}

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_power *power = device;
	bool off;

	pthread_mutex_lock(&power->lock);
	keg_registers_write(&map, power, offset, value, bytes);
	off = power->off;
	power->off = false;
	pthread_mutex_unlock(&power->lock);
	if (off)
		power->config.off(power->config.context);
}

const struct keg_bus_ops keg_power_ops = {read_access, write_access};

int keg_power_init(struct keg_power *power, const struct keg_power_config *config)
{
	int error;

	memset(power, 0, sizeof(*power));
	power->config = *config;
	error = pthread_mutex_init(&power->lock, NULL);
	if (error)
		return keg_fail_errno(error, "making a lock for the power management registers");
	return 0;
}

void keg_power_fini(struct keg_power *power)
{
	pthread_mutex_destroy(&power->lock);
}

void keg_power_press(struct keg_power *power)
{
	pthread_mutex_lock(&power->lock);
	power->status |= EVENT_POWER_BUTTON;
	update_sci(power);
	pthread_mutex_unlock(&power->lock);
}
