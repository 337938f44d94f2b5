/* SPDX-License-Identifier: MIT */
/* A virtio PCI function on a machine's buses, and its driver. */
#include "pci_rig.h"

#include <errno.h>

enum { CLASS_ID = 2, QUEUE_SIZE = 64, MEMORY_BYTES = 1 << 20 };

/* ---- The device ---- */

static struct pci_rig *rig_of(struct keg_virtio *virtio)
{
	return (struct pci_rig *)(void *)((char *)virtio - offsetof(struct pci_rig, virtio));
}

static int start(struct keg_virtio *virtio)
{
	rig_of(virtio)->starts++;
	return 0;
}

static void stop(struct keg_virtio *virtio)
{
	rig_of(virtio)->stops++;
}

unsigned rig_serve(struct pci_rig *rig, uint16_t queue)
{
	struct keg_virtqueue *ring = &rig->virtio.queues[queue].ring;
	struct iovec iov[16];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = 16};
	unsigned served = 0;

	(void)keg_eventfd_drain(rig->virtio.queues[queue].kick);
	while (keg_virtqueue_take(ring, &chain) > 0) {
		keg_virtqueue_give(ring, chain.head, 0);
		served++;
	}
	keg_virtio_interrupt(&rig->virtio, queue);
	return served;
}

/* ---- The board ---- */

static int msi_set(void *context, uint32_t vector, bool armed, uint64_t address, uint32_t data)
{
	(void)address;
	(void)data;
	assert_true(vector < RIG_VECTORS);
	((struct pci_rig *)context)->armed[vector] = armed;
	return 0;
}

static void msi_send(void *context, uint32_t vector)
{
	struct pci_rig *rig = context;

	assert_true(rig->armed[vector]);
	rig->sent[vector]++;
}

static void line_set(void *context, bool high)
{
	struct pci_rig *rig = context;

	/* Only changes come. */
	assert_int_not_equal(rig->line, high);
	rig->line = high;
}

static int bell_bind(void *context, const struct keg_doorbell *bell)
{
	struct pci_rig *rig = context;

	if (rig->no_bells || (rig->no_any_length && bell->bytes == 0))
		return -ENOTSUP;
	assert_true(rig->bell_count < RIG_BELLS);
	rig->bells[rig->bell_count++] = *bell;
	rig->binds++;
	return 0;
}

static bool is_same(const struct keg_doorbell *a, const struct keg_doorbell *b)
{
	return a->pio == b->pio && a->address == b->address && a->bytes == b->bytes &&
	       a->match == b->match && a->value == b->value && a->fd == b->fd;
}

static void bell_unbind(void *context, const struct keg_doorbell *bell)
{
	struct pci_rig *rig = context;

	for (unsigned i = 0; i < rig->bell_count; i++) {
		if (is_same(&rig->bells[i], bell)) {
			rig->bells[i] = rig->bells[--rig->bell_count];
			return;
		}
	}
	fail_msg("a doorbell at 0x%llx goes that was not there", (unsigned long long)bell->address);
}

/* ---- Accesses ---- */

uint32_t rig_config_read(struct pci_rig *rig, uint32_t offset, uint32_t bytes)
{
	uint32_t value = 0;

	keg_bus_read(rig->memory, RIG_ECAM + (RIG_SLOT << 15) + offset, &value, bytes);
	return value;
}

void rig_config_write(struct pci_rig *rig, uint32_t offset, uint32_t value, uint32_t bytes)
{
	keg_bus_write(rig->memory, RIG_ECAM + (RIG_SLOT << 15) + offset, &value, bytes);
}

static bool is_ports(struct pci_rig *rig, uint32_t bar)
{
	return rig_config_read(rig, 0x10 + 4 * bar, 4) & 1;
}

uint64_t rig_bar_address(struct pci_rig *rig, uint32_t bar)
{
	uint64_t low = rig_config_read(rig, 0x10 + 4 * bar, 4);

	if (is_ports(rig, bar))
		return low & ~3U;
	return (low & ~15U) | (uint64_t)rig_config_read(rig, 0x14 + 4 * bar, 4) << 32;
}

uint64_t rig_read(
	struct pci_rig *rig, const struct rig_structure *at, uint32_t offset, uint32_t bytes)
{
	uint64_t value = 0;

	keg_bus_read(is_ports(rig, at->bar) ? rig->ports : rig->memory,
		rig_bar_address(rig, at->bar) + at->offset + offset, &value, bytes);
	return value;
}

void rig_write(struct pci_rig *rig, const struct rig_structure *at, uint32_t offset, uint64_t value,
	uint32_t bytes)
{
	keg_bus_write(is_ports(rig, at->bar) ? rig->ports : rig->memory,
		rig_bar_address(rig, at->bar) + at->offset + offset, &value, bytes);
}

/* ---- The driver ---- */

static void note_structure(struct pci_rig *rig, uint32_t at)
{
	const uint32_t bar = rig_config_read(rig, at + 4, 1);
	struct rig_structure *const notify =
		is_ports(rig, bar) ? &rig->notify_ports : &rig->notify_memory;
	struct rig_structure *const structures[] = {
		NULL, &rig->common, notify, &rig->isr, &rig->device, &rig->window};
	const uint32_t type = rig_config_read(rig, at + 3, 1);
	struct rig_structure *structure;

	assert_true(type >= 1 && type <= 5);
	structure = structures[type];
	assert_int_equal(structure->capability, 0);
	*structure = (struct rig_structure){
		.capability = at,
		.bar = (uint8_t)bar,
		.offset = rig_config_read(rig, at + 8, 4),
		.bytes = rig_config_read(rig, at + 12, 4),
	};
	assert_int_equal(rig_config_read(rig, at + 2, 1), type == 2 || type == 5 ? 20 : 16);
	if (type == 2)
		structure->multiplier = rig_config_read(rig, at + 16, 4);
}

static void find_structures(struct pci_rig *rig)
{
	for (uint32_t at = rig_config_read(rig, 0x34, 1); at;
		at = rig_config_read(rig, at + 1, 1)) {
		if (rig_config_read(rig, at, 1) == 0x09)
			note_structure(rig, at);
		else if (rig_config_read(rig, at, 1) == 0x11)
			rig->msix = at;
	}
}

void rig_enable(struct pci_rig *rig)
{
	rig_config_write(rig, 0x04,
		KEG_PCI_COMMAND_MEMORY | KEG_PCI_COMMAND_PORTS | KEG_PCI_COMMAND_MASTER, 2);
}

uint64_t rig_table(uint32_t vector)
{
	return 0x8000 + 16 * vector;
}

void rig_enable_msix(struct pci_rig *rig)
{
	const struct rig_structure bar = {0};

	for (uint32_t i = 0; i < RIG_VECTORS; i++) {
		rig_write(rig, &bar, (uint32_t)rig_table(i), 0xfee00000, 8);
		rig_write(rig, &bar, (uint32_t)rig_table(i) + 8, 0x40 + i, 8);
	}
	rig_config_write(rig, rig->msix + 2, RIG_MSIX_ENABLED, 2);
}

void rig_set_up_queue(struct pci_rig *rig, uint16_t queue)
{
	const struct keg_virtqueue_layout *layout = &rig->driver.queues[queue].layout;

	driver_lay_out(&rig->driver, queue);
	rig_write(rig, &rig->common, 0x16, queue, 2);
	rig_write(rig, &rig->common, 0x18, layout->size, 2);
	rig_write(rig, &rig->common, 0x1a, queue + 1U, 2);
	rig_write(rig, &rig->common, 0x20, layout->descriptors, 4);
	rig_write(rig, &rig->common, 0x24, layout->descriptors >> 32, 4);
	rig_write(rig, &rig->common, 0x28, layout->available, 8);
	rig_write(rig, &rig->common, 0x30, layout->used, 8);
	rig_write(rig, &rig->common, 0x1c, 1, 2);
}

void rig_start(struct pci_rig *rig)
{
	rig_reset(rig);
	rig_write(rig, &rig->common, 0x14, 3, 1);
	rig_write(rig, &rig->common, 0x08, 1, 4);
	rig_write(rig, &rig->common, 0x0c, 1, 4); /* VERSION_1 */
	rig_write(rig, &rig->common, 0x14, 11, 1);
	assert_int_equal(rig_read(rig, &rig->common, 0x14, 1), 11);
	rig_write(rig, &rig->common, 0x10, 0, 2);
	for (uint16_t i = 0; i < RIG_QUEUES; i++)
		rig_set_up_queue(rig, i);
	rig_write(rig, &rig->common, 0x14, 15, 1);
	assert_int_equal(rig_read(rig, &rig->common, 0x14, 1), 15);
}

void rig_reset(struct pci_rig *rig)
{
	rig_write(rig, &rig->common, 0x14, 0, 1);
	assert_int_equal(rig_read(rig, &rig->common, 0x14, 1), 0);
}

bool rig_works(struct pci_rig *rig, uint16_t queue)
{
	const struct driver_buffer buffer = {0x800, 16, false};
	uint16_t head = driver_add(&rig->driver, queue, &buffer, 1);

	driver_publish(&rig->driver, queue);
	if (rig_serve(rig, queue) != 1 || driver_count_used(&rig->driver, queue) != 1)
		return false;
	return driver_take_used(&rig->driver, queue).id == head;
}

/* ---- Making ---- */

static void make_device(struct pci_rig *rig)
{
	static const struct keg_virtio_class class = {"rigged", CLASS_ID, start, stop, NULL};
	const struct keg_virtio_config config = {
		.class = &class,
		.mem = rig->driver.memory.mem,
		.queue_count = RIG_QUEUES,
		.queue_size = QUEUE_SIZE,
		.doorbells = 3, /* the first two */
		.config = rig->config,
		.config_bytes = RIG_CONFIG_BYTES,
	};

	for (uint8_t i = 0; i < RIG_CONFIG_BYTES; i++)
		rig->config[i] = (uint8_t)(0xc0 + i);
	assert_ok(keg_virtio_init(&rig->virtio, &config));
}

static void make_function(struct pci_rig *rig, bool ports, bool line)
{
	const struct keg_virtio_pci_config config = {
		.device = &rig->virtio,
		.bus = &rig->bus,
		.slot = RIG_SLOT,
		.msi = {msi_set, msi_send, rig},
		.irq = {line ? line_set : NULL, rig},
		.doorbells = {bell_bind, bell_unbind, rig},
		.ports = ports,
	};

	assert_ok(keg_virtio_pci_init(&rig->pci, &config));
}

void pci_rig_init(struct pci_rig *rig, bool ports, bool line)
{
	static const struct keg_pci_window window = {
		RIG_MEMORY, RIG_MEMORY + 0x1000000, RIG_PORTS, RIG_PORTS + 0x1000};
	const struct keg_bus_region mechanism_1 = {
		"pci", KEG_PCI_PORTS, KEG_PCI_PORTS_SIZE, &keg_pci_port_ops, &rig->bus};
	const struct keg_bus_region ecam = {
		"ecam", RIG_ECAM, KEG_PCI_ECAM_BYTES, &keg_pci_ecam_ops, &rig->bus};

	memset(rig, 0, sizeof(*rig));
	driver_init(&rig->driver, MEMORY_BYTES);
	assert_ok(keg_bus_create("port", &rig->ports));
	assert_ok(keg_bus_create("memory", &rig->memory));
	assert_ok(keg_pci_init(&rig->bus, rig->ports, rig->memory, &window));
	assert_ok(keg_bus_add(rig->ports, &mechanism_1));
	assert_ok(keg_bus_add(rig->memory, &ecam));
	make_device(rig);
	make_function(rig, ports, line);
	find_structures(rig);
}

void pci_rig_fini(struct pci_rig *rig)
{
	keg_virtio_pci_fini(&rig->pci);
	assert_int_equal(rig->starts, rig->stops);
	assert_int_equal(rig->bell_count, 0);
	for (int i = 0; i < RIG_VECTORS; i++)
		assert_false(rig->armed[i]);
	assert_false(rig->line);
	keg_virtio_fini(&rig->virtio);
	keg_pci_fini(&rig->bus);
	keg_bus_destroy(rig->ports);
	keg_bus_destroy(rig->memory);
	driver_fini(&rig->driver);
}
