/* SPDX-License-Identifier: MIT */
/*
 * The stack frame of a signal's handler, as the kernel lays it out on x86-64: struct rt_sigframe
 * with <asm/ucontext.h> and <asm/sigcontext.h>, which cannot be included along with libc's
 * <signal.h>. Above it, aligned to 64 bytes, is the floating-point state in XSAVE's standard form.
 */
#ifndef KEG_USER_SIGNAL_FRAME_H
#define KEG_USER_SIGNAL_FRAME_H

#include <stdint.h>

/* struct sigcontext */
struct keg_sigcontext {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t fpstate; /* its address, 0: none */
	uint64_t reserved[8];
};

/* stack_t */
struct keg_stack {
	uint64_t sp;
	int32_t flags;
	int32_t padding;
	uint64_t size;
};

/* struct ucontext, with the kernel's mask of 64 signals */
struct keg_ucontext {
	uint64_t flags;
	uint64_t link;
	struct keg_stack stack;
	struct keg_sigcontext context;
	uint64_t mask;
};

struct keg_rt_sigframe {
	uint64_t restorer; /* what the handler returns to */
	struct keg_ucontext uc;
	uint8_t info[128]; /* siginfo_t */
};

/* struct _fpx_sw_bytes: at byte 464 of the floating-point state */
struct keg_fpx_sw_bytes {
	uint32_t magic1, extended_size;
	uint64_t features;
	uint32_t size;
	uint32_t padding[7];
};

enum {
	KEG_SW_BYTES_AT = 464,
	KEG_XSTATE_LEGACY = 512, /* FXSAVE's area */
	KEG_XSTATE_MIN = 576,    /* and XSAVE's header */
	KEG_XSTATE_BV_AT = 512,
	KEG_FP_MAGIC1 = 0x46505853,
	KEG_FP_MAGIC2 = 0x46505845,
	KEG_UC_FP_XSTATE = 1,
	KEG_UC_SIGCONTEXT_SS = 2,
	KEG_UC_STRICT_RESTORE_SS = 4,
	KEG_USER_CS = 0x33, /* what programs find in the frame: Linux's selectors */
	KEG_USER_SS = 0x2b,
};

#ifndef KEG_SIGNAL_FRAME_LAYOUT_ONLY

#include "user/task.h"

/* Makes the registers so that the handler runs. -EFAULT the stack cannot hold the frame */
int keg_signal_frame(struct keg_task *task, const struct keg_sigaction *action,
	const siginfo_t *info, keg_sigset mask);
/* What rt_sigreturn(2) reads back: hostile. -EFAULT; -EINVAL what cannot be. *mask is the one to
 * come back. */
int keg_signal_return(struct keg_task *task, keg_sigset *mask);

/* The alternate stack: sigaltstack(2). -EPERM it is in use, -ENOMEM too small, -EINVAL flags */
void keg_altstack_get(const struct keg_task *task, struct keg_stack *stack);
int keg_altstack_set(struct keg_task *task, const struct keg_stack *stack);

#endif
#endif
