/* SPDX-License-Identifier: MIT */
/* A bare machine at CPL 3 with one function in it, which it calls again and again. */
#ifndef KEG_BENCH_USER_CALL_H
#define KEG_BENCH_USER_CALL_H

#include "bare.h"

struct bench;
void bench_user_call(struct bench *bench);

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

#endif
