/* SPDX-License-Identifier: MIT */
/* Code for EL1 with the MMU off. The serial port is a PL011 at 0x09000000 (Arm DDI 0183,
 * section 3.2). */
#include "guests.h"

#include <string.h>

const bool guest_board_has_disks = false;

/* The bytes between two labels of the assembler's. */
#define GUEST(name, code)                                                                          \
	extern const unsigned char guest_##name[], guest_##name##_end[];                           \
	__asm__(".pushsection .rodata\n.balign 4\n.globl guest_" #name ", guest_" #name            \
		"_end\nguest_" #name ":\n" code "\nguest_" #name "_end:\n.popsection")

/* Turns the port on, and writes the string at label 9 of what follows. */
#define SAY                                                                                        \
	"mov x2, #0x09000000\n"                                                                    \
	"mov w3, #0x301\n"                                                                         \
	"str w3, [x2, #0x30]\n"                                                                    \
	"adr x1, 9f\n"                                                                             \
	"1: ldrb w0, [x1], #1\n"                                                                   \
	"cbz w0, 2f\n"                                                                             \
	"str w0, [x2]\n"                                                                           \
	"b 1b\n"                                                                                   \
	"2:\n"
/* A PSCI call (Arm DEN 0022, section 5.1): SYSTEM_OFF is 8, SYSTEM_RESET 9. */
#define PSCI(function)                                                                             \
	"mov w0, #" #function "\n"                                                                 \
	"movk w0, #0x8400, lsl #16\n"                                                              \
	"hvc #0\n"

GUEST(echo, SAY "3: ldr w0, [x2, #0x18]\n"
		"tbnz w0, #4, 3b\n"
		"ldr w0, [x2]\n"
		"str w0, [x2]\n"
		"and w0, w0, #0xff\n"
		"cmp w0, #'q'\n"
		"b.ne 3b\n" PSCI(8) "9: .asciz \"ready\\r\\n\"");
GUEST(power_off, SAY PSCI(8) "9: .asciz \"hello\\n\"");
GUEST(reset, PSCI(9));
/* PSCI's CPU_OFF (Arm DEN0022, 5.5): WFI alone ends by itself when an interrupt is pending. */
GUEST(halt, PSCI(2));
GUEST(spin, SAY "4: b 4b\n"
		"9: .asciz \"ready\\r\\n\"");
GUEST(talk, "mov x2, #0x09000000\n"
	    "mov w3, #0x301\n"
	    "str w3, [x2, #0x30]\n"
	    "mov w0, #'a'\n"
	    "4: str w0, [x2]\n"
	    "b 4b");

static const struct {
	const char *name;
	const unsigned char *start, *end;
} guests[] = {
	{"echo", guest_echo, guest_echo_end},
	{"power-off", guest_power_off, guest_power_off_end},
	{"reset", guest_reset, guest_reset_end},
	{"halt", guest_halt, guest_halt_end},
	{"spin", guest_spin, guest_spin_end},
	{"talk", guest_talk, guest_talk_end},
};

const void *guest_image(const char *name, size_t *size)
{
	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
		if (strcmp(guests[i].name, name) == 0) {
			*size = (size_t)(guests[i].end - guests[i].start);
			return guests[i].start;
		}
	}
	return NULL;
}
