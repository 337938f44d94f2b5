/* SPDX-License-Identifier: MIT */
/* The loop that measures how fast code runs: `add x2, x2, #1; b` to itself. */
#include <keg/arm64.h>

#include "arch/arch.h"

static const uint32_t loop_code[] = {
	0x91000442, /* 1: add x2, x2, #1 */
	0x17ffffff, /*    b 1b */
};

struct keg_arch_loop keg_arch_counting_loop(void)
{
	return (struct keg_arch_loop){.code = loop_code, .bytes = sizeof(loop_code)};
}

int keg_arch_loop_count(struct keg_vcpu *vcpu, uint64_t *rounds)
{
	return keg_vcpu_get_one_reg(
		vcpu, KEG_ARM64_CORE_REG(regs.regs[2]), rounds, sizeof(*rounds));
}

void keg_arch_host_loop(uint64_t rounds)
{
	/* Two instructions a round here too. */
	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(rounds) : : "cc");
}
