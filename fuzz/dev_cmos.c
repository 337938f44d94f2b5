/* SPDX-License-Identifier: MIT */
/* Fuzzes the clock: the input is what a guest does to its ports, and how the time goes on. */
#include "dev/cmos.h"

#include "fuzzing.h"

enum { READ, WRITE, WAIT, JUMP, STEPS };

static uint64_t now(void *context)
{
	return *(const uint64_t *)context;
}

static uint64_t get(struct keg_cmos *cmos, uint8_t reg)
{
	keg_cmos_ops.write(cmos, 0, reg, 1);
	return keg_cmos_ops.read(cmos, 1, 1);
}

/* Whatever was done to the clock, in binary and 24 hours it shows a time that there is. */
static void check_time(struct keg_cmos *cmos)
{
	static const struct {
		uint8_t reg, least, most;
	} fields[] = {
		{0x00, 0, 59},
		{0x02, 0, 59},
		{0x04, 0, 23},
		{0x06, 1, 7},
		{0x07, 1, 31},
		{0x08, 1, 12},
		{0x09, 0, 99},
		{0x32, 19, 25},
	};

	keg_cmos_ops.write(cmos, 0, 0x060b, 2);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		uint64_t value = get(cmos, fields[i].reg);

		fuzz_check(value >= fields[i].least && value <= fields[i].most);
	}
	fuzz_check(get(cmos, 0x0d) == 0x80);
}

static void step(struct keg_cmos *cmos, struct fuzz_input *input, uint64_t *time)
{
	uint32_t what = (uint32_t)fuzz_take(input, 1), bytes = 1 + (what >> 4 & 1);
	uint64_t offset = bytes == 1 ? what >> 5 & 1 : 0;

	switch (what % STEPS) {
	case READ:
		fuzz_check(keg_cmos_ops.read(cmos, offset, bytes) >> 8 * bytes == 0);
		break;
	case WRITE:
		keg_cmos_ops.write(cmos, offset, fuzz_take(input, bytes), bytes);
		break;
	case WAIT:
		*time += fuzz_take(input, 4);
		break;
	default:
		*time = fuzz_take(input, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint64_t time = 0;
	struct keg_cmos_clock clock = {now, &time};
	struct keg_cmos cmos;

	fuzz_check(keg_cmos_init(&cmos, &clock) == 0);
	while (input.left)
		step(&cmos, &input, &time);
	check_time(&cmos);
	keg_cmos_fini(&cmos);
	return 0;
}
