/* SPDX-License-Identifier: MIT */
/* The GICv3 in the kernel, and the lines that lead to it. */
#include "arch/arm64/fixture.h"

enum { DISTRIBUTOR = 0x08000000, REDISTRIBUTOR = 0x080a0000 };

static const struct keg_gicv3_config usual = {
	.size = sizeof(usual), .distributor = DISTRIBUTOR, .redistributor = REDISTRIBUTOR};

static struct keg_vm *vm_of(void **state)
{
	const struct machine *machine = *state;

	return machine->vm;
}

static struct keg_device *make_gic(void **state)
{
	struct keg_device *gic;

	assert_ok(keg_vm_create_gicv3(vm_of(state), &usual, &gic));
	return gic;
}

/* ---- Making it ---- */

static void a_machine_with_a_gicv3_has_an_irqchip(void **state)
{
	struct keg_device *gic;

	assert_false(keg_vm_has_irqchip(vm_of(state)));
	gic = make_gic(state);
	assert_true(keg_vm_has_irqchip(vm_of(state)));
	keg_device_destroy(gic);
	assert_true(keg_vm_has_irqchip(vm_of(state))); /* it lives on with its machine */
}

static void a_gicv3_is_where_its_configuration_says(void **state)
{
	struct keg_device *gic = make_gic(state);
	uint64_t address;

	assert_ok(keg_device_get_attr(
		gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &address));
	assert_int_equal(address, DISTRIBUTOR);
	assert_ok(keg_device_get_attr(
		gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &address));
	assert_int_equal(address, REDISTRIBUTOR);
	keg_device_destroy(gic);
}

static void assert_irqs(void **state, uint32_t asked, uint32_t expected)
{
	struct keg_gicv3_config config = usual;
	struct keg_device *gic;
	uint32_t irqs = 0;

	config.irqs = asked;
	assert_ok(keg_vm_create_gicv3(vm_of(state), &config, &gic));
	assert_ok(keg_device_get_attr(gic, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &irqs));
	assert_int_equal(irqs, expected);
	keg_device_destroy(gic);
}

static void a_gicv3_has_128_interrupts_unless_told_otherwise(void **state)
{
	assert_irqs(state, 0, 128);
}

static void a_gicv3_has_as_many_interrupts_as_it_is_told(void **state)
{
	assert_irqs(state, 256, 256);
}

static void the_guest_runs_with_a_gicv3(void **state)
{
	struct keg_device *gic = make_gic(state);

	assert_int_equal(run_to_store(vcpu_of(state)), 1);
	keg_device_destroy(gic);
}

/* ---- What is refused ---- */

static void a_machine_has_one_interrupt_controller(void **state)
{
	struct keg_device *gic = make_gic(state), *second = gic;

	assert_fails(keg_vm_create_gicv3(vm_of(state), &usual, &second), EEXIST,
		"has an interrupt controller");
	assert_null(second);
	assert_fails(keg_vm_create_irqchip(vm_of(state)), EEXIST, "has an interrupt controller");
	keg_device_destroy(gic);
}

static void assert_refused(void **state, const struct keg_gicv3_config *config)
{
	struct keg_device *gic = (void *)1;
	int before = open_descriptors();

	assert_fails(keg_vm_create_gicv3(vm_of(state), config, &gic), EINVAL,
		"making a GICv3: KVM_SET_DEVICE_ATTR");
	assert_null(gic);
	assert_int_equal(open_descriptors(), before);
	assert_false(keg_vm_has_irqchip(vm_of(state)));
}

static void a_distributor_that_is_not_aligned_is_refused(void **state)
{
	struct keg_gicv3_config config = usual;

	config.distributor += 0x1000;
	assert_refused(state, &config);
}

static void a_redistributor_that_is_not_aligned_is_refused(void **state)
{
	struct keg_gicv3_config config = usual;

	config.redistributor += 0x1000;
	assert_refused(state, &config);
}

static void a_redistributor_over_the_distributor_is_refused(void **state)
{
	struct keg_gicv3_config config = usual;

	config.redistributor = config.distributor;
	assert_refused(state, &config);
}

static void an_odd_number_of_interrupts_is_refused(void **state)
{
	struct keg_gicv3_config config = usual;

	config.irqs = 100;
	assert_refused(state, &config);
}

static void a_configuration_without_its_size_is_refused(void **state)
{
	struct keg_gicv3_config config = usual;
	struct keg_device *gic = (void *)1;

	config.size = 0;
	assert_fails(keg_vm_create_gicv3(vm_of(state), &config, &gic), EINVAL,
		"struct keg_gicv3_config");
	assert_null(gic);
}

static void a_host_without_a_gicv3_says_so(void **state)
{
	struct keg_device *gic = (void *)1;

	ioctls_fail_next(KVM_CREATE_DEVICE, ENODEV);
	assert_fails(keg_vm_create_gicv3(vm_of(state), &usual, &gic), ENOTSUP,
		"this host has no GICv3 to offer");
	assert_null(gic);
}

static void a_gicv3_that_kvm_does_not_make_after_all_is_an_error(void **state)
{
	const struct ioctl_rule second_fails = {
		.request = KVM_CREATE_DEVICE, .skip = 1, .times = 1, .answer = -ENOMEM};
	struct keg_device *gic = (void *)1;

	ioctls_obey(&second_fails);
	assert_fails(keg_vm_create_gicv3(vm_of(state), &usual, &gic), ENOMEM, "KVM_CREATE_DEVICE");
	assert_null(gic);
}

/* ---- Lines ---- */

/* The lines of 32 interrupts from `first` on, as a vCPU's GIC sees them. */
static uint32_t lines(struct keg_device *gic, uint64_t vcpu, uint32_t first)
{
	const uint64_t attr = vcpu << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT |
			      VGIC_LEVEL_INFO_LINE_LEVEL << KVM_DEV_ARM_VGIC_LINE_LEVEL_INFO_SHIFT |
			      first;
	uint32_t levels = 0;

	assert_ok(keg_device_get_attr(gic, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO, attr, &levels));
	return levels;
}

/* GICD_ISPENDR1 and GICD_ICFGR2, which are for interrupts 32 on (Arm IHI 0069, 12.9). */
enum { SET_PENDING = 0x204, CONFIGURATION = 0xc08 };

static void a_shared_line_is_raised_and_lowered(void **state)
{
	const uint32_t line = keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 32 + 5), all_level = 0;
	struct keg_device *gic = make_gic(state);

	assert_ok(keg_device_set_attr(
		gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, CONFIGURATION, &all_level));
	assert_ok(keg_vm_set_irq_line(vm_of(state), line, true));
	assert_int_equal(lines(gic, 0, 32), 1 << 5);
	assert_ok(keg_vm_set_irq_line(vm_of(state), line, false));
	assert_int_equal(lines(gic, 0, 32), 0);
	keg_device_destroy(gic);
}

static void an_edge_of_a_shared_line_makes_its_interrupt_pending(void **state)
{
	const uint32_t line = keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 32 + 5), all_edge = 0xaaaaaaaa;
	struct keg_device *gic = make_gic(state);
	uint32_t pending = 0;

	assert_ok(
		keg_device_set_attr(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, CONFIGURATION, &all_edge));
	assert_ok(keg_vm_set_irq_line(vm_of(state), line, true));
	assert_ok(keg_vm_set_irq_line(vm_of(state), line, false));
	assert_ok(keg_device_get_attr(gic, KVM_DEV_ARM_VGIC_GRP_DIST_REGS, SET_PENDING, &pending));
	assert_int_equal(pending, 1 << 5);
	keg_device_destroy(gic);
}

static void a_private_line_is_that_of_its_vcpu_alone(void **state)
{
	const uint32_t line = keg_arm64_irq(KEG_ARM64_IRQ_PPI, 1, 20);
	struct machine *machine = *state;
	struct keg_vcpu *second = machine_add_vcpu(machine);
	struct keg_device *gic = make_gic(state);
	uint32_t idle = lines(gic, 1, 0);

	assert_ok(keg_vm_set_irq_line(machine->vm, line, true));
	assert_int_equal(lines(gic, 1, 0), idle | 1 << 20);
	assert_int_equal(lines(gic, 0, 0) & 1 << 20, 0);
	assert_ok(keg_vm_set_irq_line(machine->vm, line, false));
	assert_int_equal(lines(gic, 1, 0), idle);
	keg_device_destroy(gic);
	keg_vcpu_destroy(second);
}

static void lines_that_do_not_exist_are_refused(void **state)
{
	struct keg_device *gic = make_gic(state);
	const uint32_t no_such[] = {
		keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 31),  /* not shared */
		keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 128), /* more than this GIC has */
		keg_arm64_irq(KEG_ARM64_IRQ_PPI, 0, 15),  /* not private */
		keg_arm64_irq(KEG_ARM64_IRQ_PPI, 0, 32),  /* not private */
		keg_arm64_irq(KEG_ARM64_IRQ_PPI, 5, 20),  /* there is no vCPU 5 */
	};

	for (size_t i = 0; i < sizeof(no_such) / sizeof(no_such[0]); i++)
		assert_fails(keg_vm_set_irq_line(vm_of(state), no_such[i], true), EINVAL,
			"KVM_IRQ_LINE");
	keg_device_destroy(gic);
}

static void a_machine_without_a_gic_has_the_vcpus_own_lines_only(void **state)
{
	const uint32_t shared = keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 40);
	const uint32_t own = keg_arm64_irq(KEG_ARM64_IRQ_CPU, 0, 0);

	assert_fails(keg_vm_set_irq_line(vm_of(state), shared, true), ENXIO, "KVM_IRQ_LINE");
	assert_ok(keg_vm_set_irq_line(vm_of(state), own, true));
	assert_ok(keg_vm_set_irq_line(vm_of(state), own, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		vcpu_test(a_machine_with_a_gicv3_has_an_irqchip),
		vcpu_test(a_gicv3_is_where_its_configuration_says),
		vcpu_test(a_gicv3_has_128_interrupts_unless_told_otherwise),
		vcpu_test(a_gicv3_has_as_many_interrupts_as_it_is_told),
		vcpu_test(the_guest_runs_with_a_gicv3),
		vcpu_test(a_machine_has_one_interrupt_controller),
		vcpu_test(a_distributor_that_is_not_aligned_is_refused),
		vcpu_test(a_redistributor_that_is_not_aligned_is_refused),
		vcpu_test(a_redistributor_over_the_distributor_is_refused),
		vcpu_test(an_odd_number_of_interrupts_is_refused),
		vcpu_test(a_configuration_without_its_size_is_refused),
		vcpu_test(a_host_without_a_gicv3_says_so),
		vcpu_test(a_gicv3_that_kvm_does_not_make_after_all_is_an_error),
		vcpu_test(a_shared_line_is_raised_and_lowered),
		vcpu_test(an_edge_of_a_shared_line_makes_its_interrupt_pending),
		vcpu_test(a_private_line_is_that_of_its_vcpu_alone),
		vcpu_test(lines_that_do_not_exist_are_refused),
		vcpu_test(a_machine_without_a_gic_has_the_vcpus_own_lines_only),
	};

	require_kvm();
	return cmocka_run_group_tests_name("arm64-gicv3", tests, NULL, NULL);
}
