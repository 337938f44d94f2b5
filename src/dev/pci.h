/* SPDX-License-Identifier: MIT */
/*
 * A PCI bus and its functions: configuration space through ports 0xcf8 and 0xcfc and through ECAM
 * (PCI Local Bus 3.0, section 3.2.2.3.2; PCI Express Base 3.0, section 7.2.2), base address
 * registers that the guest may move, capabilities. One bus, 32 devices of one function each.
 *
 * Threads: configuration space is accessed in any thread, and locked here. A function's hooks and
 * its BARs' moved() are called with the bus's lock held, and must not access configuration space; a
 * BAR's ops are called by the board's buses, without it.
 */
#ifndef KEG_DEV_PCI_H
#define KEG_DEV_PCI_H

#include <pthread.h>
#include <stdbool.h>

#include <keg/bus.h>

enum {
	KEG_PCI_DEVICES = 32,
	KEG_PCI_CONFIG_BYTES = 256,
	KEG_PCI_ECAM_BYTES = 1 << 20, /* one bus */
	KEG_PCI_BARS = 6,

	KEG_PCI_PORTS = 0xcf8, /* CONFIG_ADDRESS, and then CONFIG_DATA */
	KEG_PCI_PORTS_SIZE = 8,
};

/* Of the header (PCI 3.0, section 6.1), what devices look at. */
enum {
	KEG_PCI_COMMAND = 0x04,
	KEG_PCI_COMMAND_PORTS = 1 << 0,
	KEG_PCI_COMMAND_MEMORY = 1 << 1,
	KEG_PCI_COMMAND_MASTER = 1 << 2,
	KEG_PCI_COMMAND_INTX_DISABLE = 1 << 10,
	KEG_PCI_STATUS = 0x06,
	KEG_PCI_STATUS_INTERRUPT = 1 << 3,
	KEG_PCI_STATUS_CAPABILITIES = 1 << 4,

	KEG_PCI_CAPABILITY_VENDOR = 0x09,
	KEG_PCI_CAPABILITY_MSIX = 0x11,
};

enum keg_pci_bar_kind {
	KEG_PCI_BAR_NONE,
	KEG_PCI_BAR_MEMORY32,
	KEG_PCI_BAR_MEMORY64, /* takes the next one's register too */
	KEG_PCI_BAR_PORTS,
};

struct keg_pci_bar {
	enum keg_pci_bar_kind kind;
	const char *name;
	uint64_t size; /* a power of two; memory: at least 4096; ports: 4 to 256 */
	const struct keg_bus_ops *ops;
	/* It has moved to `address`, or gone (mapped false). May be NULL. */
	void (*moved)(void *device, bool mapped, uint64_t address);

	/* The bus's own. */
	uint64_t address;
	bool mapped;
};

struct keg_pci_bus;

/* A function. Filled in by its device, then given to keg_pci_add(); must outlive the bus. */
struct keg_pci_function {
	uint16_t vendor, device_id, subsystem_vendor, subsystem;
	uint32_t class_code; /* base class, subclass, interface: 0x010000 */
	uint8_t revision;
	uint8_t interrupt_pin; /* 1 for INTA; 0 for none */
	void *device;          /* handed to the ops and the BARs' */
	struct keg_pci_bar bars[KEG_PCI_BARS];
	/*
	 * Hooks: a read may refresh `config` before it is looked at, a write is told after it was
	 * masked and stored. Each is of 1 to 4 bytes within an aligned 4. May be NULL.
	 */
	void (*before_read)(void *device, uint32_t offset, uint32_t bytes);
	void (*after_write)(void *device, uint32_t offset, uint32_t bytes);

	/* The bus's own. */
	struct keg_pci_bus *bus;
	uint8_t slot;
	uint8_t config[KEG_PCI_CONFIG_BYTES];
	uint8_t writable[KEG_PCI_CONFIG_BYTES]; /* a mask for each byte */
	uint8_t next_capability;                /* where there is room */
	uint8_t last_capability;                /* the link to patch */
};

/* Ranges of addresses from which BARs get their first place, as a firmware would give them. */
struct keg_pci_window {
	uint64_t memory_start, memory_end;
	uint32_t port_start, port_end;
};

struct keg_pci_bus {
	struct keg_bus *ports, *memory;
	struct keg_pci_window window;
	uint64_t next_memory;
	uint32_t next_port;
	pthread_mutex_t lock;
	uint32_t address;              /* CONFIG_ADDRESS */
	struct keg_bus_region beneath; /* see keg_pci_put_beneath() */
	struct keg_pci_function *functions[KEG_PCI_DEVICES];
	struct keg_pci_function bridge; /* 0: the host bridge */
};

int keg_pci_init(struct keg_pci_bus *bus, struct keg_bus *ports, struct keg_bus *memory,
	const struct keg_pci_window *window);
void keg_pci_fini(struct keg_pci_bus *bus);

/* For the board's buses, with the struct keg_pci_bus as device: KEG_PCI_PORTS_SIZE ports at
 * KEG_PCI_PORTS, and KEG_PCI_ECAM_BYTES of memory. */
extern const struct keg_bus_ops keg_pci_port_ops, keg_pci_ecam_ops;

/*
 * Only an access of 4 bytes reaches CONFIG_ADDRESS; smaller ones in the same place are somebody
 * else's (PCI 3.0, section 3.2.2.3.2): this region's, a PC's reset control at 0xcf9. To be said
 * before a guest runs. -EINVAL it is not within the four ports
 */
int keg_pci_put_beneath(struct keg_pci_bus *bus, const struct keg_bus_region *region);

/*
 * Puts a function into a slot (1 to 31), or the first free one (0): gives its BARs their addresses,
 * with memory and port decoding off until the driver turns them on. Capabilities are added after.
 * -ENOSPC no slot, or no room in the window; -EINVAL a BAR that cannot be, or no such slot;
 * -EEXIST the slot is taken
 */
int keg_pci_add(struct keg_pci_bus *bus, struct keg_pci_function *function, uint8_t slot);

/* Removes it, and its BARs from the buses. */
void keg_pci_remove(struct keg_pci_function *function);

/*
 * Adds a capability of `count` bytes, the first two of which (id and link) are the bus's to fill
 * in; `writable` has a mask for each byte, or is NULL. Returns its offset, or -ENOSPC; -EINVAL less
 * than two bytes.
 */
int keg_pci_add_capability(struct keg_pci_function *function, uint8_t id, const void *bytes,
	const void *writable, uint8_t count);

/* Registers of a function's own configuration space, 1 to 4 bytes, little-endian: for its hooks. */
static inline uint32_t keg_pci_get(
	const struct keg_pci_function *function, uint32_t offset, uint32_t bytes)
{
	uint32_t value = 0;

	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint32_t)function->config[offset + i] << 8 * i;
	return value;
}

static inline void keg_pci_put(
	struct keg_pci_function *function, uint32_t offset, uint32_t value, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		function->config[offset + i] = (uint8_t)(value >> 8 * i);
}

/* Whether an access of `bytes` at `offset` touches the `count` bytes at `start`. */
static inline bool keg_pci_touches(uint32_t offset, uint32_t bytes, uint32_t start, uint32_t count)
{
	return offset < start + count && start < offset + bytes;
}

#endif
