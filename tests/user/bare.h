/* SPDX-License-Identifier: MIT */
/* A process's machine with a small program in it, and nothing around it. */
#ifndef KEG_TESTS_USER_BARE_H
#define KEG_TESTS_USER_BARE_H

#include <keg/keg.h>

#include "testing.h"
#include "user/machine.h"

struct bare_code {
	const uint8_t *bytes;
	const uint8_t *end;
};

/* A program, in assembly: BARE_CODE(name, "mov $1, %eax\n syscall\n …"), used as code_name. */
#define BARE_CODE(name, text)                                                                      \
	__asm__(".pushsection .rodata\n bare_code_" #name ": " text "\n bare_code_" #name          \
		"_end: .popsection\n");                                                            \
	extern const uint8_t bare_code_##name[], bare_code_##name##_end[];                         \
	static const struct bare_code code_##name = {bare_code_##name, bare_code_##name##_end}

enum {
	BARE_CODE_AT = 0x400000,
	BARE_DATA_AT = 0x500000,   /* BARE_DATA_PAGES, writable */
	BARE_STACK_TOP = 0x601000, /* a page below it */
	BARE_NOTHING_AT = 0x700000,
	BARE_DATA_PAGES = 4,
};

struct bare {
	struct keg_host *host;
	struct keg_pages *pages;
	struct keg_machine_lore lore;
	struct keg_machine *machine;
	struct keg_cpu *cpu;
	struct keg_cpu_event event; /* the last one */
	keg_page code, data, stack;
};

/* A machine and one vCPU. Skips the whole program where there is no KVM. */
void bare_open(struct bare *bare);
void bare_close(struct bare *bare);

/* A page of code at BARE_CODE_AT, registers zero, rip there, rsp at BARE_STACK_TOP. */
void bare_load(struct bare *bare, struct bare_code code);
void bare_start(struct bare *bare, struct bare_code code); /* open and load */

void *bare_data(struct bare *bare); /* the host's view of the first data page */

/* Runs to the next event; what it must be. */
void bare_run(struct bare *bare);
void bare_expect_syscall(struct bare *bare, uint64_t number);
void bare_expect_exception(struct bare *bare, uint32_t vector, uint32_t error);

int bare_kick_signal(void);

/* The processor is QEMU's emulation, which has its own ways (docs/lab.md). */
bool bare_emulated(void);

#endif
