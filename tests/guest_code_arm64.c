/* SPDX-License-Identifier: MIT */
/*
 * Small guest programs: EL1, MMU off. Each begins with a number of NOPs of its own, so that no two
 * have instructions that are jumped or returned to at the same address: QEMU's emulated processor
 * was seen to run what an earlier machine of the same process had there, which no real one does.
 */
#include "guest_code.h"

const keg_gpa guest_mmio = 0x0a000000;

#define CODE(name, ...)                                                                            \
	struct guest_code name(void)                                                               \
	{                                                                                          \
		static const uint32_t words[] = {__VA_ARGS__};                                     \
                                                                                                   \
		return (struct guest_code){words, sizeof(words)};                                  \
	}

#define NOP   0xd503201f
#define NOPS4 NOP, NOP, NOP, NOP
#define NOPS8 NOPS4, NOPS4

/* clang-format off */
CODE(guest_spin,
	0x14000000) /* 1: b 1b */

CODE(guest_store,
	NOPS8,
	0xd2a14003, /*    mov x3, #0x0a000000 */
	0x52800002, /*    mov w2, #0 */
	0x11000442, /* 1: add w2, w2, #1 */
	0xb9000062, /*    str w2, [x3] */
	0x17fffffe) /*    b 1b */

CODE(guest_echo,
	NOPS8, NOPS8,
	0xd2a14003, /*    mov x3, #0x0a000000 */
	0xb9400062, /* 1: ldr w2, [x3] */
	0xb9001062, /*    str w2, [x3, #16] */
	0x17fffffe) /*    b 1b */

CODE(guest_touch,
	NOPS8, NOPS8, NOPS8,
	0xd2a14003, /*    mov x3, #0x0a000000 */
	0xd2a80024, /* 1: mov x4, #0x40010000 */
	0x52800205, /*    mov w5, #guest_pages (16) */
	0x39000085, /* 2: strb w5, [x4] */
	0x91400484, /*    add x4, x4, #0x1000 */
	0x710004a5, /*    subs w5, w5, #1 */
	0x54ffffa1, /*    b.ne 2b */
	0xb9000062, /*    str w2, [x3] */
	0x17fffff9) /*    b 1b */
