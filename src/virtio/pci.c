/* SPDX-License-Identifier: MIT */
/* A virtio PCI function: what it is, what is in its BARs, its making and its end. */
#include "virtio/pci.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "virtio/pci_parts.h"

/* ---- The BARs ---- */

static uint64_t read_device(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;
	uint8_t data[8];
	uint64_t value = 0;

	keg_virtio_read_config(pci->device, (uint32_t)offset, data, bytes);
	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)data[i] << 8 * i;
	return value;
}

static void write_device(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;
	uint8_t data[8];

	for (uint32_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(value >> 8 * i);
	keg_virtio_write_config(pci->device, (uint32_t)offset, data, bytes);
}

static uint64_t read_table(void *device, uint64_t offset, uint32_t bytes)
{
	return keg_msix_read_table(&((struct keg_virtio_pci *)device)->msix, offset, bytes);
}

static void write_table(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	keg_msix_write_table(&((struct keg_virtio_pci *)device)->msix, offset, value, bytes);
}

static uint64_t read_pending(void *device, uint64_t offset, uint32_t bytes)
{
	return keg_msix_read_pending(&((struct keg_virtio_pci *)device)->msix, offset, bytes);
}

/* What is in the memory BAR, by where it starts: last first. */
static const struct structure {
	uint64_t start;
	struct keg_bus_ops ops;
} structures[] = {
	{KEG_VIRTIO_PCI_TABLE, {read_table, write_table}},
	{KEG_VIRTIO_PCI_PENDING, {read_pending, NULL}},
	{KEG_VIRTIO_PCI_NOTIFY, {NULL, keg_virtio_pci_notify}},
	{KEG_VIRTIO_PCI_DEVICE, {read_device, write_device}},
	{KEG_VIRTIO_PCI_ISR, {keg_virtio_pci_read_isr, NULL}},
	{KEG_VIRTIO_PCI_COMMON, {keg_virtio_pci_read_common, keg_virtio_pci_write_common}},
};

static const struct structure *structure_at(uint64_t offset)
{
	const struct structure *structure = structures;

	while (structure->start > offset)
		structure++;
	return structure;
}

static uint64_t read_memory(void *device, uint64_t offset, uint32_t bytes)
{
	const struct structure *structure = structure_at(offset);

	return structure->ops.read ? structure->ops.read(device, offset - structure->start, bytes)
				   : 0;
}

static void write_memory(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	const struct structure *structure = structure_at(offset);

	if (structure->ops.write)
		structure->ops.write(device, offset - structure->start, value, bytes);
}

static uint64_t read_ports(void *device, uint64_t offset, uint32_t bytes)
{
	(void)device;
	(void)offset;
	(void)bytes;
	return 0;
}

static const struct keg_bus_ops memory_ops = {read_memory, write_memory};
static const struct keg_bus_ops port_ops = {read_ports, keg_virtio_pci_notify};

/* ---- Configuration space ---- */

static void before_read(void *device, uint32_t offset, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;
	uint8_t *status = &pci->function.config[KEG_PCI_STATUS];

	if (keg_pci_touches(offset, bytes, KEG_PCI_STATUS, 1)) {
		*status &= (uint8_t)~KEG_PCI_STATUS_INTERRUPT;
		if (keg_virtio_pci_is_interrupting(pci))
			*status |= KEG_PCI_STATUS_INTERRUPT;
	}
	keg_virtio_pci_window_read(pci, offset, bytes);
}

/* Who takes a master's right to access memory away (PCI 3.0, section 6.2.2) wants it silent: a
 * kernel does before another takes over its memory. One that never gave it does not know of it. */
static void update_master(struct keg_virtio_pci *pci)
{
	const bool is_master =
		keg_pci_get(&pci->function, KEG_PCI_COMMAND, 2) & KEG_PCI_COMMAND_MASTER;

	if (pci->is_master && !is_master)
		keg_virtio_halt(pci->device);
	pci->is_master = is_master;
}

static void after_write(void *device, uint32_t offset, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;

	update_master(pci);
	keg_msix_config_written(&pci->msix, &pci->function, offset, bytes);
	keg_virtio_pci_update_line(pci,
		keg_pci_get(&pci->function, KEG_PCI_COMMAND, 2) & KEG_PCI_COMMAND_INTX_DISABLE);
	keg_virtio_pci_window_written(pci, offset, bytes);
}

/* ---- Making ---- */

/* Section 4.1.2; classes as PCI's own list has them, by the device's id. */
enum {
	VENDOR = 0x1af4,
	FIRST_DEVICE = 0x1040,
	REVISION = 1,
	CLASS_UNCLASSIFIED = 0x00ff00,
};
static const uint32_t class_codes[] = {
	[1] = 0x020000, /* network: Ethernet */
	[2] = 0x018000, /* block: mass storage, of another kind */
	[3] = 0x078000, /* console: simple communication, of another kind */
	[4] = CLASS_UNCLASSIFIED,
};

static uint32_t class_code(uint32_t id)
{
	bool known = id < sizeof(class_codes) / sizeof(class_codes[0]) && class_codes[id];

	return known ? class_codes[id] : CLASS_UNCLASSIFIED;
}

static uint64_t port_bar_size(uint32_t queues)
{
	uint64_t size = KEG_VIRTIO_PCI_MULTIPLIER;

	while (size < (uint64_t)queues * KEG_VIRTIO_PCI_MULTIPLIER)
		size *= 2;
	return size;
}

static void describe(struct keg_virtio_pci *pci, const struct keg_virtio_pci_config *config)
{
	struct keg_pci_function *function = &pci->function;
	const struct keg_virtio *device = config->device;

	function->vendor = function->subsystem_vendor = VENDOR;
	function->device_id = (uint16_t)(FIRST_DEVICE + device->class->id);
	function->subsystem = function->device_id;
	function->class_code = class_code(device->class->id);
	function->revision = REVISION;
	function->interrupt_pin = config->irq.set ? 1 : 0;
	function->device = pci;
	function->before_read = before_read;
	function->after_write = after_write;
	function->bars[KEG_VIRTIO_PCI_MEMORY_BAR] = (struct keg_pci_bar){
		.kind = KEG_PCI_BAR_MEMORY64,
		.name = device->class->name,
		.size = KEG_VIRTIO_PCI_MEMORY_SIZE,
		.ops = &memory_ops,
		.moved = keg_virtio_pci_memory_moved,
	};
	if (!config->ports || device->queue_count > KEG_VIRTIO_PCI_PORT_QUEUES)
		return;
	function->bars[KEG_VIRTIO_PCI_PORT_BAR] = (struct keg_pci_bar){
		.kind = KEG_PCI_BAR_PORTS,
		.name = device->class->name,
		.size = port_bar_size(device->queue_count),
		.ops = &port_ops,
		.moved = keg_virtio_pci_ports_moved,
	};
}

static int make_locks(struct keg_virtio_pci *pci)
{
	pthread_mutex_t *const locks[] = {&pci->lock, &pci->line_lock, &pci->bell_lock};
	int error;

	for (int i = 0; i < 3; i++) {
		error = pthread_mutex_init(locks[i], NULL);
		if (!error)
			continue;
		while (i-- > 0)
			pthread_mutex_destroy(locks[i]);
		return keg_fail_errno(error, "making the locks of a PCI function");
	}
	return 0;
}

static int make_queues(struct keg_virtio_pci *pci)
{
	uint32_t count = pci->device->queue_count;

	pci->queue_vectors = calloc(count, sizeof(*pci->queue_vectors));
	pci->bells = calloc(count, sizeof(*pci->bells));
	if (!pci->queue_vectors || !pci->bells) {
		free(pci->queue_vectors);
		free(pci->bells);
		return keg_fail_errno(ENOMEM, "making a PCI function of %" PRIu32 " queues", count);
	}
	for (uint32_t i = 0; i < count; i++)
		pci->bells[i].fd = -1;
	return 0;
}

static void free_parts(struct keg_virtio_pci *pci)
{
	keg_msix_fini(&pci->msix);
	free(pci->queue_vectors);
	free(pci->bells);
	pthread_mutex_destroy(&pci->lock);
	pthread_mutex_destroy(&pci->line_lock);
	pthread_mutex_destroy(&pci->bell_lock);
}

static int make_parts(struct keg_virtio_pci *pci, const struct keg_msi *msi)
{
	int rc = make_queues(pci);

	if (rc)
		return rc;
	rc = keg_msix_init(&pci->msix, msi, keg_virtio_pci_vectors(pci->device));
	if (rc)
		goto fail;
	rc = make_locks(pci);
	if (!rc)
		return 0;
	keg_msix_fini(&pci->msix);
fail:
	free(pci->queue_vectors);
	free(pci->bells);
	return rc;
}

static int check(const struct keg_virtio *device)
{
	if (device->queue_count > KEG_VIRTIO_PCI_QUEUES ||
		device->config_bytes > KEG_VIRTIO_PCI_CONFIG_BYTES)
		return keg_fail(EINVAL,
			"%s: a PCI function has no room for %u queues, or for a configuration of "
			"%" PRIu32 " bytes",
			device->class->name, device->queue_count, device->config_bytes);
	return 0;
}

static int put_on_bus(struct keg_virtio_pci *pci, const struct keg_virtio_pci_config *config)
{
	int rc = keg_pci_add(config->bus, &pci->function, config->slot);

	if (rc)
		return rc;
	rc = keg_virtio_pci_add_capabilities(pci);
	if (rc)
		keg_pci_remove(&pci->function);
	return rc;
}

uint32_t keg_virtio_pci_vectors(const struct keg_virtio *device)
{
	return device->queue_count + UINT32_C(1);
}

int keg_virtio_pci_init(struct keg_virtio_pci *pci, const struct keg_virtio_pci_config *config)
{
	static const struct keg_virtio_transport_ops ops = {
		.interrupt = keg_virtio_pci_interrupt,
		.config_changed = keg_virtio_pci_config_changed,
		.serving = keg_virtio_pci_serving,
	};
	int rc = check(config->device);

	memset(pci, 0, sizeof(*pci));
	if (rc)
		return rc;
	pci->device = config->device;
	pci->irq = config->irq;
	pci->doorbells = config->doorbells;
	rc = make_parts(pci, &config->msi);
	if (rc)
		goto fail;
	keg_virtio_pci_reset_interrupts(pci);
	describe(pci, config);
	keg_virtio_attach(pci->device, &ops, pci);
	rc = put_on_bus(pci, config);
	if (!rc)
		return 0;
	keg_virtio_attach(pci->device, NULL, NULL);
	free_parts(pci);
fail:
	pci->device = NULL;
	return rc;
}

void keg_virtio_pci_fini(struct keg_virtio_pci *pci)
{
	if (!pci->device)
		return;
	keg_pci_remove(&pci->function);
	keg_virtio_set_status(pci->device, 0);
	keg_virtio_pci_reset_interrupts(pci);
	keg_virtio_attach(pci->device, NULL, NULL);
	free_parts(pci);
	pci->device = NULL;
}
