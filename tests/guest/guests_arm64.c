/* SPDX-License-Identifier: MIT */
/* The guests for arm64. */
#include "guests.h"

#define SOON "--timeout", "3"

const struct guest guests[] = {
	{"power-off.elf", .output = ""},
	{"reset.elf", .status = RESET, .output = ""},
	{"loop.elf", {SOON}, .status = TIMED_OUT, .output = ""},
	/* Whether a processor that waits could still be woken is more than KVM tells. */
	{"wait.elf", {SOON}, .status = ANY, .output = ""},
	{"hello.elf", .output = "hello: \n"},
	{"hello.elf", {"--append", "a=1 b"}, .output = "hello: a=1 b\n"},
	{"flat.bin", .output = "flat image\n"},
	{"flat.bin", {"--load-address", "0x40003000"}, .output = "flat image\n"},
	{"echo.elf", .input = "Hello, q", .output = "ready\nHello, q"},
	{"wild-io.elf", .output = "wild\nstill here\n"},
	{"wild-jump.elf", {SOON}, .status = ANY, .output = ""},
	{0, {"--cpus", "1", "--memory", "32M"}, .output = "1 of 1 runs"},
	{0, {"--cpus", "3", "--memory", "100M"}, .output = "100 MiB"},
};

const unsigned int guest_count = sizeof(guests) / sizeof(guests[0]);
