/* SPDX-License-Identifier: MIT */
/* Code at CPL 3 that touches a space's memory, and is served its page faults. */
#ifndef KEG_TESTS_USER_SPACE_PROGRAM_H
#define KEG_TESTS_USER_SPACE_PROGRAM_H

#include "user/space_fixture.h"

/* Each ends with a system call, and rax is what it found. */
enum {
	CODE = 0x400000,
	DO_READ = CODE,
	DO_WRITE = CODE + 0x10,
	DO_JUMP = CODE + 0x20,
	DO_WAIT = CODE + 0x30,
	DO_RETURN = CODE + 0x40,
};

extern const uint8_t program_code[];
/* Page faults served so far. */
extern uint64_t program_faults;

/* Maps the code, and makes a vCPU. */
struct keg_cpu *program_start(struct keg_space *space);
/* What the program found, or the fault that it got as a negative errno. */
int64_t program_run(
	struct keg_space *space, struct keg_cpu *cpu, uint64_t at, uint64_t rdi, uint64_t rsi);

#endif
