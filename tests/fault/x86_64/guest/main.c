/* SPDX-License-Identifier: MIT */
/* The areas of the program, and where a host stops it to call its functions. */
#include <stdint.h>
#include <string.h>

#include "guest.h"

static const struct {
	const char *name;
	void (*run)(void);
} areas[] = {
	{"files", guest_files},
	{"locks", guest_locks},
	{"paths", guest_paths},
	{"events", guest_events},
	{"memory", guest_memory},
	{"mapped", guest_mapped},
	{"much", guest_much},
	{"fork", guest_fork},
	{"few", guest_few},
	{"execute", guest_execute},
	{"threads", guest_threads},
	{"signals", guest_signals},
	{"timers", guest_timers},
	{"polls", guest_polls},
	{"sockets", guest_sockets},
	{"network", guest_network},
	{"system", guest_system},
	{"terminals", guest_terminals},
};

uint64_t change(uint64_t value);
void rest(void);

static volatile uint64_t pages[64][512];

/* Writes to many pages, and asks the host. */
__attribute__((noinline, used)) uint64_t change(uint64_t value)
{
	for (int i = 0; i < 64; i++)
		pages[i][0] += value;
	return pages[63][0] + (uint64_t)syscall(0x6b01, value);
}

__attribute__((noinline, used)) void rest(void)
{
	__asm__ volatile("");
}

int main(int argc, char **argv)
{
	rest();
	for (size_t i = 0; argc > 1 && i < sizeof(areas) / sizeof(areas[0]); i++) {
		if (strcmp(areas[i].name, argv[1]) == 0)
			areas[i].run();
	}
	return 0;
}
