/* SPDX-License-Identifier: MIT */
/* 64-bit code that needs no memory but its own: port 0x3f8 is the serial port. */
#include "guests.h"

#include <string.h>

const bool guest_board_has_disks = true;

/* The bytes between two labels of the assembler's. */
#define GUEST(name, code)                                                                          \
	extern const unsigned char guest_##name[], guest_##name##_end[];                           \
	__asm__(".pushsection .rodata\n.globl guest_" #name ", guest_" #name "_end\nguest_" #name  \
		":\n" code "\nguest_" #name "_end:\n.popsection")

/* Writes the string at label 9 of what follows. */
#define SAY                                                                                        \
	"mov $0x3f8, %edx\n"                                                                       \
	"lea 9f(%rip), %rsi\n"                                                                     \
	"1: lodsb\n"                                                                               \
	"test %al, %al\n"                                                                          \
	"jz 2f\n"                                                                                  \
	"out %al, (%dx)\n"                                                                         \
	"jmp 1b\n"                                                                                 \
	"2:\n"
#define POWER_OFF                                                                                  \
	"mov $0x604, %edx\n"                                                                       \
	"mov $0x2000, %eax\n"                                                                      \
	"out %ax, (%dx)\n"

/* The line status register's bit 0 is "data ready" (PC16550D, section 8.4). */
GUEST(echo, SAY "3: mov $0x3fd, %edx\n"
		"in (%dx), %al\n"
		"test $1, %al\n"
		"jz 3b\n"
		"mov $0x3f8, %edx\n"
		"in (%dx), %al\n"
		"out %al, (%dx)\n"
		"cmp $'q', %al\n"
		"jne 3b\n" POWER_OFF "4: jmp 4b\n"
		"9: .asciz \"ready\\r\\n\"");
GUEST(power_off, SAY POWER_OFF "4: jmp 4b\n"
			       "9: .asciz \"hello\\n\"");
GUEST(debug_exit, "mov $16, %al\n"
		  "out %al, $0xf4\n"
		  "4: jmp 4b");
GUEST(reset, "mov $0xfe, %al\n"
	     "out %al, $0x64\n"
	     "4: jmp 4b");
GUEST(triple_fault, "push $0\n"
		    "push $0\n"
		    "lidt (%rsp)\n"
		    "ud2");
GUEST(halt, "cli\n"
	    "4: hlt\n"
	    "jmp 4b");
GUEST(spin, SAY "4: jmp 4b\n"
		"9: .asciz \"ready\\r\\n\"");
GUEST(talk, "mov $0x3f8, %edx\n"
	    "mov $'a', %al\n"
	    "4: out %al, (%dx)\n"
	    "jmp 4b");
/* Lets the timer's channel 2 count 65,535 down, once: its output is bit 5 of port 0x61, bit 0 there
 * lets it count (IBM PC AT Technical Reference, "System Timers"). */
GUEST(timer_output, "in $0x61, %al\n"
		    "and $0xfc, %al\n"
		    "or $1, %al\n"
		    "out %al, $0x61\n"
		    "mov $0xb0, %al\n"
		    "out %al, $0x43\n"
		    "mov $0xff, %al\n"
		    "out %al, $0x42\n"
		    "out %al, $0x42\n"
		    "in $0x61, %al\n"
		    "test $0x20, %al\n"
		    "jz 3f\n"
		    "out %al, $0xf4\n" /* it was high from the beginning */
		    "3: in $0x61, %al\n"
		    "test $0x20, %al\n"
		    "jz 3b\n" POWER_OFF "4: jmp 4b");

static const struct {
	const char *name;
	const unsigned char *start, *end;
} guests[] = {
	{"echo", guest_echo, guest_echo_end},
	{"power-off", guest_power_off, guest_power_off_end},
	{"debug-exit", guest_debug_exit, guest_debug_exit_end},
	{"reset", guest_reset, guest_reset_end},
	{"triple-fault", guest_triple_fault, guest_triple_fault_end},
	{"halt", guest_halt, guest_halt_end},
	{"spin", guest_spin, guest_spin_end},
	{"talk", guest_talk, guest_talk_end},
	{"timer-output", guest_timer_output, guest_timer_output_end},
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
