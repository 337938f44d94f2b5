/* SPDX-License-Identifier: MIT */
/* Base address registers (PCI Local Bus 3.0, section 6.2.5.1). */
#include "dev/pci_bar.h"

#include <inttypes.h>

#include "base/error.h"

enum {
	BAR_PORTS = 1 << 0,
	BAR_64_BIT = 1 << 2,

	SMALLEST_MEMORY = 4096, /* so that nothing else shares a page with it */
	SMALLEST_PORTS = 4,
	LARGEST_PORTS = 256,
};

/* The upper half of a port BAR is wired to zero, as it may be where there are 64 Ki ports. */
static const uint64_t port_bits = 0xffff;
static const uint64_t end_of_32_bits = UINT64_C(1) << 32;

static uint32_t register_of(uint32_t index)
{
	return KEG_PCI_BAR_REGISTERS + 4 * index;
}

static bool is_memory(const struct keg_pci_bar *bar)
{
	return bar->kind == KEG_PCI_BAR_MEMORY32 || bar->kind == KEG_PCI_BAR_MEMORY64;
}

static int check_bar(const struct keg_pci_function *function, uint32_t index)
{
	const struct keg_pci_bar *bar = &function->bars[index];
	bool memory = is_memory(bar);
	uint64_t least = memory ? SMALLEST_MEMORY : SMALLEST_PORTS;
	uint64_t most = memory ? end_of_32_bits / 2 : LARGEST_PORTS;

	if (bar->kind == KEG_PCI_BAR_NONE)
		return 0;
	if (!bar->name || !bar->ops)
		return keg_fail(EINVAL, "PCI: BAR %" PRIu32 " has no name or no operations", index);
	if (bar->size < least || bar->size > most || bar->size & (bar->size - 1))
		return keg_fail(
			EINVAL, "PCI: %s cannot have 0x%" PRIx64 " bytes", bar->name, bar->size);
	if (bar->kind == KEG_PCI_BAR_MEMORY64 &&
		(index == KEG_PCI_BARS - 1 || function->bars[index + 1].kind))
		return keg_fail(
			EINVAL, "PCI: %s takes the BAR after it, which is not free", bar->name);
	return 0;
}

int keg_pci_check_bars(const struct keg_pci_function *function)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < KEG_PCI_BARS; i++)
		rc = check_bar(function, i);
	return rc;
}

/* The first place of `size` bytes, naturally aligned, from `next` on; it ends before `end`. */
static int place(uint64_t next, uint64_t end, const struct keg_pci_bar *bar, uint64_t *address)
{
	uint64_t start = (next + (bar->size - 1)) & ~(bar->size - 1);

	if (bar->kind == KEG_PCI_BAR_MEMORY32 && end > end_of_32_bits)
		end = end_of_32_bits;
	if (start < next || start > end || bar->size > end - start)
		return keg_fail(ENOSPC,
			"PCI: no room for %s, 0x%" PRIx64 " bytes, from 0x%" PRIx64
			" to 0x%" PRIx64,
			bar->name, bar->size, next, end);
	*address = start;
	return 0;
}

/* Bits that a guest can set say how large it is: the others are zero. */
static void make_registers(struct keg_pci_function *function, uint32_t index, uint64_t address)
{
	const struct keg_pci_bar *bar = &function->bars[index];
	uint32_t at = register_of(index), words = bar->kind == KEG_PCI_BAR_MEMORY64 ? 2 : 1;
	uint64_t mask = ~(bar->size - 1);

	if (bar->kind == KEG_PCI_BAR_PORTS) {
		mask &= port_bits;
		address |= BAR_PORTS;
	} else if (bar->kind == KEG_PCI_BAR_MEMORY64) {
		address |= BAR_64_BIT;
	}
	for (uint32_t i = 0; i < 4 * words; i++) {
		function->config[at + i] = (uint8_t)(address >> 8 * i);
		function->writable[at + i] = (uint8_t)(mask >> 8 * i);
	}
}

int keg_pci_place_bars(struct keg_pci_bus *bus, struct keg_pci_function *function)
{
	uint64_t memory = bus->next_memory, ports = bus->next_port, address = 0;

	for (uint32_t i = 0; i < KEG_PCI_BARS; i++) {
		const struct keg_pci_bar *bar = &function->bars[i];
		uint64_t *next = is_memory(bar) ? &memory : &ports;
		uint64_t end = is_memory(bar) ? bus->window.memory_end : bus->window.port_end;
		int rc;

		if (bar->kind == KEG_PCI_BAR_NONE)
			continue;
		rc = place(*next, end, bar, &address);
		if (rc)
			return rc;
		*next = address + bar->size;
		make_registers(function, i, address);
	}
	bus->next_memory = memory;
	bus->next_port = (uint32_t)ports;
	return 0;
}

/* Where the registers say that it is. */
static uint64_t address_of(const struct keg_pci_function *function, uint32_t index)
{
	const struct keg_pci_bar *bar = &function->bars[index];
	uint64_t value = keg_pci_get(function, register_of(index), 4);

	if (bar->kind == KEG_PCI_BAR_MEMORY64)
		value |= (uint64_t)keg_pci_get(function, register_of(index + 1), 4) << 32;
	return value & ~(bar->size - 1);
}

static bool decodes(const struct keg_pci_function *function, const struct keg_pci_bar *bar)
{
	uint32_t bit = is_memory(bar) ? KEG_PCI_COMMAND_MEMORY : KEG_PCI_COMMAND_PORTS;

	return bar->kind != KEG_PCI_BAR_NONE && keg_pci_get(function, KEG_PCI_COMMAND, 2) & bit;
}

static struct keg_bus *bus_of(struct keg_pci_bus *bus, const struct keg_pci_bar *bar)
{
	return is_memory(bar) ? bus->memory : bus->ports;
}

static void unmap(struct keg_pci_function *function, struct keg_pci_bar *bar)
{
	bar->mapped = false;
	if (bar->moved)
		bar->moved(function->device, false, bar->address);
	(void)keg_bus_remove(bus_of(function->bus, bar), bar->address);
}

/* Where somebody else is, it stays away: it is tried again when a BAR of any function changes. */
static void map(struct keg_pci_function *function, struct keg_pci_bar *bar, uint64_t address)
{
	const struct keg_bus_region region = {
		.name = bar->name,
		.start = address,
		.size = bar->size,
		.ops = bar->ops,
		.device = function->device,
	};

	if (keg_bus_add(bus_of(function->bus, bar), &region) < 0)
		return;
	bar->address = address;
	bar->mapped = true;
	if (bar->moved)
		bar->moved(function->device, true, address);
}

void keg_pci_unmap_bars(struct keg_pci_function *function)
{
	for (uint32_t i = 0; i < KEG_PCI_BARS; i++) {
		if (function->bars[i].mapped)
			unmap(function, &function->bars[i]);
	}
}

static void unmap_moved(struct keg_pci_function *function)
{
	for (uint32_t i = 0; i < KEG_PCI_BARS; i++) {
		struct keg_pci_bar *bar = &function->bars[i];

		if (bar->mapped &&
			(!decodes(function, bar) || bar->address != address_of(function, i)))
			unmap(function, bar);
	}
}

static void map_missing(struct keg_pci_function *function)
{
	for (uint32_t i = 0; i < KEG_PCI_BARS; i++) {
		struct keg_pci_bar *bar = &function->bars[i];

		if (!bar->mapped && decodes(function, bar))
			map(function, bar, address_of(function, i));
	}
}

void keg_pci_map_bars(struct keg_pci_bus *bus)
{
	for (int i = 0; i < KEG_PCI_DEVICES; i++) {
		if (bus->functions[i])
			unmap_moved(bus->functions[i]);
	}
	for (int i = 0; i < KEG_PCI_DEVICES; i++) {
		if (bus->functions[i])
			map_missing(bus->functions[i]);
	}
}
