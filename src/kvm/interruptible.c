/* SPDX-License-Identifier: MIT */
/* What the kick signal's handler does to a thread that is about to make a system call. */
#include "kvm/interruptible.h"

/* Labels in the assembly: the look at the flag, the system call's instruction, and the end. */
extern const char keg_interruptible_begin[], keg_interruptible_syscall[], keg_interruptible_end[];

void keg_interruptible_leave(ucontext_t *context)
{
#ifdef __x86_64__
	greg_t *at = &context->uc_mcontext.gregs[REG_RIP];
#else
	unsigned long long *at = &context->uc_mcontext.pc;
#endif
	uintptr_t ip = (uintptr_t)*at;

	/* Behind the instruction there is a result, which stands. */
	if (ip >= (uintptr_t)keg_interruptible_begin && ip <= (uintptr_t)keg_interruptible_syscall)
		*at = (__typeof__(*at))(uintptr_t)keg_interruptible_end;
}
