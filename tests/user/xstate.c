/* SPDX-License-Identifier: MIT */
/* A program's x87, SSE and AVX states: as it began with, kept, read, set and refused. */
#include "bare.h"

#include <errno.h>

enum {
	FCW_AT = 0,
	MXCSR_AT = 24,
	XMM_AT = 160,
	IN_USE_AT = 512,
	YMM_AT = 576, /* SDM volume 1, 13.5.2: AVX state in standard form, as all processors have */
	AREA_MAX = 8192,
	AVX = 4,
};

static uint8_t area[AREA_MAX];

static bool has_avx(const struct bare *bare)
{
	return keg_cpu_xstate_features(bare->machine) & AVX && __builtin_cpu_supports("avx");
}

BARE_CODE(initial, "fnstcw (%rbx); stmxcsr 4(%rbx); movups %xmm0, 16(%rbx); mov $1, %eax; syscall");

static void check_initial(struct bare *bare)
{
	uint8_t *data = bare_data(bare);
	uint16_t fcw;
	uint32_t mxcsr;

	bare_load(bare, code_initial);
	bare->cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_syscall(bare, 1);
	memcpy(&fcw, data, sizeof(fcw));
	memcpy(&mxcsr, data + 4, sizeof(mxcsr));
	assert_int_equal(fcw, 0x37f);
	assert_int_equal(mxcsr, 0x1f80);
	for (int i = 16; i < 32; i++)
		assert_int_equal(data[i], 0);
}

static void begins_as_under_linux(void **state)
{
	struct bare bare;

	(void)state;
	bare_open(&bare);
	check_initial(&bare);
	bare_close(&bare);
}

BARE_CODE(fill_sse, "movups (%rbx), %xmm0; movups (%rbx), %xmm15; movl $0x3f80, -4(%rsp); "
		    "ldmxcsr -4(%rsp); movw $0x27f, -4(%rsp); fldcw -4(%rsp); "
		    "1: mov $1, %eax; syscall; movups %xmm0, 0x100(%rbx); "
		    "movups %xmm15, 0x110(%rbx); movb $0, 0x700000; jmp 1b");
enum { MOVB_BYTES = 8 };

static void keeps_sse(void **state)
{
	struct bare bare;
	uint8_t *data;

	(void)state;
	bare_start(&bare, code_fill_sse);
	data = bare_data(&bare);
	for (int i = 0; i < 16; i++)
		data[i] = (uint8_t)(i + 1);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	for (int turn = 0; turn < 3; turn++) {
		bare_expect_syscall(&bare, 1);
		memset(data + 0x100, 0, 32);
		bare_run(&bare);
		assert_int_equal(bare.event.vector, 14);
		bare.cpu->regs.rip += MOVB_BYTES;
		assert_memory_equal(data, data + 0x100, 16);
		assert_memory_equal(data, data + 0x110, 16);
	}
	assert_ok(keg_cpu_get_xstate(bare.cpu, area, sizeof(area)));
	assert_memory_equal(area + XMM_AT, data, 16);
	assert_memory_equal(area + XMM_AT + 15 * 16, data, 16);
	assert_int_equal(*(uint32_t *)(void *)(area + MXCSR_AT), 0x3f80);
	assert_int_equal(*(uint16_t *)(void *)(area + FCW_AT), 0x27f);
	bare_close(&bare);
}

BARE_CODE(fill_avx, "vmovups (%rbx), %ymm3; 1: mov $1, %eax; syscall; "
		    "vmovups %ymm3, 0x100(%rbx); jmp 1b");

static void keeps_avx(void **state)
{
	struct bare bare;
	uint8_t *data;

	(void)state;
	bare_start(&bare, code_fill_avx);
	if (!has_avx(&bare)) {
		bare_close(&bare);
		skip();
	}
	data = bare_data(&bare);
	for (int i = 0; i < 32; i++)
		data[i] = (uint8_t)(i + 1);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_syscall(&bare, 1);
	bare_expect_syscall(&bare, 1);
	assert_memory_equal(data, data + 0x100, 32);
	assert_ok(keg_cpu_get_xstate(bare.cpu, area, sizeof(area)));
	assert_memory_equal(area + XMM_AT + 3 * 16, data, 16);
	assert_memory_equal(area + YMM_AT + 3 * 16, data + 16, 16);

	/* And what is set is what the program has. */
	memset(area + XMM_AT + 3 * 16, 0x55, 16);
	memset(area + YMM_AT + 3 * 16, 0xaa, 16);
	assert_ok(keg_cpu_set_xstate(bare.cpu, area, keg_cpu_xstate_size(bare.machine)));
	bare_expect_syscall(&bare, 1);
	for (int i = 0; i < 16; i++) {
		assert_int_equal(data[0x100 + i], 0x55);
		assert_int_equal(data[0x110 + i], 0xaa);
	}
	bare_close(&bare);
}

static void copies_to_another_vcpu(void **state)
{
	struct keg_cpu *child;
	struct bare bare;
	uint8_t *data;

	(void)state;
	bare_start(&bare, code_fill_sse);
	data = bare_data(&bare);
	memset(data, 0x77, 16);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_syscall(&bare, 1);
	assert_ok(keg_cpu_create(bare.machine, &child));
	assert_ok(keg_cpu_get_xstate(bare.cpu, area, sizeof(area)));
	assert_ok(keg_cpu_set_xstate(child, area, sizeof(area)));
	child->regs = bare.cpu->regs;
	assert_ok(keg_cpu_run(child, &bare.event));
	assert_int_equal(bare.event.vector, 14);
	assert_memory_equal(data, data + 0x100, 16);
	keg_cpu_destroy(child);

	/* Given back, it begins as new. */
	keg_cpu_destroy(bare.cpu);
	assert_ok(keg_cpu_create(bare.machine, &bare.cpu));
	check_initial(&bare);
	bare_close(&bare);
}

static void refuses_what_is_no_state(void **state)
{
	struct bare bare;
	uint64_t *header = (void *)(area + IN_USE_AT);
	size_t size;

	(void)state;
	bare_start(&bare, code_fill_sse);
	bare.cpu->regs.rbx = BARE_DATA_AT;
	bare_expect_syscall(&bare, 1);
	size = keg_cpu_xstate_size(bare.machine);
	assert_in_range(size, 576, AREA_MAX);
	assert_ok(keg_cpu_get_xstate(bare.cpu, area, sizeof(area)));
	header[0] |= 1ull << 62;
	assert_fails(keg_cpu_set_xstate(bare.cpu, area, size), EINVAL, "cannot have");
	header[0] &= ~(1ull << 62);
	header[0] |= 1ull << 9; /* protection keys */
	assert_fails(keg_cpu_set_xstate(bare.cpu, area, size), EINVAL, "cannot have");
	header[0] &= ~(1ull << 9);
	header[1] = 1ull << 63;
	assert_fails(keg_cpu_set_xstate(bare.cpu, area, size), EINVAL, "standard form");
	header[1] = 0;
	header[3] = 1;
	assert_fails(keg_cpu_set_xstate(bare.cpu, area, size), EINVAL, "standard form");
	header[3] = 0;
	assert_fails(keg_cpu_set_xstate(bare.cpu, area, 512), EINVAL, "512");
	memset(area + MXCSR_AT, 0xff, 4);
	assert_true(keg_cpu_set_xstate(bare.cpu, area, size) < 0);
	bare_expect_exception(&bare, 14, 6);
	bare_close(&bare);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_as_under_linux),
		cmocka_unit_test(keeps_sse),
		cmocka_unit_test(keeps_avx),
		cmocka_unit_test(copies_to_another_vcpu),
		cmocka_unit_test(refuses_what_is_no_state),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
