/* SPDX-License-Identifier: MIT */
/*
 * A virtio PCI function under a driver that does anything: messages are sent while they are armed
 * and only then, the line only changes, doorbells are there while the device serves and only then.
 */
#include <string.h>

#include <keg/mem.h>

#include "fuzzing.h"
#include "kvm/vm.h"
#include "virtio/pci.h"

enum {
	QUEUES = 2,
	VECTORS = QUEUES + 1,
	MEMORY_BYTES = 1 << 16,
	ECAM = 0xe0000000,
	MEMORY_BAR = 0,
	PORT_BAR = 2,
};

static struct {
	struct keg_vm vm;
	struct keg_mem *mem; /* made once, and not written to */
} guest;

static struct {
	struct keg_bus *ports, *memory;
	struct keg_pci_bus bus;
	struct keg_virtio virtio;
	struct keg_virtio_pci pci;
	uint8_t config[16];
	bool serving, line, armed[VECTORS];
	unsigned bells;
} machine;

/* ---- The device, and the board ---- */

static int start(struct keg_virtio *virtio)
{
	(void)virtio;
	fuzz_check(!machine.serving);
	machine.serving = true;
	return 0;
}

static void stop(struct keg_virtio *virtio)
{
	(void)virtio;
	fuzz_check(machine.serving && !machine.bells);
	machine.serving = false;
}

static int msi_set(void *context, uint32_t vector, bool armed, uint64_t address, uint32_t data)
{
	(void)context;
	(void)address;
	(void)data;
	fuzz_check(vector < VECTORS && (armed || machine.armed[vector]));
	machine.armed[vector] = armed;
	return 0;
}

static void msi_send(void *context, uint32_t vector)
{
	(void)context;
	fuzz_check(vector < VECTORS && machine.armed[vector]);
}

static void line_set(void *context, bool high)
{
	(void)context;
	fuzz_check(machine.line != high);
	machine.line = high;
}

static int bell_bind(void *context, const struct keg_doorbell *bell)
{
	(void)context;
	fuzz_check(machine.serving && machine.bells < QUEUES && bell->fd >= 0);
	fuzz_check(!bell->pio || bell->address + 4 <= 0x10000);
	machine.bells++;
	return 0;
}

static void bell_unbind(void *context, const struct keg_doorbell *bell)
{
	(void)context;
	(void)bell;
	fuzz_check(machine.bells > 0);
	machine.bells--;
}

/* ---- Making ---- */

static void make_guest(void)
{
	if (guest.mem)
		return;
	guest.vm.fd = -1;
	fuzz_check(!pthread_mutex_init(&guest.vm.lock, NULL));
	fuzz_check(!pthread_mutex_init(&guest.vm.tables_lock, NULL));
	fuzz_check(!keg_mem_create(&guest.vm, &guest.mem));
	fuzz_check(!keg_mem_add_ram(guest.mem, 0, MEMORY_BYTES));
}

static void make_function(void)
{
	static const struct keg_virtio_class class = {"fuzzed", 3, start, stop, NULL};
	const struct keg_virtio_config device = {
		.class = &class,
		.mem = guest.mem,
		.queue_count = QUEUES,
		.queue_size = 16,
		.doorbells = 3,
		.config = machine.config,
		.config_bytes = sizeof(machine.config),
	};
	const struct keg_virtio_pci_config config = {
		.device = &machine.virtio,
		.bus = &machine.bus,
		.msi = {msi_set, msi_send, NULL},
		.irq = {line_set, NULL},
		.doorbells = {bell_bind, bell_unbind, NULL},
		.ports = true,
	};

	fuzz_check(keg_virtio_init(&machine.virtio, &device) == 0);
	fuzz_check(keg_virtio_pci_init(&machine.pci, &config) == 0);
}

static void make_machine(void)
{
	static const struct keg_pci_window window = {0xc0000000, 0xc0100000, 0xc000, 0xd000};
	const struct keg_bus_region ecam = {
		"ecam", ECAM, KEG_PCI_ECAM_BYTES, &keg_pci_ecam_ops, &machine.bus};
	uint32_t command = KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS;

	make_guest();
	memset(&machine, 0, sizeof(machine));
	fuzz_check(keg_bus_create("port", &machine.ports) == 0);
	fuzz_check(keg_bus_create("memory", &machine.memory) == 0);
	fuzz_check(keg_pci_init(&machine.bus, machine.ports, machine.memory, &window) == 0);
	fuzz_check(keg_bus_add(machine.memory, &ecam) == 0);
	make_function();
	keg_bus_write(machine.memory, ECAM + (1 << 15) + KEG_PCI_COMMAND, &command, 2);
}

/* ---- What may happen ---- */

enum { COMMON, STRUCTURE, PORTS, CONFIG, INTERRUPT, UPDATE, STEPS };

static uint64_t bar_address(uint32_t bar)
{
	return machine.pci.function.bars[bar].address;
}

static void access(struct keg_bus *bus, uint64_t address, struct fuzz_input *input)
{
	uint64_t how = fuzz_take(input, 1), value;
	uint32_t bytes = 1 + (how & 7);

	if (how & 8) {
		keg_bus_read(bus, address, &value, bytes);
		return;
	}
	value = fuzz_take(input, how & 0x10 ? 1 : bytes);
	keg_bus_write(bus, address, &value, bytes);
}

static void step(struct fuzz_input *input)
{
	uint64_t what = fuzz_take(input, 1), at;

	switch (what % STEPS) {
	case COMMON:
		access(machine.memory, bar_address(MEMORY_BAR) + fuzz_take(input, 1) % 0x3c, input);
		break;
	case STRUCTURE:
		at = fuzz_take(input, 1);
		access(machine.memory,
			bar_address(MEMORY_BAR) + (at & 0xf) * 0x1000 + fuzz_take(input, 1), input);
		break;
	case PORTS:
		access(machine.ports, bar_address(PORT_BAR) + fuzz_take(input, 1) % 8, input);
		break;
	case CONFIG:
		access(machine.memory, ECAM + (1 << 15) + fuzz_take(input, 1), input);
		break;
	case INTERRUPT:
		machine.virtio.transport_ops->interrupt(
			machine.virtio.transport, (uint16_t)(fuzz_take(input, 1) % QUEUES));
		break;
	case UPDATE:
		keg_virtio_update_config(&machine.virtio, 0, &what, 1);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	make_machine();
	while (input.left) {
		step(&input);
		fuzz_check(machine.serving || !machine.bells);
		fuzz_check(!machine.line || !keg_msix_enabled(&machine.pci.msix));
	}
	keg_virtio_pci_fini(&machine.pci);
	fuzz_check(!machine.serving && !machine.bells && !machine.line);
	keg_virtio_fini(&machine.virtio);
	keg_pci_fini(&machine.bus);
	keg_bus_destroy(machine.ports);
	keg_bus_destroy(machine.memory);
	return 0;
}
