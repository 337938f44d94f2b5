/* SPDX-License-Identifier: MIT */
/* A PCI bus at its usual place on two buses, with functions that note what happens to them. */
#ifndef KEG_TESTS_DEV_PCI_RIG_H
#define KEG_TESTS_DEV_PCI_RIG_H

#include "testing.h"

#include <errno.h>

#include "dev/pci.h"

enum {
	RIG_ECAM = 0xe0000000,
	RIG_MEMORY = 0xc0000000,
	RIG_MEMORY_END = 0xc1000000,
	RIG_PORTS = 0xc000,
	RIG_PORTS_END = 0xd000,
};

/* A function with a memory BAR of each kind, and one of ports. */
struct rig_function {
	struct keg_pci_function function;
	bool mapped[3]; /* by the last word of moved(): 64-bit, 32-bit, ports */
	uint64_t address[3];
	unsigned moves;
	unsigned reads, writes; /* of its hooks */
	uint32_t last_write;    /* the offset */
};

struct rig {
	struct keg_bus *ports, *memory;
	struct keg_pci_bus pci;
};

/* BARs answer with where they were asked, and what they are. */
static inline uint64_t rig_bar_read(void *device, uint64_t offset, uint32_t bytes)
{
	(void)device;
	(void)bytes;
	return 0x5a000000U | (uint32_t)offset;
}

static inline void rig_moved(struct rig_function *rig, int which, bool mapped, uint64_t address)
{
	/* What was not there does not go. */
	assert_true(mapped || rig->mapped[which]);
	rig->mapped[which] = mapped;
	rig->address[which] = address;
	rig->moves++;
}

static inline void rig_moved_64(void *device, bool mapped, uint64_t address)
{
	rig_moved(device, 0, mapped, address);
}

static inline void rig_moved_32(void *device, bool mapped, uint64_t address)
{
	rig_moved(device, 1, mapped, address);
}

static inline void rig_moved_ports(void *device, bool mapped, uint64_t address)
{
	rig_moved(device, 2, mapped, address);
}

static inline void rig_before_read(void *device, uint32_t offset, uint32_t bytes)
{
	assert_true(bytes >= 1 && offset / 4 == (offset + bytes - 1) / 4);
	((struct rig_function *)device)->reads++;
}

static inline void rig_after_write(void *device, uint32_t offset, uint32_t bytes)
{
	assert_true(bytes >= 1 && offset / 4 == (offset + bytes - 1) / 4);
	((struct rig_function *)device)->writes++;
	((struct rig_function *)device)->last_write = offset;
}

static const struct keg_bus_ops rig_bar_ops = {.read = rig_bar_read};

static inline void rig_describe(struct rig_function *rig)
{
	memset(rig, 0, sizeof(*rig));
	rig->function = (struct keg_pci_function){
		.vendor = 0x1234,
		.device_id = 0x5678,
		.subsystem_vendor = 0x9abc,
		.subsystem = 0xdef0,
		.class_code = 0x018002,
		.revision = 3,
		.interrupt_pin = 1,
		.device = rig,
		.bars = {{KEG_PCI_BAR_MEMORY64, "big", 0x10000, &rig_bar_ops, rig_moved_64, 0, 0},
			{0},
			{KEG_PCI_BAR_MEMORY32, "small", 0x1000, &rig_bar_ops, rig_moved_32, 0, 0},
			{KEG_PCI_BAR_PORTS, "ports", 32, &rig_bar_ops, rig_moved_ports, 0, 0}},
		.before_read = rig_before_read,
		.after_write = rig_after_write,
	};
}

static inline void rig_init(struct rig *rig)
{
	static const struct keg_pci_window window = {
		RIG_MEMORY, RIG_MEMORY_END, RIG_PORTS, RIG_PORTS_END};
	const struct keg_bus_region ports = {
		"pci", KEG_PCI_PORTS, KEG_PCI_PORTS_SIZE, &keg_pci_port_ops, &rig->pci};
	const struct keg_bus_region ecam = {
		"ecam", RIG_ECAM, KEG_PCI_ECAM_BYTES, &keg_pci_ecam_ops, &rig->pci};

	assert_ok(keg_bus_create("port", &rig->ports));
	assert_ok(keg_bus_create("memory", &rig->memory));
	assert_ok(keg_pci_init(&rig->pci, rig->ports, rig->memory, &window));
	assert_ok(keg_bus_add(rig->ports, &ports));
	assert_ok(keg_bus_add(rig->memory, &ecam));
}

static inline void rig_fini(struct rig *rig)
{
	keg_pci_fini(&rig->pci);
	keg_bus_destroy(rig->ports);
	keg_bus_destroy(rig->memory);
}

/* ---- A guest's accesses ---- */

static inline uint32_t bus_read(struct keg_bus *bus, uint64_t address, uint32_t bytes)
{
	uint32_t value = 0;

	keg_bus_read(bus, address, &value, bytes);
	return value;
}

static inline void bus_write(struct keg_bus *bus, uint64_t address, uint32_t value, uint32_t bytes)
{
	keg_bus_write(bus, address, &value, bytes);
}

/* Through ECAM. */
static inline uint64_t ecam(uint32_t slot, uint32_t offset)
{
	return RIG_ECAM + (slot << 15) + offset;
}

static inline uint32_t config_read(struct rig *rig, uint32_t slot, uint32_t offset, uint32_t bytes)
{
	return bus_read(rig->memory, ecam(slot, offset), bytes);
}

static inline void config_write(
	struct rig *rig, uint32_t slot, uint32_t offset, uint32_t value, uint32_t bytes)
{
	bus_write(rig->memory, ecam(slot, offset), value, bytes);
}

/* Through ports. */
static inline void config_select(struct rig *rig, uint32_t slot, uint32_t offset)
{
	bus_write(rig->ports, 0xcf8, 0x80000000U | slot << 11 | (offset & 0xfc), 4);
}

#endif
