/* SPDX-License-Identifier: MIT */
/* Exits in words, and every exit of kvm_run decoded. */
#include "testing.h"

#include <keg/vcpu.h>

#include "kvm/uapi.h"
#include "kvm/vcpu.h"

/* Room for kvm_run and for data behind it. */
union area {
	struct kvm_run run;
	uint8_t bytes[2 * 4096];
};

static struct keg_exit decode(union area *area)
{
	struct keg_exit exit;

	memset(&exit, 0xee, sizeof(exit));
	keg_exit_decode(&area->run, &exit);
	return exit;
}

static void assert_words(const struct keg_exit *exit, const char *words)
{
	char text[256];
	int length = keg_exit_describe(exit, text, sizeof(text));

	assert_int_equal(length, strlen(text));
	if (!strstr(text, words))
		fail_msg("\"%s\" lacks \"%s\"", text, words);
}

static void every_reason_of_the_header_has_a_name(void **state)
{
	(void)state;
	for (uint32_t reason = 0; reason <= KVM_EXIT_TDX; reason++) {
		if (!keg_exit_name(reason))
			fail_msg("reason %u has no name", reason);
	}
	assert_string_equal(keg_exit_name(KEG_EXIT_KICKED), "kicked");
	assert_string_equal(keg_exit_name(KEG_EXIT_TIMEOUT), "timeout");
	assert_string_equal(keg_exit_name(KEG_EXIT_STEPPED), "stepped");
}

static void an_unknown_reason_is_a_value_and_has_words(void **state)
{
	union area area = {.run.exit_reason = 200};
	struct keg_exit exit = decode(&area);

	(void)state;
	assert_int_equal(exit.reason, 200);
	assert_null(keg_exit_name(200));
	assert_words(&exit, "exit reason 200, which this keg does not know");
}

static void port_exits_tell_direction_size_count_and_data(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_IO};
	struct keg_exit exit;

	(void)state;
	area.run.io.direction = KVM_EXIT_IO_OUT;
	area.run.io.size = 2;
	area.run.io.port = 0x3f8;
	area.run.io.count = 3;
	area.run.io.data_offset = 4096;
	exit = decode(&area);
	assert_int_equal(exit.reason, KEG_EXIT_IO);
	assert_true(exit.io.write);
	assert_int_equal(exit.io.bytes, 2);
	assert_int_equal(exit.io.port, 0x3f8);
	assert_int_equal(exit.io.count, 3);
	assert_ptr_equal(exit.io.data, area.bytes + 4096);
	assert_words(&exit, "port write of 2 bytes at 0x3f8, 3 times");
	area.run.io.direction = KVM_EXIT_IO_IN;
	area.run.io.count = 1;
	area.run.io.size = 1;
	exit = decode(&area);
	assert_false(exit.io.write);
	assert_words(&exit, "port read of 1 byte at 0x3f8");
}

static void memory_exits_tell_address_direction_and_data(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_MMIO};
	struct keg_exit exit;

	(void)state;
	area.run.mmio.phys_addr = 0x123456789a;
	area.run.mmio.len = 8;
	area.run.mmio.is_write = 1;
	exit = decode(&area);
	assert_true(exit.mmio.write);
	assert_int_equal(exit.mmio.bytes, 8);
	assert_int_equal(exit.mmio.address, 0x123456789a);
	assert_ptr_equal(exit.mmio.data, area.run.mmio.data);
	assert_words(&exit, "memory-mapped write of 8 bytes at 0x123456789a");
	area.run.mmio.is_write = 0;
	area.run.mmio.len = 1;
	exit = decode(&area);
	assert_words(&exit, "memory-mapped read of 1 byte at 0x123456789a");
}

static void failed_entries_carry_the_hardware_reason(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_FAIL_ENTRY};
	struct keg_exit exit;

	(void)state;
	area.run.fail_entry.hardware_entry_failure_reason = 0x80000021;
	area.run.fail_entry.cpu = 7;
	exit = decode(&area);
	assert_int_equal(exit.hardware.reason, 0x80000021);
	assert_int_equal(exit.hardware.cpu, 7);
	assert_words(&exit, "refused to enter the guest on CPU 7, for reason 0x80000021");
	area.run.exit_reason = KVM_EXIT_UNKNOWN;
	area.run.hw.hardware_exit_reason = 0x55;
	exit = decode(&area);
	assert_int_equal(exit.hardware.reason, 0x55);
	assert_words(&exit, "reason 0x55");
}

static void internal_errors_carry_words_data_and_the_instruction(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_INTERNAL_ERROR};
	const uint8_t instruction[] = {2, 0x0f, 0x0b};
	struct keg_exit exit;

	(void)state;
	area.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	area.run.internal.ndata = 3;
	area.run.internal.data[0] = 1;
	memcpy(&area.run.internal.data[1], instruction, sizeof(instruction));
	exit = decode(&area);
	assert_int_equal(exit.internal.count, 3);
	assert_int_equal(exit.internal.data[0], 1);
	assert_words(&exit, "emulator does not know an instruction: instruction bytes 0f 0b");
	/* A length that no instruction has is not believed. */
	((uint8_t *)&area.run.internal.data[1])[0] = 16;
	exit = decode(&area);
	assert_words(&exit, "emulator does not know an instruction");
	area.run.internal.suberror = 99;
	area.run.internal.ndata = 1000;
	exit = decode(&area);
	assert_int_equal(exit.internal.count, 16);
	assert_words(&exit, "KVM internal error 99: keg knows no words for it");
	area.run.internal.suberror = KVM_INTERNAL_ERROR_DELIVERY_EV;
	exit = decode(&area);
	assert_words(&exit, "an event could not be delivered");
}

static void system_events_are_named(void **state)
{
	static const struct {
		uint32_t type;
		const char *words;
	} events[] = {
		{KVM_SYSTEM_EVENT_SHUTDOWN, "power-off"},
		{KVM_SYSTEM_EVENT_RESET, "reset"},
		{KVM_SYSTEM_EVENT_CRASH, "crash"},
		{77, "system event 77"},
	};
	union area area = {.run.exit_reason = KVM_EXIT_SYSTEM_EVENT};

	(void)state;
	area.run.system_event.ndata = 1000;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		struct keg_exit exit;

		area.run.system_event.type = events[i].type;
		exit = decode(&area);
		assert_int_equal(exit.system_event.count, 16);
		assert_words(&exit, events[i].words);
	}
}

static void msr_exits_lead_to_the_answer(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_X86_RDMSR};
	struct keg_exit exit;

	(void)state;
	area.run.msr.index = 0xc0000080;
	exit = decode(&area);
	*exit.msr.data = 5;
	*exit.msr.error = 1;
	assert_int_equal(area.run.msr.data, 5);
	assert_int_equal(area.run.msr.error, 1);
	assert_words(&exit, "read of MSR 0xc0000080");
	area.run.exit_reason = KVM_EXIT_X86_WRMSR;
	exit = decode(&area);
	assert_words(&exit, "write of MSR 0xc0000080");
}

static void hypercalls_lead_to_the_result(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_HYPERCALL};
	struct keg_exit exit;

	(void)state;
	area.run.hypercall.nr = 12;
	area.run.hypercall.args[5] = 6;
	exit = decode(&area);
	assert_int_equal(exit.hypercall.nr, 12);
	assert_int_equal(exit.hypercall.args[5], 6);
	*exit.hypercall.result = 99;
	assert_int_equal(area.run.hypercall.ret, 99);
	assert_words(&exit, "hypercall");
}

static void memory_faults_nisv_eoi_and_debug_are_decoded(void **state)
{
	const struct keg_kvm_memory_fault fault = {.flags = 8, .gpa = 0x5000, .size = 0x1000};
	union area area = {.run.exit_reason = KVM_EXIT_MEMORY_FAULT};
	struct keg_exit exit;

	(void)state;
	memcpy(&area.run.hw, &fault, sizeof(fault));
	exit = decode(&area);
	assert_int_equal(exit.memory_fault.flags, 8);
	assert_words(&exit, "0x1000 bytes at 0x5000");

	area.run.exit_reason = KVM_EXIT_ARM_NISV;
	area.run.arm_nisv.esr_iss = 3;
	area.run.arm_nisv.fault_ipa = 0x9000;
	exit = decode(&area);
	assert_words(&exit, "0x9000");

	area.run.exit_reason = KVM_EXIT_IOAPIC_EOI;
	area.run.eoi.vector = 33;
	exit = decode(&area);
	assert_int_equal(exit.eoi.vector, 33);

	memset(&area.run.debug, 0, sizeof(area.run.debug));
	area.run.exit_reason = KVM_EXIT_DEBUG;
	exit = decode(&area);
	assert_false(keg_arch_is_step(&exit));
	assert_words(&exit, "debug exception");
}

static void plain_reasons_are_their_names(void **state)
{
	struct keg_exit exit = {.reason = KEG_EXIT_HLT};

	(void)state;
	assert_words(&exit, "hlt");
	exit.reason = KEG_EXIT_SHUTDOWN;
	assert_words(&exit, "triple fault");
}

static void a_small_buffer_is_respected_and_the_cut_is_told(void **state)
{
	union area area = {.run.exit_reason = KVM_EXIT_INTERNAL_ERROR};
	char text[64];

	(void)state;
	area.run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	area.run.internal.ndata = 3;
	area.run.internal.data[0] = 1;
	((uint8_t *)&area.run.internal.data[1])[0] = 15;
	for (size_t size = 0; size < sizeof(text); size++) {
		struct keg_exit exit = decode(&area);
		int length;

		memset(text, '#', sizeof(text));
		length = keg_exit_describe(&exit, text, size);
		assert_true(length >= (int)size);
		for (size_t i = size; i < sizeof(text); i++)
			assert_int_equal(text[i], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_of_the_header_has_a_name),
		cmocka_unit_test(an_unknown_reason_is_a_value_and_has_words),
		cmocka_unit_test(port_exits_tell_direction_size_count_and_data),
		cmocka_unit_test(memory_exits_tell_address_direction_and_data),
		cmocka_unit_test(failed_entries_carry_the_hardware_reason),
		cmocka_unit_test(internal_errors_carry_words_data_and_the_instruction),
		cmocka_unit_test(system_events_are_named),
		cmocka_unit_test(msr_exits_lead_to_the_answer),
		cmocka_unit_test(hypercalls_lead_to_the_result),
		cmocka_unit_test(memory_faults_nisv_eoi_and_debug_are_decoded),
		cmocka_unit_test(plain_reasons_are_their_names),
		cmocka_unit_test(a_small_buffer_is_respected_and_the_cut_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
