/* SPDX-License-Identifier: MIT */
/* What every fuzz target includes: taking the input apart, and saying that something is wrong. */
#ifndef KEG_FUZZ_FUZZING_H
#define KEG_FUZZ_FUZZING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

/* The next `bytes` bytes, 1 to 8, as a little-endian number; zeros where the input has ended. */
static inline uint64_t fuzz_take(struct fuzz_input *input, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < bytes && input->left; i++, input->left--)
		value |= (uint64_t)*input->data++ << 8 * i;
	return value;
}

/* What must be so, whatever the input. */
static inline void fuzz_check(bool condition)
{
	if (!condition)
		__builtin_trap();
}

#endif
