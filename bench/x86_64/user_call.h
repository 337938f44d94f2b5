/* SPDX-License-Identifier: MIT */
/* One function at CPL 3, in a sandbox of keg's or a bare machine, that is called again and again.
 */
#ifndef KEG_BENCH_USER_CALL_H
#define KEG_BENCH_USER_CALL_H

#include <keg/user.h>

#include "bare.h"

struct bench;
void bench_user_call(struct bench *bench);
void bench_user_syscall(struct bench *bench);

/* Where the function is in the sandbox's program. */
#define USER_PROGRAM_FUNCTION 0x401000ull
/* A sandbox whose program is the function, of a page at most. */
struct keg_user *user_program_open(struct bench *bench, const void *function, size_t bytes);

struct user_machine {
	int vm, vcpu;
	size_t run_bytes;
	struct kvm_run *run;
	uint8_t *memory;
	uint8_t *data; /* the pages that the function is given */
	struct kvm_regs regs;
};

void user_machine_open(const struct bare_host *host, const void *function, size_t bytes,
	struct user_machine *machine);
void user_machine_close(struct user_machine *machine);
/* function(data, pages) */
void user_machine_call(struct user_machine *machine, uint64_t pages);
/* Goes on after one of the function's own stores to where it returns by, up to the next. */
void user_machine_continue(struct user_machine *machine);
/* What such a store is made of: movabs %rax, that address. */
#define USER_MACHINE_LEAVE 0x48, 0xa3, 0x00, 0xf0, 0x1f, 0, 0, 0, 0, 0

#endif
