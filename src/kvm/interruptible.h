/* SPDX-License-Identifier: MIT */
/*
 * A system call of the host's that the kick signal ends, however shortly before it the signal
 * comes.
 *
 * Who kicks sets a flag, then sends the signal. The look at the flag and the system call are one
 * piece of assembly, between labels: when the signal's handler finds its thread there, it leads it
 * to the end, as if the kernel had answered -EINTR. That holds for a call that had begun too: the
 * handler has SA_RESTART, for the calls of whoever uses the library, so the kernel has put the
 * thread back to the system call's instruction before the handler runs; it is not made again.
 */
#ifndef KEG_KVM_INTERRUPTIBLE_H
#define KEG_KVM_INTERRUPTIBLE_H

#include <stdatomic.h>
#include <stdint.h>
#include <ucontext.h>

/*
 * The call's result, a negative errno if it fails. -EINTR at once if *flag is set, and as soon as
 * the kick signal comes, even if it is another's: the caller looks at the flag.
 */
int64_t keg_interruptible_call(const _Atomic uint32_t *flag, long number, const uint64_t args[6]);

/* For the kick signal's handler. */
void keg_interruptible_leave(ucontext_t *context);

#endif
