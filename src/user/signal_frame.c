/* SPDX-License-Identifier: MIT */
/* Frames of signal handlers: written to the program's stack, and read back by rt_sigreturn(2). */
#include "user/signal_frame.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "user/signals.h"
#include "user/space.h"

/* Flags of a signal's action that libc does not name, and of its alternate stack */
#define SA_RESTORER_FLAG 0x04000000u
#define AUTODISARM       INT32_MIN /* SS_AUTODISARM, 1 << 31 */

/* What a program may set in rflags (the kernel's FIX_EFLAGS): CF PF AF ZF SF TF DF OF RF AC. */
#define RFLAGS_USER 0x50dd5ull
#define RFLAGS_TF   (1ull << 8)
#define RFLAGS_DF   (1ull << 10)
#define RFLAGS_RF   (1ull << 16)

#define RED_ZONE 128u /* AMD64 psABI, 3.2.2 */

#define XSTATE_MOST (32u << 10) /* more than any processor has, AMX included */

/* ---- The alternate stack ---- */

static bool on_altstack(const struct keg_task *task, uint64_t sp)
{
	if (task->altstack_flags & AUTODISARM)
		return false;
	return sp > task->altstack && sp - task->altstack <= task->altstack_size;
}

static int32_t altstack_state(const struct keg_task *task, uint64_t sp)
{
	if (!task->altstack_size)
		return SS_DISABLE;
	return on_altstack(task, sp) ? SS_ONSTACK : 0;
}

void keg_altstack_get(const struct keg_task *task, struct keg_stack *stack)
{
	*stack = (struct keg_stack){
		.sp = task->altstack,
		.flags = altstack_state(task, task->cpu->regs.rsp) |
			 (task->altstack_flags & AUTODISARM),
		.size = task->altstack_size,
	};
}

int keg_altstack_set(struct keg_task *task, const struct keg_stack *stack)
{
	const uint64_t least = 2048; /* MINSIGSTKSZ, as the kernel has it */
	int32_t mode = stack->flags & ~AUTODISARM;

	if (on_altstack(task, task->cpu->regs.rsp))
		return -EPERM;
	if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0)
		return -EINVAL;
	if (mode == SS_DISABLE) {
		task->altstack = task->altstack_size = 0;
	} else {
		if (stack->size < least)
			return -ENOMEM;
		task->altstack = stack->sp;
		task->altstack_size = stack->size;
	}
	task->altstack_flags = stack->flags;
	return 0;
}

/* ---- Writing ---- */

struct places {
	uint64_t frame, fpstate;
	uint64_t end;
	size_t xstate; /* bytes */
};

/* Where the frame goes, as the kernel places it; false: the alternate stack has no room. */
static bool place(struct keg_task *task, const struct keg_sigaction *action, struct places *at)
{
	uint64_t sp = task->cpu->regs.rsp - RED_ZONE;
	bool on_it = on_altstack(task, task->cpu->regs.rsp);

	if ((action->flags & SA_ONSTACK) && altstack_state(task, sp) == 0) {
		sp = task->altstack + task->altstack_size;
		on_it = true;
	}
	at->xstate = keg_cpu_xstate_size(keg_space_machine(task->process->space));
	if (at->xstate < KEG_XSTATE_MIN || at->xstate > XSTATE_MOST)
		return false;
	at->fpstate = (sp - at->xstate - sizeof(uint32_t)) & ~63ull;
	at->end = at->fpstate + at->xstate + sizeof(uint32_t);
	at->frame = ((at->fpstate - sizeof(struct keg_rt_sigframe)) & ~15ull) - 8;
	if (at->frame >= KEG_USER_TOP || at->end > KEG_USER_TOP || at->end < at->frame)
		return false;
	return !on_it ||
	       (at->frame > task->altstack && at->frame - task->altstack <= task->altstack_size);
}

static void fill_context(const struct keg_task *task, struct keg_sigcontext *context)
{
	const struct keg_user_registers *regs = &task->cpu->regs;

	*context = (struct keg_sigcontext){
		.r8 = regs->r8,
		.r9 = regs->r9,
		.r10 = regs->r10,
		.r11 = regs->r11,
		.r12 = regs->r12,
		.r13 = regs->r13,
		.r14 = regs->r14,
		.r15 = regs->r15,
		.rdi = regs->rdi,
		.rsi = regs->rsi,
		.rbp = regs->rbp,
		.rbx = regs->rbx,
		.rdx = regs->rdx,
		.rax = regs->rax,
		.rcx = regs->rcx,
		.rsp = regs->rsp,
		.rip = regs->rip,
		.rflags = regs->rflags,
		.cs = KEG_USER_CS,
		.ss = KEG_USER_SS,
		.error = task->trap_error,
		.trap = task->trap,
		.old_mask = task->mask,
		.cr2 = task->trap_address,
	};
}

static int fill_xstate(struct keg_task *task, uint8_t *area, size_t size)
{
	const uint32_t magic2 = KEG_FP_MAGIC2;
	const struct keg_fpx_sw_bytes software = {
		.magic1 = KEG_FP_MAGIC1,
		.extended_size = (uint32_t)(size + sizeof(magic2)),
		.features = keg_cpu_xstate_features(keg_space_machine(task->process->space)),
		.size = (uint32_t)size,
	};
	int result = keg_cpu_get_xstate(task->cpu, area, size);

	memcpy(area + KEG_SW_BYTES_AT, &software, sizeof(software));
	memcpy(area + size, &magic2, sizeof(magic2));
	return result;
}

/* The state that a handler begins with: none of the program's, the control words of a reset. */
static int clear_xstate(struct keg_task *task)
{
	const uint16_t control = 0x37f;
	const uint32_t mxcsr = 0x1f80;
	uint8_t area[KEG_XSTATE_MIN] = {0};

	memcpy(area, &control, sizeof(control));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	return keg_cpu_set_xstate(task->cpu, area, sizeof(area));
}

static void enter(struct keg_task *task, const struct keg_sigaction *action, int signo,
	const struct places *at)
{
	struct keg_user_registers *regs = &task->cpu->regs;

	regs->rdi = (uint64_t)signo;
	regs->rsi = at->frame + offsetof(struct keg_rt_sigframe, info);
	regs->rdx = at->frame + offsetof(struct keg_rt_sigframe, uc);
	regs->rax = 0;
	regs->rsp = at->frame;
	regs->rip = action->handler;
	regs->rflags &= ~(RFLAGS_DF | RFLAGS_RF | RFLAGS_TF);
}

int keg_signal_frame(struct keg_task *task, const struct keg_sigaction *action,
	const siginfo_t *info, keg_sigset mask)
{
	struct keg_rt_sigframe frame = {
		.restorer = action->restorer,
		.uc = {.flags = KEG_UC_FP_XSTATE | KEG_UC_SIGCONTEXT_SS | KEG_UC_STRICT_RESTORE_SS,
			.stack = {.sp = task->altstack,
				.flags = task->altstack_size ? task->altstack_flags : SS_DISABLE,
				.size = task->altstack_size},
			.mask = mask},
	};
	struct places at;
	uint8_t *bytes;
	size_t size;

	if (!(action->flags & SA_RESTORER_FLAG) || !place(task, action, &at))
		return -EFAULT;
	size = at.end - at.frame;
	bytes = keg_task_buffer(task, size);
	if (!bytes)
		return -ENOMEM;
	memset(bytes, 0, size);
	fill_context(task, &frame.uc.context);
	frame.uc.context.fpstate = at.fpstate;
	memcpy(frame.info, info, sizeof(frame.info));
	memcpy(bytes, &frame, sizeof(frame));
	if (fill_xstate(task, bytes + (at.fpstate - at.frame), at.xstate) < 0 ||
		keg_space_write(task->process->space, at.frame, bytes, size) < 0)
		return -EFAULT;
	if (task->altstack_flags & AUTODISARM)
		task->altstack = task->altstack_size = 0, task->altstack_flags = SS_DISABLE;
	enter(task, action, info->si_signo, &at);
	return clear_xstate(task) < 0 ? -EFAULT : 0;
}

/* ---- Reading back ---- */

/*
 * How many bytes of the state are XSAVE's, by the software's words in it: at most what the
 * processor has; 0: only FXSAVE's part counts, as where a program has written a frame itself.
 */
static size_t extended_size(struct keg_task *task, uint64_t at, const uint8_t *legacy, size_t most)
{
	struct keg_fpx_sw_bytes software;
	uint32_t magic2;

	memcpy(&software, legacy + KEG_SW_BYTES_AT, sizeof(software));
	if (software.magic1 != KEG_FP_MAGIC1 || software.size < KEG_XSTATE_MIN ||
		software.size > most || software.size > software.extended_size)
		return 0;
	if (keg_space_read(task->process->space, &magic2, at + software.size, sizeof(magic2)) < 0)
		return 0;
	return magic2 == KEG_FP_MAGIC2 ? software.size : 0;
}

static int restore_xstate(struct keg_task *task, uint64_t at)
{
	const uint64_t x87_and_sse = 3;
	struct keg_machine *machine = keg_space_machine(task->process->space);
	size_t most = keg_cpu_xstate_size(machine), size;
	uint64_t features;
	uint8_t *area;

	if (!at)
		return clear_xstate(task);
	area = keg_task_buffer(task, most);
	if (!area || most < KEG_XSTATE_MIN || most > XSTATE_MOST)
		return -ENOMEM;
	memset(area, 0, most);
	if (keg_space_read(task->process->space, area, at, KEG_XSTATE_LEGACY) < 0)
		return -EFAULT;
	size = extended_size(task, at, area, most);
	if (size && keg_space_read(task->process->space, area, at, size) < 0)
		return -EFAULT;
	memcpy(&features, area + KEG_XSTATE_BV_AT, sizeof(features));
	features = size ? features & keg_cpu_xstate_features(machine) : x87_and_sse;
	memcpy(area + KEG_XSTATE_BV_AT, &features, sizeof(features));
	/* The software's words are not the processor's. */
	memset(area + KEG_SW_BYTES_AT, 0, sizeof(struct keg_fpx_sw_bytes));
	return keg_cpu_set_xstate(task->cpu, area, most);
}

static int restore_context(struct keg_task *task, const struct keg_ucontext *uc)
{
	const struct keg_sigcontext *context = &uc->context;
	struct keg_user_registers *regs = &task->cpu->regs;

	/* There is no other code segment, and no other stack segment, in the machine. */
	if ((context->cs | 3) != KEG_USER_CS || context->rip >= KEG_USER_TOP)
		return -EINVAL;
	if ((context->ss | 3) != KEG_USER_SS && (uc->flags & KEG_UC_STRICT_RESTORE_SS))
		return -EINVAL;
	regs->r8 = context->r8;
	regs->r9 = context->r9;
	regs->r10 = context->r10;
	regs->r11 = context->r11;
	regs->r12 = context->r12;
	regs->r13 = context->r13;
	regs->r14 = context->r14;
	regs->r15 = context->r15;
	regs->rdi = context->rdi;
	regs->rsi = context->rsi;
	regs->rbp = context->rbp;
	regs->rbx = context->rbx;
	regs->rdx = context->rdx;
	regs->rax = context->rax;
	regs->rcx = context->rcx;
	regs->rsp = context->rsp;
	regs->rip = context->rip;
	regs->rflags = (regs->rflags & ~RFLAGS_USER) | (context->rflags & RFLAGS_USER);
	return 0;
}

int keg_signal_return(struct keg_task *task, keg_sigset *mask)
{
	/* The handler's return took the restorer's address off the stack. */
	uint64_t at = task->cpu->regs.rsp - sizeof(uint64_t);
	struct keg_rt_sigframe frame;
	int result;

	if (keg_space_read(task->process->space, &frame.uc,
		    at + offsetof(struct keg_rt_sigframe, uc), sizeof(frame.uc)) < 0)
		return -EFAULT;
	*mask = frame.uc.mask;
	result = restore_context(task, &frame.uc);
	if (result == 0)
		result = restore_xstate(task, frame.uc.context.fpstate);
	/* As the kernel has it, what is wrong with this is not told. */
	if (result == 0)
		keg_altstack_set(task, &frame.uc.stack);
	return result;
}
