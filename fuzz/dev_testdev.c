/* SPDX-License-Identifier: MIT */
/* Fuzzes the test devices and the panic port: the input is what a guest does to their registers. */
#include "dev/pvpanic.h"
#include "dev/testdev.h"

#include <stdlib.h>

#include "fuzzing.h"

struct other {
	struct keg_testdev testdev;
	struct keg_pvpanic pvpanic;
};

static void line(void *context, bool high)
{
	*(bool *)context = high;
}

static void forget_page(void *context, uint64_t gpa)
{
	(void)context;
	fuzz_check(gpa <= UINT32_MAX);
}

static void event(void *context, uint32_t events)
{
	(void)context;
	fuzz_check(events && events <= 3);
}

static void step(struct other *other, struct fuzz_input *input)
{
	const struct {
		const struct keg_bus_ops *ops;
		void *device;
		uint64_t size;
	} regions[] = {
		{&keg_testdev_ports_ops, &other->testdev, KEG_TESTDEV_PORTS_SIZE},
		{&keg_testdev_lines_ops, &other->testdev, KEG_TESTDEV_LINES_SIZE},
		{&keg_testdev_memory_ops, &other->testdev, KEG_TESTDEV_MEMORY_SIZE},
		{&keg_pvpanic_ops, &other->pvpanic, KEG_PVPANIC_SIZE},
	};
	uint32_t what = (uint32_t)fuzz_take(input, 1), which = what & 3;
	uint32_t bytes = which == 3 ? 1 : 1U << (what >> 4 & 3);
	uint64_t offset = fuzz_take(input, 2) % (regions[which].size - bytes + 1), value;

	if (what & 4) {
		regions[which].ops->write(
			regions[which].device, offset, fuzz_take(input, bytes), bytes);
	} else if (regions[which].ops->read) {
		value = regions[which].ops->read(regions[which].device, offset, bytes);
		fuzz_check(value <= UINT64_MAX >> (64 - 8 * bytes));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct other *other = calloc(1, sizeof(*other));
	struct keg_testdev_config config = {.forget_page = forget_page};
	bool lines[KEG_TESTDEV_LINES];

	fuzz_check(other != NULL);
	for (uint32_t i = 0; i < KEG_TESTDEV_LINES; i++)
		config.lines[i] = (struct keg_irq){line, &lines[i]};
	other->pvpanic.event = event;
	fuzz_check(keg_testdev_init(&other->testdev, &config) == 0);
	while (input.left)
		step(other, &input);
	/* The latch and the lines work. */
	keg_testdev_ports_ops.write(&other->testdev, 0, 0x12345678, 4);
	fuzz_check(keg_testdev_ports_ops.read(&other->testdev, 8, 4) == 0x12345678);
	keg_testdev_lines_ops.write(&other->testdev, 23, 1, 1);
	fuzz_check(lines[23]);
	keg_testdev_fini(&other->testdev);
	free(other);
	return 0;
}
