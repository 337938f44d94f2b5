/* SPDX-License-Identifier: MIT */
/* Configuration space: accesses through ports (mechanism #1) and through memory (ECAM). */
#include "dev/pci_bar.h"

enum {
	WORD = 4, /* what an access is cut into: none crosses it */

	/* CONFIG_ADDRESS (PCI 3.0, section 3.2.2.3.2). */
	ADDRESS_REGISTER = 0xfc,
	ADDRESS_FUNCTION = 0xff00, /* device and function */
	ADDRESS_BUS = 0xff0000,

	/* An address in ECAM (PCI Express Base 3.0, table 7-1). */
	ECAM_REGISTER = 0xfff,
	ECAM_FUNCTION_SHIFT = 12,

	FUNCTION_BITS = 3,
};
#define ADDRESS_ENABLE   UINT32_C(0x80000000)
#define ADDRESS_WRITABLE (ADDRESS_ENABLE | ADDRESS_BUS | ADDRESS_FUNCTION | ADDRESS_REGISTER)

/* A register that an access reaches: of nobody where there is no function. */
struct place {
	struct keg_pci_function *function;
	uint32_t offset;
};

static uint32_t ones(uint32_t bytes)
{
	return bytes < WORD ? (1U << 8 * bytes) - 1 : UINT32_MAX;
}

/* `which` is device and function, as both mechanisms have them. */
static struct keg_pci_function *find(struct keg_pci_bus *bus, uint32_t which)
{
	if (which & ((1U << FUNCTION_BITS) - 1))
		return NULL;
	which >>= FUNCTION_BITS;
	return which < KEG_PCI_DEVICES ? bus->functions[which] : NULL;
}

/* 1 to 4 bytes within a word, with the bus's lock held. */
static uint32_t read_word(const struct place *at, uint32_t bytes)
{
	struct keg_pci_function *function = at->function;

	if (!function)
		return ones(bytes);
	/* The extended space is there, and empty. */
	if (at->offset >= KEG_PCI_CONFIG_BYTES)
		return 0;
	if (function->before_read)
		function->before_read(function->device, at->offset, bytes);
	return keg_pci_get(function, at->offset, bytes);
}

static bool moves_bars(uint32_t offset, uint32_t bytes)
{
	return keg_pci_touches(offset, bytes, KEG_PCI_COMMAND, 2) ||
	       keg_pci_touches(offset, bytes, KEG_PCI_BAR_REGISTERS, 4 * KEG_PCI_BARS);
}

static void write_word(const struct place *at, uint32_t value, uint32_t bytes)
{
	struct keg_pci_function *function = at->function;

	if (!function || at->offset >= KEG_PCI_CONFIG_BYTES)
		return;
	for (uint32_t i = 0; i < bytes; i++) {
		uint8_t *byte = &function->config[at->offset + i];
		uint8_t mask = function->writable[at->offset + i];

		*byte = (uint8_t)((*byte & ~mask) | ((value >> 8 * i) & mask));
	}
	if (moves_bars(at->offset, bytes))
		keg_pci_map_bars(function->bus);
	if (function->after_write)
		function->after_write(function->device, at->offset, bytes);
}

/* ---- Mechanism #1 ---- */

static struct place config_data(struct keg_pci_bus *bus, uint32_t offset)
{
	uint32_t address = bus->address;
	struct place at = {NULL, (address & ADDRESS_REGISTER) + offset - WORD};

	if (address & ADDRESS_ENABLE && !(address & ADDRESS_BUS))
		at.function = find(bus, (address & ADDRESS_FUNCTION) >> 8);
	return at;
}

static bool is_beneath(const struct keg_pci_bus *bus, uint64_t offset, uint32_t bytes)
{
	uint64_t start = bus->beneath.start - KEG_PCI_PORTS;

	return bus->beneath.ops && offset >= start && offset + bytes <= start + bus->beneath.size;
}

static uint32_t read_beneath(struct keg_pci_bus *bus, uint64_t offset, uint32_t bytes)
{
	const struct keg_bus_region *region = &bus->beneath;

	if (!is_beneath(bus, offset, bytes) || !region->ops->read)
		return ones(bytes);
	return (uint32_t)region->ops->read(
		region->device, offset + KEG_PCI_PORTS - region->start, bytes);
}

static void write_beneath(struct keg_pci_bus *bus, uint64_t offset, uint32_t value, uint32_t bytes)
{
	const struct keg_bus_region *region = &bus->beneath;

	if (is_beneath(bus, offset, bytes) && region->ops->write)
		region->ops->write(
			region->device, offset + KEG_PCI_PORTS - region->start, value, bytes);
}

static uint32_t read_port(struct keg_pci_bus *bus, uint64_t offset, uint32_t bytes)
{
	uint32_t value;

	if (offset < WORD && bytes < WORD)
		return read_beneath(bus, offset, bytes);
	pthread_mutex_lock(&bus->lock);
	if (offset < WORD) {
		value = bus->address;
	} else {
		struct place at = config_data(bus, (uint32_t)offset);

		value = read_word(&at, bytes);
	}
	pthread_mutex_unlock(&bus->lock);
	return value;
}

static void write_port(struct keg_pci_bus *bus, uint64_t offset, uint32_t value, uint32_t bytes)
{
	if (offset < WORD && bytes < WORD) {
		write_beneath(bus, offset, value, bytes);
		return;
	}
	pthread_mutex_lock(&bus->lock);
	if (offset < WORD) {
		bus->address = value & ADDRESS_WRITABLE;
	} else {
		struct place at = config_data(bus, (uint32_t)offset);

		write_word(&at, value, bytes);
	}
	pthread_mutex_unlock(&bus->lock);
}

/* ---- ECAM ---- */

static struct place ecam(struct keg_pci_bus *bus, uint64_t offset)
{
	uint32_t at = (uint32_t)(offset % KEG_PCI_ECAM_BYTES);

	return (struct place){find(bus, at >> ECAM_FUNCTION_SHIFT), at & ECAM_REGISTER};
}

static uint32_t read_ecam(struct keg_pci_bus *bus, uint64_t offset, uint32_t bytes)
{
	struct place at = ecam(bus, offset);
	uint32_t value;

	pthread_mutex_lock(&bus->lock);
	value = read_word(&at, bytes);
	pthread_mutex_unlock(&bus->lock);
	return value;
}

static void write_ecam(struct keg_pci_bus *bus, uint64_t offset, uint32_t value, uint32_t bytes)
{
	struct place at = ecam(bus, offset);

	pthread_mutex_lock(&bus->lock);
	write_word(&at, value, bytes);
	pthread_mutex_unlock(&bus->lock);
}

/* ---- Both: a request never crosses a word, so an access that does is several. ---- */

static uint32_t share(uint64_t offset, uint32_t left)
{
	uint32_t room = WORD - (uint32_t)(offset % WORD);

	return left < room ? left : room;
}

static uint64_t read_words(
	uint32_t (*read)(struct keg_pci_bus *bus, uint64_t offset, uint32_t bytes), void *bus,
	uint64_t offset, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint32_t done = 0; done < bytes;) {
		uint32_t part = share(offset + done, bytes - done);

		value |= (uint64_t)read(bus, offset + done, part) << 8 * done;
		done += part;
	}
	return value;
}

static void write_words(
	void (*write)(struct keg_pci_bus *bus, uint64_t offset, uint32_t value, uint32_t bytes),
	void *bus, uint64_t offset, uint64_t value, uint32_t bytes)
{
	for (uint32_t done = 0; done < bytes;) {
		uint32_t part = share(offset + done, bytes - done);

		write(bus, offset + done, (uint32_t)(value >> 8 * done) & ones(part), part);
		done += part;
	}
}

static uint64_t read_ports(void *device, uint64_t offset, uint32_t bytes)
{
	return read_words(read_port, device, offset, bytes);
}

static void write_ports(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	write_words(write_port, device, offset, value, bytes);
}

static uint64_t read_memory(void *device, uint64_t offset, uint32_t bytes)
{
	return read_words(read_ecam, device, offset, bytes);
}

static void write_memory(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	write_words(write_ecam, device, offset, value, bytes);
}

const struct keg_bus_ops keg_pci_port_ops = {read_ports, write_ports};
const struct keg_bus_ops keg_pci_ecam_ops = {read_memory, write_memory};
