/* SPDX-License-Identifier: MIT */
/* Fuzzes ACPI's fixed registers: the input is what a guest does, and a user at the power button. */
#include "dev/power.h"

#include "fuzzing.h"

enum { READ, WRITE, PRESS, WAIT, STEPS };

struct other {
	struct keg_power power;
	uint64_t time;
	unsigned offs;
	bool sci;
};

static void off(void *context)
{
	((struct other *)context)->offs++;
}

static uint64_t now(void *context)
{
	return ((struct other *)context)->time;
}

static void sci(void *context, bool high)
{
	struct other *other = context;

	fuzz_check(other->sci != high);
	other->sci = high;
}

static void step(struct other *other, struct fuzz_input *input)
{
	uint32_t what = (uint32_t)fuzz_take(input, 1), bytes = 1U << (what >> 4 & 3);
	uint64_t offset;

	switch (what % STEPS) {
	case READ:
		offset = fuzz_take(input, 1) % (KEG_POWER_SIZE - bytes + 1);
		(void)keg_power_ops.read(&other->power, offset, bytes);
		break;
	case WRITE:
		offset = fuzz_take(input, 1) % (KEG_POWER_SIZE - bytes + 1);
		keg_power_ops.write(&other->power, offset, fuzz_take(input, bytes), bytes);
		break;
	case PRESS:
		keg_power_press(&other->power);
		break;
	default:
		other->time += fuzz_take(input, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct other other = {0};
	const struct keg_power_config config = {off, now, &other, {sci, &other}};
	unsigned before;

	fuzz_check(keg_power_init(&other.power, &config) == 0);
	while (input.left) {
		step(&other, &input);
		fuzz_check(other.sci == ((other.power.status & other.power.enable) != 0));
	}
	/* The line falls when the guest has seen to it, and the power button works. */
	keg_power_ops.write(&other.power, KEG_POWER_EVENT, 0x0100ffff, 4);
	fuzz_check(!other.sci);
	keg_power_press(&other.power);
	fuzz_check(other.sci);
	before = other.offs;
	keg_power_ops.write(&other.power, KEG_POWER_CONTROL, 0x2000, 2);
	fuzz_check(other.offs == before + 1);
	keg_power_fini(&other.power);
	return 0;
}
