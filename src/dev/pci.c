/* SPDX-License-Identifier: MIT */
/* The PCI bus: its slots, the header that each function has, and capabilities. */
#include "dev/pci.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "dev/pci_bar.h"

/* The header of type 0 (PCI 3.0, section 6.1), beyond what devices look at. */
enum {
	VENDOR = 0x00,
	DEVICE = 0x02,
	REVISION = 0x08,
	CLASS_CODE = 0x09,
	CACHE_LINE = 0x0c,
	SUBSYSTEM_VENDOR = 0x2c,
	SUBSYSTEM = 0x2e,
	CAPABILITIES = 0x34,
	INTERRUPT_LINE = 0x3c,
	INTERRUPT_PIN = 0x3d,
	HEADER_END = 0x40,

	COMMAND_WRITABLE = KEG_PCI_COMMAND_PORTS | KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_MASTER |
			   KEG_PCI_COMMAND_INTX_DISABLE,

	/* A host bridge without properties of its own, as the PCI ID list has it. */
	BRIDGE_VENDOR = 0x1b36,
	BRIDGE_DEVICE = 0x0008,
	BRIDGE_CLASS = 0x060000,
};

static void make_header(struct keg_pci_function *function)
{
	memset(function->config, 0, sizeof(function->config));
	memset(function->writable, 0, sizeof(function->writable));
	keg_pci_put(function, VENDOR, function->vendor, 2);
	keg_pci_put(function, DEVICE, function->device_id, 2);
	keg_pci_put(function, REVISION, function->revision, 1);
	keg_pci_put(function, CLASS_CODE, function->class_code, 3);
	keg_pci_put(function, SUBSYSTEM_VENDOR, function->subsystem_vendor, 2);
	keg_pci_put(function, SUBSYSTEM, function->subsystem, 2);
	keg_pci_put(function, INTERRUPT_PIN, function->interrupt_pin, 1);
	function->writable[KEG_PCI_COMMAND] = COMMAND_WRITABLE & 0xff;
	function->writable[KEG_PCI_COMMAND + 1] = COMMAND_WRITABLE >> 8;
	function->writable[CACHE_LINE] = 0xff;
	function->writable[INTERRUPT_LINE] = 0xff;
	function->next_capability = HEADER_END;
	function->last_capability = CAPABILITIES;
}

static int check_window(const struct keg_pci_window *window)
{
	if (window->memory_start > window->memory_end || window->port_start > window->port_end ||
		window->port_end > UINT16_MAX + 1)
		return keg_fail(EINVAL,
			"PCI: no window can be memory 0x%" PRIx64 " to 0x%" PRIx64
			", ports 0x%" PRIx32 " to 0x%" PRIx32,
			window->memory_start, window->memory_end, window->port_start,
			window->port_end);
	return 0;
}

int keg_pci_init(struct keg_pci_bus *bus, struct keg_bus *ports, struct keg_bus *memory,
	const struct keg_pci_window *window)
{
	int rc = check_window(window);

	memset(bus, 0, sizeof(*bus));
	if (rc)
		return rc;
	bus->ports = ports;
	bus->memory = memory;
	bus->window = *window;
	bus->next_memory = window->memory_start;
	bus->next_port = window->port_start;
	rc = pthread_mutex_init(&bus->lock, NULL);
	if (rc)
		return keg_fail_errno(rc, "making a lock for the PCI bus");
	bus->bridge.vendor = BRIDGE_VENDOR;
	bus->bridge.device_id = BRIDGE_DEVICE;
	bus->bridge.class_code = BRIDGE_CLASS;
	bus->bridge.bus = bus;
	make_header(&bus->bridge);
	bus->functions[0] = &bus->bridge;
	return 0;
}

void keg_pci_fini(struct keg_pci_bus *bus)
{
	pthread_mutex_destroy(&bus->lock);
}

int keg_pci_put_beneath(struct keg_pci_bus *bus, const struct keg_bus_region *region)
{
	uint64_t offset = region->start - KEG_PCI_PORTS;

	if (!region->ops || offset >= 4 || !region->size || region->size > 4 - offset)
		return keg_fail(EINVAL, "PCI: no region of ports lies beneath CONFIG_ADDRESS");
	bus->beneath = *region;
	return 0;
}

/* A slot for a function, or an error. */
static int choose_slot(const struct keg_pci_bus *bus, uint8_t wanted)
{
	if (wanted >= KEG_PCI_DEVICES)
		return keg_fail(EINVAL, "PCI: there is no slot %u", wanted);
	if (wanted && bus->functions[wanted])
		return keg_fail(EEXIST, "PCI: slot %u is taken", wanted);
	if (wanted)
		return wanted;
	for (int slot = 1; slot < KEG_PCI_DEVICES; slot++) {
		if (!bus->functions[slot])
			return slot;
	}
	return keg_fail(ENOSPC, "PCI: all %d slots are taken", KEG_PCI_DEVICES - 1);
}

static int add_locked(struct keg_pci_bus *bus, struct keg_pci_function *function, uint8_t wanted)
{
	int slot = choose_slot(bus, wanted);
	int rc;

	if (slot < 0)
		return slot;
	make_header(function);
	rc = keg_pci_place_bars(bus, function);
	if (rc)
		return rc;
	function->bus = bus;
	function->slot = (uint8_t)slot;
	bus->functions[slot] = function;
	return 0;
}

int keg_pci_add(struct keg_pci_bus *bus, struct keg_pci_function *function, uint8_t slot)
{
	int rc = keg_pci_check_bars(function);

	if (rc)
		return rc;
	pthread_mutex_lock(&bus->lock);
	rc = add_locked(bus, function, slot);
	pthread_mutex_unlock(&bus->lock);
	return rc;
}

void keg_pci_remove(struct keg_pci_function *function)
{
	struct keg_pci_bus *bus = function->bus;

	pthread_mutex_lock(&bus->lock);
	bus->functions[function->slot] = NULL;
	keg_pci_unmap_bars(function);
	/* Somebody may have waited for the place. */
	keg_pci_map_bars(bus);
	pthread_mutex_unlock(&bus->lock);
}

/* Begins on a word, as all do, and is linked at the end of the list (PCI 3.0, section 6.7). */
static int add_capability_locked(struct keg_pci_function *function, uint8_t id,
	const uint8_t *bytes, const uint8_t *writable, uint8_t count)
{
	uint32_t at = function->next_capability;
	uint32_t end = (at + count + 3) & ~3U;

	/* The last word is left, so that where the next one goes fits its type. */
	if (end >= KEG_PCI_CONFIG_BYTES)
		return keg_fail(ENOSPC, "PCI: no room for a capability of %u bytes", count);
	memcpy(&function->config[at], bytes, count);
	if (writable)
		memcpy(&function->writable[at], writable, count);
	function->config[at] = id;
	function->config[at + 1] = 0;
	function->writable[at] = function->writable[at + 1] = 0;
	function->config[function->last_capability] = (uint8_t)at;
	function->config[KEG_PCI_STATUS] |= KEG_PCI_STATUS_CAPABILITIES;
	function->last_capability = (uint8_t)(at + 1);
	function->next_capability = (uint8_t)end;
	return (int)at;
}

int keg_pci_add_capability(struct keg_pci_function *function, uint8_t id, const void *bytes,
	const void *writable, uint8_t count)
{
	int rc;

	if (count < 2)
		return keg_fail(EINVAL, "PCI: a capability has two bytes or more");
	pthread_mutex_lock(&function->bus->lock);
	rc = add_capability_locked(function, id, bytes, writable, count);
	pthread_mutex_unlock(&function->bus->lock);
	return rc;
}
