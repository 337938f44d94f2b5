/* SPDX-License-Identifier: MIT */
/* A program's own faults: the signals that Linux makes of exceptions, and the sandbox's report. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "user/signals.h"
#include "user/space.h"

/* AMD64 APM volume 2, 8.2: vectors */
enum { DIVIDE_ERROR = 0, X87_ERROR = 16, PAGE_FAULT = 14, SIMD_ERROR = 19, VECTORS = 32 };
/* 8.4.2: a page fault's error code */
enum { FAULT_PRESENT = 1 << 0, FAULT_WRITE = 1 << 1, FAULT_FETCH = 1 << 4 };

struct exception {
	int signo, code;
	bool has_address; /* si_addr is the instruction's */
	const char *what;
};

/* What arch/x86's traps send. Those that are not here cannot be (SIGSEGV from the kernel). */
static const struct exception exceptions[VECTORS] = {
	[0] = {SIGFPE, FPE_INTDIV, true, "division by zero"},
	[1] = {SIGTRAP, TRAP_TRACE, true, "debug trap"},
	[3] = {SIGTRAP, SI_KERNEL, false, "breakpoint"},
	[4] = {SIGSEGV, SI_KERNEL, false, "overflow trap"},
	[5] = {SIGSEGV, SI_KERNEL, false, "bound range exceeded"},
	[6] = {SIGILL, ILL_ILLOPN, true, "invalid instruction"},
	[11] = {SIGBUS, SI_KERNEL, false, "segment not present"},
	[12] = {SIGBUS, SI_KERNEL, false, "stack fault"},
	[13] = {SIGSEGV, SI_KERNEL, false, "general protection fault"},
	[14] = {SIGSEGV, SEGV_MAPERR, true, "page fault"},
	[16] = {SIGFPE, 0, true, "x87 exception"},
	[17] = {SIGBUS, BUS_ADRALN, true, "misaligned access"},
	[19] = {SIGFPE, 0, true, "SIMD exception"},
};

static const struct exception *exception_of(uint32_t vector)
{
	static const struct exception other = {SIGSEGV, SI_KERNEL, false, "exception"};

	return vector < VECTORS && exceptions[vector].signo ? &exceptions[vector] : &other;
}

/* The first exception that is flagged and not masked: si_code of SIGFPE. */
static int float_code(struct keg_task *task, uint32_t vector)
{
	enum { INVALID = 1 << 0, DENORMAL = 1 << 1, ZERO = 1 << 2 };
	enum { OVERFLOW = 1 << 3, UNDERFLOW = 1 << 4, INEXACT = 1 << 5 };
	uint8_t area[512] = {0};
	uint16_t control, status;
	uint32_t mxcsr;
	unsigned active;

	if (keg_cpu_get_xstate(task->cpu, area, sizeof(area)) < 0)
		return 0;
	memcpy(&control, area, sizeof(control));
	memcpy(&status, area + 2, sizeof(status));
	memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	active = vector == X87_ERROR ? status & ~(unsigned)control : mxcsr & ~(mxcsr >> 7);
	if (active & INVALID)
		return FPE_FLTINV;
	if (active & ZERO)
		return FPE_FLTDIV;
	if (active & OVERFLOW)
		return FPE_FLTOVF;
	if (active & (UNDERFLOW | DENORMAL))
		return FPE_FLTUND;
	return active & INEXACT ? FPE_FLTRES : 0;
}

/* Puts it where the task itself finds it first, whatever it blocks or ignores. Lock held. */
static void force(struct keg_task *task, const siginfo_t *info)
{
	struct keg_sigaction *action = &task->process->actions->of[info->si_signo];
	keg_sigset bit = KEG_SIGBIT(info->si_signo);

	if ((task->mask & bit) || keg_signal_ignored(task->process, info->si_signo))
		action->handler = 0;
	task->mask &= ~bit;
	keg_pending_discard(task->pending, bit);
	keg_signal_task(task, info);
	task->forced = true;
	atomic_store(&task->attention, 1);
}

void keg_signal_fault(struct keg_task *task, int signo, int code, uint64_t address, uint32_t vector,
	uint32_t error)
{
	const struct exception *exception = exception_of(vector);
	struct keg_user *user = task->process->user;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = code;
	info.si_addr = (void *)(uintptr_t)address;
	if (!signo) {
		info.si_signo = exception->signo;
		info.si_code = exception->code;
		info.si_addr =
			exception->has_address ? (void *)(uintptr_t)task->cpu->regs.rip : NULL;
		if (vector == X87_ERROR || vector == SIMD_ERROR)
			info.si_code = float_code(task, vector);
	}
	pthread_mutex_lock(&user->lock);
	task->trap = vector;
	task->trap_error = error;
	/* cr2 stays what it was when another exception comes. */
	if (vector == PAGE_FAULT)
		task->trap_address = address;
	if (task->process->actions)
		force(task, &info);
	pthread_mutex_unlock(&user->lock);
}

void keg_signal_self(struct keg_task *task, int signo)
{
	struct keg_user *user = task->process->user;
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = signo;
	info.si_code = SI_KERNEL;
	pthread_mutex_lock(&user->lock);
	keg_signal_task(task, &info);
	pthread_mutex_unlock(&user->lock);
}

/* ---- The report ---- */

/* "0x401136 in /bin/x+0x1136" */
static void write_place(struct keg_task *task, uint64_t at, char *text, size_t size)
{
	struct keg_area_view view;

	if (task->process->space && keg_space_area(task->process->space, at, &view) == 0 &&
		view.start <= at && view.name[0])
		snprintf(text, size, "0x%llx in %.60s+0x%llx", (unsigned long long)at, view.name,
			(unsigned long long)at - view.start + view.offset);
	else
		snprintf(text, size, "0x%llx", (unsigned long long)at);
}

static const char *page_fault_reason(struct keg_task *task, const siginfo_t *info)
{
	struct keg_area_view view;
	uint64_t at = task->trap_address;

	if (info->si_signo == SIGBUS)
		return "it is behind the end of the file that is mapped there";
	if (!task->process->space || keg_space_area(task->process->space, at, &view) < 0 ||
		view.start > at)
		return "nothing is mapped there";
	if (task->trap_error & FAULT_FETCH)
		return "it is not executable";
	return task->trap_error & FAULT_WRITE ? "it is not writable" : "it is not readable";
}

static void describe_fault(struct keg_task *task, const siginfo_t *info, char *text, size_t size)
{
	const char *access = task->trap_error & FAULT_FETCH   ? "jump to"
			     : task->trap_error & FAULT_WRITE ? "write to"
							      : "read of";
	char at[112];

	write_place(task, task->cpu->regs.rip, at, sizeof(at));
	if (info->si_code == SI_KERNEL && task->trap == PAGE_FAULT)
		snprintf(text, size, "no stack for a signal handler at %s", at);
	else if (task->trap == PAGE_FAULT)
		snprintf(text, size, "%s 0x%llx at %s: %s", access,
			(unsigned long long)task->trap_address, at, page_fault_reason(task, info));
	else
		snprintf(text, size, "%s at %s", exception_of(task->trap)->what, at);
}

void keg_signal_report(struct keg_task *task, const siginfo_t *info)
{
	struct keg_user *user = task->process->user;
	const struct keg_user_registers *regs = &task->cpu->regs;
	struct keg_user_stop *report = &user->report;
	const char *name = sigabbrev_np(info->si_signo);

	if (task->process != user->first || task->process->exiting)
		return;
	snprintf(report->what, sizeof(report->what), "signal %d (SIG%s)", info->si_signo,
		name ? name : "RT");
	/* Another's registers may change while they are read. */
	if (!pthread_equal(task->thread, pthread_self()))
		return;
	report->rip = regs->rip;
	report->rsp = regs->rsp;
	memcpy(report->registers,
		(const uint64_t[16]){regs->rax, regs->rcx, regs->rdx, regs->rbx, regs->rsp,
			regs->rbp, regs->rsi, regs->rdi, regs->r8, regs->r9, regs->r10, regs->r11,
			regs->r12, regs->r13, regs->r14, regs->r15},
		sizeof(report->registers));
	if (task->forced) {
		report->vector = task->trap;
		report->address = task->trap == PAGE_FAULT ? task->trap_address : 0;
		describe_fault(task, info, report->what, sizeof(report->what));
	}
}
