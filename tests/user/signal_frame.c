/* SPDX-License-Identifier: MIT */
/* The frame of a signal's handler is laid out as the kernel's headers say. */
#include "testing.h"

#include <asm/sigcontext.h>

#define KEG_SIGNAL_FRAME_LAYOUT_ONLY
#include "user/signal_frame.h"

#define SAME_PLACE(own, kernel)                                                                    \
	assert_int_equal(offsetof(struct keg_sigcontext, own), offsetof(struct sigcontext, kernel))

static void the_registers_are_where_the_kernel_has_them(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct keg_sigcontext), sizeof(struct sigcontext));
	SAME_PLACE(r8, r8);
	SAME_PLACE(r15, r15);
	SAME_PLACE(rdi, rdi);
	SAME_PLACE(rsi, rsi);
	SAME_PLACE(rbp, rbp);
	SAME_PLACE(rbx, rbx);
	SAME_PLACE(rdx, rdx);
	SAME_PLACE(rax, rax);
	SAME_PLACE(rcx, rcx);
	SAME_PLACE(rsp, rsp);
	SAME_PLACE(rip, rip);
	SAME_PLACE(rflags, eflags);
	SAME_PLACE(cs, cs);
	SAME_PLACE(ss, ss);
	SAME_PLACE(error, err);
	SAME_PLACE(trap, trapno);
	SAME_PLACE(old_mask, oldmask);
	SAME_PLACE(cr2, cr2);
	SAME_PLACE(fpstate, fpstate);
}

static void the_software_bytes_are_where_the_kernel_has_them(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct keg_fpx_sw_bytes), sizeof(struct _fpx_sw_bytes));
	assert_int_equal(KEG_SW_BYTES_AT, offsetof(struct _fpstate_64, sw_reserved));
	assert_int_equal(KEG_XSTATE_LEGACY, sizeof(struct _fpstate_64));
	assert_int_equal(KEG_XSTATE_MIN, offsetof(struct _xstate, ymmh));
	assert_int_equal(offsetof(struct keg_fpx_sw_bytes, features),
		offsetof(struct _fpx_sw_bytes, xfeatures));
	assert_int_equal(offsetof(struct keg_fpx_sw_bytes, size),
		offsetof(struct _fpx_sw_bytes, xstate_size));
	assert_int_equal(KEG_FP_MAGIC1, FP_XSTATE_MAGIC1);
	assert_int_equal(KEG_FP_MAGIC2, FP_XSTATE_MAGIC2);
}

/* <asm/ucontext.h> cannot be had along with libc's types: these are its sums. */
static void the_frame_is_as_large_as_the_kernels(void **state)
{
	(void)state;
	assert_int_equal(sizeof(struct keg_stack), 24);
	assert_int_equal(offsetof(struct keg_ucontext, context), 40);
	assert_int_equal(offsetof(struct keg_ucontext, mask), 40 + 256);
	assert_int_equal(sizeof(struct keg_ucontext), 304);
	assert_int_equal(offsetof(struct keg_rt_sigframe, uc), 8);
	assert_int_equal(offsetof(struct keg_rt_sigframe, info), 312);
	assert_int_equal(sizeof(struct keg_rt_sigframe), 440);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_registers_are_where_the_kernel_has_them),
		cmocka_unit_test(the_software_bytes_are_where_the_kernel_has_them),
		cmocka_unit_test(the_frame_is_as_large_as_the_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
