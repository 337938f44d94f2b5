/* SPDX-License-Identifier: MIT */
/* The guests for x86-64. */
#include "guests.h"

#define SOON "--timeout", "1"

const struct guest guests[] = {
	{"exit.elf", .status = 0x2a << 1 | 1, .output = ""},
	{"halt.elf", .status = HALTED, .output = ""},
	{"halt.elf", {"--cpus", "3"}, .status = HALTED, .output = ""},
	{"triple-fault.elf", .status = TRIPLE_FAULT, .output = ""},
	{"reset-cf9.elf", .status = RESET, .output = ""},
	{"reset-keyboard.elf", .status = RESET, .output = ""},
	{"loop.elf", {SOON}, .status = TIMED_OUT, .output = ""},
	{"protected-mode.elf", .output = "protected mode\n"},
	{"long-mode.elf", .output = "long mode: \n"},
	{"long-mode.elf", {"--append", "a=1 b"}, .output = "long mode: a=1 b\n"},
	{"flat.bin", .output = "flat image\n"},
	{"flat.bin", {"--load-address", "0x3000"}, .output = "flat image\n"},
	{"real-mode.bin", {"--mode", "real"}, .output = "real mode\n"},
	{"real-mode.bin", {"--mode", "real", "--load-address", "0x20000"}, .output = "real mode\n"},
	{"multiboot.elf", {"--append", "x y", "--initrd", "/proc/sys/kernel/ostype"},
		.output = "command line: x y\nmodule: /proc/sys/kernel/ostype\nbytes: Linux\n"},
	{"echo.elf", .input = "Hello, q", .output = "ready\nHello, q"},
	{"wild-io.elf", .output = "wild\nstill here\n"},
	{"wild-jump.elf", .status = FAULT, .output = ""},
	{"wild-tables.elf", .status = TRIPLE_FAULT, .output = ""},
	{"wild-nowhere.elf", {SOON}, .status = ANY, .output = ""},
	{0, {"--cpus", "1", "--memory", "2M"}, .output = "1 of 1 runs"},
	{0, {"--cpus", "20", "--memory", "100M"}, .output = "20 of 20 run"},
	{0, {"--cpus", "2", "--memory", "5G"}, .output = "5120 MiB"},
};

const unsigned int guest_count = sizeof(guests) / sizeof(guests[0]);
