/* SPDX-License-Identifier: MIT */
/* The loop that measures how fast code runs: `inc %rax; jmp` to itself. */
#include <keg/x86.h>

#include "arch/arch.h"

static const uint8_t loop_code[] = {
	0x48, 0xff, 0xc0, /* 1: inc %rax */
	0xeb, 0xfb,       /*    jmp 1b */
};

struct keg_arch_loop keg_arch_counting_loop(void)
{
	return (struct keg_arch_loop){.code = loop_code, .bytes = sizeof(loop_code)};
}

int keg_arch_loop_count(struct keg_vcpu *vcpu, uint64_t *rounds)
{
	struct kvm_regs regs;
	int rc = keg_vcpu_get_regs(vcpu, &regs);

	*rounds = rc ? 0 : regs.rax;
	return rc;
}

void keg_arch_host_loop(uint64_t rounds)
{
	/* Two instructions a round here too. */
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(rounds) : : "cc");
}
