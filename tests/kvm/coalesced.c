/* SPDX-License-Identifier: MIT */
/* Writes that are collected without an exit each. */
#include "testing.h"

#include <errno.h>

#include "machine.h"

static struct machine machine;

static int start_machine(void **state)
{
	(void)state;
	machine_start(&machine, guest_store());
	return 0;
}

static int close_machine(void **state)
{
	(void)state;
	machine_close(&machine);
	return 0;
}

static void need_ring(void)
{
	if (keg_host_coalesced_mmio_page(machine.host) == 0)
		skip();
}

struct collected {
	uint32_t count, last;
	bool out_of_order;
};

static void collect(void *context, const struct keg_coalesced_write *write)
{
	struct collected *collected = context;
	uint32_t value;

	memcpy(&value, write->data, sizeof(value));
	if (write->pio || write->address != guest_mmio || write->bytes != 4 ||
		value != collected->last + 1)
		collected->out_of_order = true;
	collected->last = value;
	collected->count++;
}

/* The guest stores 1, 2, 3 …: all arrive, in order, whether by the ring or by an exit. */
static void writes_arrive_in_order_and_with_few_exits(void **state)
{
	struct collected collected = {0};
	uint32_t exits = 0;

	(void)state;
	need_ring();
	assert_ok(keg_vm_coalesce_mmio(machine.vm, guest_mmio, 4096));
	keg_vcpu_set_coalesced_handler(machine.vcpu, collect, &collected);
	while (collected.last < 4096) {
		struct keg_exit exit;

		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
		exits++;
		/* The write for which there was no room any more comes after those in the ring. */
		collect(&collected,
			&(const struct keg_coalesced_write){.address = exit.mmio.address,
				.bytes = exit.mmio.bytes,
				.data = {exit.mmio.data[0], exit.mmio.data[1], exit.mmio.data[2],
					exit.mmio.data[3]}});
	}
	assert_false(collected.out_of_order);
	/* A ring of one page has 170 entries of 24 bytes, of which older kernels leave half free.
	 */
	assert_in_range(exits, 1, 4096 / 80);
}

static void without_a_handler_the_ring_keeps_them(void **state)
{
	struct collected collected = {0};
	struct keg_exit exit;

	(void)state;
	need_ring();
	assert_ok(keg_vm_coalesce_mmio(machine.vm, guest_mmio, 4096));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	assert_int_equal(keg_vcpu_drain_coalesced(machine.vcpu), 0);
	keg_vcpu_set_coalesced_handler(machine.vcpu, collect, &collected);
	/* Older kernels leave half of it free. */
	assert_in_range(keg_vcpu_drain_coalesced(machine.vcpu), 80, 4096);
	assert_false(collected.out_of_order);
	assert_int_equal(keg_vcpu_drain_coalesced(machine.vcpu), 0);
}

/* What another vCPU sees of the ring while a write is being handled. */
static void note_pending(void *context, const struct keg_coalesced_write *write)
{
	size_t page = (size_t)keg_host_coalesced_mmio_page(machine.host);
	const struct kvm_coalesced_mmio_ring *ring =
		(const void *)((const char *)keg_vcpu_kvm_run(machine.vcpu) +
			       page * (size_t)sysconf(_SC_PAGESIZE));
	bool *always = context;

	(void)write;
	*always = *always && ring->first != ring->last;
}

/* Else another vCPU's exit could overtake it. */
static void a_write_is_in_the_ring_until_it_has_been_handled(void **state)
{
	bool pending = true;
	struct keg_exit exit;

	(void)state;
	need_ring();
	assert_ok(keg_vm_coalesce_mmio(machine.vm, guest_mmio, 4096));
	assert_ok(keg_vcpu_run(machine.vcpu, &exit));
	keg_vcpu_set_coalesced_handler(machine.vcpu, note_pending, &pending);
	assert_in_range(keg_vcpu_drain_coalesced(machine.vcpu), 80, 4096);
	assert_true(pending);
}

static void a_zone_can_be_taken_away_again(void **state)
{
	const struct keg_gpa_range range = {.start = guest_mmio, .size = 4096};
	struct collected collected = {0};
	struct keg_exit exit;

	(void)state;
	need_ring();
	assert_ok(keg_vm_coalesce_mmio_range(machine.vm, range));
	assert_ok(keg_vm_uncoalesce_mmio_range(machine.vm, range));
	keg_vcpu_set_coalesced_handler(machine.vcpu, collect, &collected);
	for (int i = 0; i < 10; i++) {
		assert_ok(keg_vcpu_run(machine.vcpu, &exit));
		assert_int_equal(exit.reason, KEG_EXIT_MMIO);
	}
	assert_int_equal(collected.count, 0);
}

static void sizes_beyond_kvms_field_are_refused(void **state)
{
	const struct keg_gpa_range large = {.start = 0, .size = 1ULL << 32};

	(void)state;
	assert_fails(keg_vm_coalesce_mmio(machine.vm, 0, 0), EINVAL, "coalescing 0 bytes");
	assert_fails(keg_vm_coalesce_mmio_range(machine.vm, large), EINVAL, "4294967295");
	assert_fails(keg_vm_uncoalesce_mmio_range(machine.vm, large), EINVAL, "4294967295");
	assert_fails(keg_vm_coalesce_mmio(machine.vm, UINT64_MAX - 10, 100), EINVAL, "beyond 2^64");
}

static void ports_are_coalesced_where_kvm_can(void **state)
{
	(void)state;
	assert_fails(keg_vm_coalesce_pio(machine.vm, 0xffff, 2), EINVAL, "there are 65536");
	assert_fails(keg_vm_coalesce_pio(machine.vm, 0, 0), EINVAL, "there are 65536");
	if (keg_vm_check_extension(machine.vm, KVM_CAP_COALESCED_PIO) == 0) {
		assert_fails(keg_vm_coalesce_pio(machine.vm, 0x80, 1), ENOTSUP, "ports");
		return;
	}
	assert_ok(keg_vm_coalesce_pio(machine.vm, 0x80, 1));
	assert_ok(keg_vm_uncoalesce_pio(machine.vm, 0x80, 1));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, start_machine, close_machine)
	const struct CMUnitTest tests[] = {
		TEST(writes_arrive_in_order_and_with_few_exits),
		TEST(without_a_handler_the_ring_keeps_them),
		TEST(a_write_is_in_the_ring_until_it_has_been_handled),
		TEST(a_zone_can_be_taken_away_again),
		TEST(sizes_beyond_kvms_field_are_refused),
		TEST(ports_are_coalesced_where_kvm_can),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
