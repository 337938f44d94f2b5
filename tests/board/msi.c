/* SPDX-License-Identifier: MIT */
/* Message-signalled interrupts: they arrive, whether or not KVM sends them by itself. */
#include "testing.h"

#include <sys/resource.h>

#include "board/msi.h"
#include "machine.h"

/* The local APIC's registers (Intel SDM, volume 3A, table 11-1). */
enum { SPURIOUS = 0xf0, ENABLED = 1 << 8, REQUESTS = 0x200, FIRST = 0x41, SECOND = 0x52 };
static const uint64_t address = 0xfee00000;

static struct machine machine;
static struct board_routes routes;
static struct board_msi msi;

static int make(void **state)
{
	struct kvm_lapic_state lapic;

	(void)state;
	machine_open(&machine, NULL);
	assert_ok(keg_vm_create_irqchip(machine.vm));
	machine_load(&machine, guest_spin());
	machine_add_vcpu(&machine);
	assert_ok(keg_vcpu_get_lapic(machine.vcpu, &lapic));
	lapic.regs[SPURIOUS + 1] |= ENABLED >> 8;
	assert_ok(keg_vcpu_set_lapic(machine.vcpu, &lapic));
	assert_ok(keg_board_routes_init(&routes, machine.vm, NULL, 0, 24));
	assert_ok(keg_board_msi_init(&msi, &routes, 2));
	return 0;
}

static int end(void **state)
{
	(void)state;
	keg_board_msi_fini(&msi);
	keg_board_routes_fini(&routes);
	machine_close(&machine);
	return 0;
}

static void await_vector(uint32_t vector)
{
	struct kvm_lapic_state lapic;

	/* An irqfd's interrupt may come a moment later. */
	do
		assert_ok(keg_vcpu_get_lapic(machine.vcpu, &lapic));
	while (!(lapic.regs[REQUESTS + vector / 32 * 0x10 + vector % 32 / 8] >> vector % 8 & 1));
}

static void they_arrive(void **state)
{
	const struct keg_msi lines = keg_board_msi_lines(&msi);

	(void)state;
	assert_ok(lines.set(lines.context, 0, true, address, FIRST));
	lines.send(lines.context, 0);
	await_vector(FIRST);
	/* ... where they are sent to now */
	assert_ok(lines.set(lines.context, 0, true, address, SECOND));
	lines.send(lines.context, 0);
	await_vector(SECOND);
}

static void they_arrive_where_there_are_no_more_descriptors(void **state)
{
	const struct keg_msi lines = keg_board_msi_lines(&msi);
	struct rlimit limit, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_ok(lines.set(lines.context, 1, true, address, FIRST));
	setrlimit(RLIMIT_NOFILE, &limit);
	alarm(20); /* or for ever */
	lines.send(lines.context, 1);
	await_vector(FIRST);
	alarm(0);
	/* With descriptors it is bound when it is set again. */
	assert_ok(lines.set(lines.context, 1, true, address, SECOND));
	assert_true(msi.vectors[1].fd >= 0);
	lines.send(lines.context, 1);
	await_vector(SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_arrive, make, end),
		cmocka_unit_test_setup_teardown(
			they_arrive_where_there_are_no_more_descriptors, make, end),
	};

	require_kvm();
	return cmocka_run_group_tests_name("board-msi", tests, NULL, NULL);
}
