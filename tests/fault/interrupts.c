/* SPDX-License-Identifier: MIT */
/* Interrupts, doorbells, coalesced writes, clocks and attributes of a machine. */
#include "base/error.h"
#include "fault/fault.h"

enum { GSI = 8 };
static const keg_gpa doorbell_address = 0xd0001000, zone = 0xd0002000;

static int start(struct rig *rig)
{
	return keg_vm_start(rig->vm);
}

static int make_event(struct rig *rig)
{
	rig->event = keg_eventfd_create();
	return rig->event;
}

static int make_resample(struct rig *rig)
{
	rig->resample = keg_eventfd_create();
	return rig->resample;
}

static int set_routes(struct rig *rig)
{
	const struct kvm_irq_routing_entry entry = {
		.gsi = GSI,
		.type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = {.irqchip = rig_irqchip_id(), .pin = GSI},
	};

	return keg_vm_set_gsi_routes(rig->vm, &entry, 1);
}

static int add_irqfd(struct rig *rig)
{
	return keg_vm_add_irqfd(rig->vm, GSI, rig->event, rig->resample);
}

static int remove_irqfd(struct rig *rig)
{
	return keg_vm_remove_irqfd(rig->vm, GSI, rig->event);
}

static int signal_event(struct rig *rig)
{
	return keg_eventfd_signal(rig->event);
}

static int drain_event(struct rig *rig)
{
	return keg_eventfd_drain(rig->event);
}

static int set_line(struct rig *rig)
{
	return keg_vm_set_irq_line(rig->vm, rig_irq_line(), false);
}

static struct keg_doorbell doorbell(const struct rig *rig)
{
	return (struct keg_doorbell){.address = doorbell_address, .fd = rig->event};
}

static int add_doorbell(struct rig *rig)
{
	const struct keg_doorbell bell = doorbell(rig);

	return keg_vm_add_doorbell(rig->vm, &bell);
}

static int remove_doorbell(struct rig *rig)
{
	const struct keg_doorbell bell = doorbell(rig);

	return keg_vm_remove_doorbell(rig->vm, &bell);
}

static int coalesce(struct rig *rig)
{
	return keg_vm_coalesce_mmio(rig->vm, zone, 4096);
}

static int uncoalesce(struct rig *rig)
{
	return keg_vm_uncoalesce_mmio(rig->vm, zone, 4096);
}

static int coalesce_ports(struct rig *rig)
{
	return keg_vm_coalesce_pio(rig->vm, 0x80, 1);
}

static int uncoalesce_ports(struct rig *rig)
{
	return keg_vm_uncoalesce_pio(rig->vm, 0x80, 1);
}

static const struct fault_step interrupt_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"map", rig_create_mem, FAULT_SETUP},
	{"ram", rig_add_ram, FAULT_SETUP},
	{"declare", rig_declare_irqchip, 0},
	{"start", start, 0},
	{"vCPU", rig_create_vcpu, 0},
	{"init", rig_init_vcpu, FAULT_SETUP},
	{"finish", rig_finish_irqchip, FAULT_NOT_AGAIN},
	{"event", make_event, 0},
	{"resample event", make_resample, 0},
	{"routes", set_routes, 0},
	{"irqfd", add_irqfd, 0},
	{"signal", signal_event, 0},
	{"drain", drain_event, 0},
	{"remove irqfd", remove_irqfd, 0},
	{"line", set_line, 0},
};

static const struct fault_step bus_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"event", make_event, FAULT_SETUP},
	{"doorbell", add_doorbell, FAULT_OPTIONAL},
	{"remove doorbell", remove_doorbell, FAULT_OPTIONAL},
	{"coalesce", coalesce, FAULT_OPTIONAL},
	{"uncoalesce", uncoalesce, FAULT_OPTIONAL},
	{"coalesce ports", coalesce_ports, FAULT_OPTIONAL},
	{"uncoalesce ports", uncoalesce_ports, FAULT_OPTIONAL},
};

/* ---- What else a machine has ---- */

static int check_extension(struct rig *rig)
{
	return keg_vm_check_extension(rig->vm, KVM_CAP_NR_MEMSLOTS);
}

static int raw_ioctl(struct rig *rig)
{
	return keg_vm_ioctl(rig->vm, KVM_CHECK_EXTENSION, KVM_CAP_NR_MEMSLOTS);
}

static int open_stats(struct rig *rig)
{
	rig->stats = keg_vm_stats_fd(rig->vm);
	return rig->stats;
}

/* KVM_SET_IDENTITY_MAP_ADDR and the like are x86-64's own: see x86_64/. */
static int has_attr(struct rig *rig)
{
	return keg_vm_has_attr(rig->vm, 0, 0);
}

static int has_device(struct rig *rig)
{
	return keg_vm_has_device(rig->vm, KVM_DEV_TYPE_VFIO);
}

static int create_device(struct rig *rig)
{
	return keg_device_create(rig->vm, KVM_DEV_TYPE_VFIO, &rig->device);
}

static int device_has_attr(struct rig *rig)
{
	return keg_device_has_attr(rig->device, KVM_DEV_VFIO_GROUP, KVM_DEV_VFIO_GROUP_ADD);
}

/* There is no such attribute, of any device: ENXIO. */
static int device_set_attr(struct rig *rig)
{
	return rig_expect(keg_device_set_attr(rig->device, 99, 0, rig->words), ENXIO);
}

static int device_get_attr(struct rig *rig)
{
	return rig_expect(keg_device_get_attr(rig->device, 99, 0, rig->words), EPERM);
}

static int alloc_id(struct rig *rig)
{
	return keg_vm_alloc_vcpu_id(rig->vm);
}

static const struct fault_step machine_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, 0},
	{"extension", check_extension, 0},
	{"ioctl", raw_ioctl, FAULT_RAW},
	{"statistics", open_stats, FAULT_OPTIONAL},
	{"attribute", has_attr, FAULT_OPTIONAL},
	{"vCPU id", alloc_id, FAULT_FORGIVING},
};

static const struct fault_step device_steps[] = {
	{"open", rig_open_host, FAULT_SETUP},
	{"machine", rig_create_vm, FAULT_SETUP},
	{"has device", has_device, FAULT_FORGIVING},
	{"create", create_device, FAULT_GATE},
	{"has attribute", device_has_attr, FAULT_OPTIONAL},
	{"set attribute", device_set_attr, FAULT_FORGIVING},
	{"get attribute", device_get_attr, FAULT_FORGIVING},
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("interrupts", interrupt_steps),
	FAULT_SCENARIO("bus", bus_steps),
	FAULT_SCENARIO("machine", machine_steps),
	FAULT_SCENARIO("device", device_steps),
};

int main(int argc, char **argv)
{
	return fault_main(argc, argv, scenarios, sizeof(scenarios) / sizeof(scenarios[0]));
}
