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
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("ram", rig_add_ram, FAULT_SETUP),
	FAULT_STEP("declare", rig_declare_irqchip, 0),
	FAULT_STEP("start", start, 0),
	FAULT_STEP("vCPU", rig_create_vcpu, 0),
	FAULT_STEP("init", rig_init_vcpu, FAULT_SETUP),
	FAULT_STEP("finish", rig_finish_irqchip, FAULT_NOT_AGAIN),
	FAULT_STEP("event", make_event, 0),
	FAULT_STEP("resample event", make_resample, 0),
	FAULT_STEP("routes", set_routes, 0),
	FAULT_STEP("irqfd", add_irqfd, 0),
	FAULT_STEP("signal", signal_event, 0),
	FAULT_STEP("drain", drain_event, 0),
	FAULT_STEP("remove irqfd", remove_irqfd, 0),
	FAULT_STEP("line", set_line, 0),
};

static const struct fault_step event_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("event", make_event, FAULT_SETUP),
	FAULT_STEP_FOR("doorbell", add_doorbell, FAULT_OPTIONAL, "IOEVENTFD"),
	FAULT_STEP("remove doorbell", remove_doorbell, FAULT_OPTIONAL),
	FAULT_STEP_FOR("coalesce", coalesce, FAULT_OPTIONAL, "REGISTER_COALESCED_MMIO"),
	FAULT_STEP_FOR("uncoalesce", uncoalesce, FAULT_OPTIONAL, "UNREGISTER_COALESCED_MMIO"),
	FAULT_STEP("coalesce ports", coalesce_ports, FAULT_OPTIONAL),
	FAULT_STEP("uncoalesce ports", uncoalesce_ports, FAULT_OPTIONAL),
};

/* ---- A bus of devices ---- */

static const struct keg_bus_ops no_ops = {NULL, NULL};

static int create_bus(struct rig *rig)
{
	return keg_bus_create("memory", &rig->bus);
}

static int add_to_bus(struct rig *rig, uint64_t start)
{
	const struct keg_bus_region region = {
		.name = "device", .start = start, .size = 8, .ops = &no_ops};

	return keg_bus_add(rig->bus, &region);
}

/* As many as make its array grow. */
static int fill_bus(struct rig *rig)
{
	int rc = 0;

	while (!rc && rig->words[0] < 10) {
		rc = add_to_bus(rig, rig->words[0] * 16);
		if (!rc)
			rig->words[0]++;
	}
	return rc;
}

static int overlap(struct rig *rig)
{
	return rig_expect(add_to_bus(rig, 4), EEXIST);
}

static int remove_from_bus(struct rig *rig)
{
	return keg_bus_remove(rig->bus, 16);
}

static const struct fault_step bus_steps[] = {
	FAULT_STEP("create", create_bus, 0),
	FAULT_STEP("fill", fill_bus, 0),
	FAULT_STEP("overlap", overlap, 0),
	FAULT_STEP("remove", remove_from_bus, 0),
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
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, 0),
	FAULT_STEP("extension", check_extension, 0),
	FAULT_STEP("ioctl", raw_ioctl, FAULT_RAW),
	FAULT_STEP_FOR("statistics", open_stats, FAULT_OPTIONAL, "GET_STATS_FD"),
	FAULT_STEP("attribute", has_attr, FAULT_OPTIONAL),
	FAULT_STEP("vCPU id", alloc_id, FAULT_FORGIVING),
};

static const struct fault_step device_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("has device", has_device, FAULT_FORGIVING),
	FAULT_STEP_FOR("create", create_device, FAULT_GATE, "CREATE_DEVICE"),
	FAULT_STEP("has attribute", device_has_attr, FAULT_OPTIONAL),
	FAULT_STEP_FOR("set attribute", device_set_attr, FAULT_FORGIVING, "SET_DEVICE_ATTR"),
	FAULT_STEP_FOR("get attribute", device_get_attr, FAULT_FORGIVING, "GET_DEVICE_ATTR"),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("interrupts", interrupt_steps),
	FAULT_SCENARIO("events", event_steps),
	FAULT_SCENARIO("bus", bus_steps),
	FAULT_SCENARIO("machine", machine_steps),
	FAULT_SCENARIO("device", device_steps),
};

const struct fault_suite fault_interrupts = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
