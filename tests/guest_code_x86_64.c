/* SPDX-License-Identifier: MIT */
/* Small guest programs: 32-bit protected mode. */
#include "guest_code.h"

const keg_gpa guest_mmio = 0xd0000000;

#define CODE(name, ...)                                                                            \
	struct guest_code name(void)                                                               \
	{                                                                                          \
		static const uint8_t bytes[] = {__VA_ARGS__};                                      \
                                                                                                   \
		return (struct guest_code){bytes, sizeof(bytes)};                                  \
	}

/* clang-format off */
CODE(guest_spin,
	0xeb, 0xfe)                         /* 1: jmp 1b */

CODE(guest_store,
	0x31, 0xc0,                         /*    xor %eax, %eax */
	0x40,                               /* 1: inc %eax */
	0xa3, 0x00, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio */
	0xeb, 0xf8)                         /*    jmp 1b */

CODE(guest_echo,
	0xa1, 0x00, 0x00, 0x00, 0xd0,       /* 1: mov guest_mmio, %eax */
	0xa3, 0x10, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio + 16 */
	0xeb, 0xf4)                         /*    jmp 1b */

CODE(guest_touch,
	0xbb, 0x00, 0x00, 0x01, 0x00,       /* 1: mov $0x10000, %ebx */
	0xb9, guest_pages, 0x00, 0x00, 0x00, /*   mov $guest_pages, %ecx */
	0x88, 0x0b,                         /* 2: mov %cl, (%ebx) */
	0x81, 0xc3, 0x00, 0x10, 0x00, 0x00, /*    add $0x1000, %ebx */
	0x49,                               /*    dec %ecx */
	0x75, 0xf5,                         /*    jnz 2b */
	0xa3, 0x00, 0x00, 0x00, 0xd0,       /*    mov %eax, guest_mmio */
	0xeb, 0xe4)                         /*    jmp 1b */
