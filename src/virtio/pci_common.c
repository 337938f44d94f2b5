/* SPDX-License-Identifier: MIT */
/* The common configuration structure (virtio 1.2, section 4.1.4.3). */
#include "dev/registers.h"
#include "virtio/pci_parts.h"

#define BYTE  UINT32_C(0xff)
#define HALF  UINT32_C(0xffff)
#define WHOLE UINT32_MAX

static uint32_t read_device_feature(void *device)
{
	const struct keg_virtio_pci *pci = device;

	return keg_virtio_get_features(pci->device, pci->device_feature_select);
}

static uint32_t read_driver_feature(void *device)
{
	struct keg_virtio_pci *pci = device;

	return keg_virtio_get_agreed(pci->device, pci->driver_feature_select);
}

static void write_driver_feature(void *device, uint32_t value)
{
	struct keg_virtio_pci *pci = device;

	keg_virtio_set_features(pci->device, pci->driver_feature_select, value);
}

static uint32_t read_num_queues(void *device)
{
	return ((const struct keg_virtio_pci *)device)->device->queue_count;
}

static uint32_t read_status(void *device)
{
	return keg_virtio_get_status(((const struct keg_virtio_pci *)device)->device);
}

static void write_status(void *device, uint32_t value)
{
	struct keg_virtio_pci *pci = device;

	keg_virtio_set_status(pci->device, (uint8_t)value);
	if (value)
		return;
	pci->device_feature_select = pci->driver_feature_select = pci->queue_select = 0;
	keg_virtio_pci_reset_interrupts(pci);
}

static uint32_t read_generation(void *device)
{
	return atomic_load(&((struct keg_virtio_pci *)device)->device->generation);
}

/* ---- Vectors: one that there is not reads back as none (section 4.1.5.1.2) ---- */

static uint32_t vector_of(const struct keg_virtio_pci *pci, uint32_t value)
{
	return value < pci->msix.count ? value : KEG_VIRTIO_PCI_NO_VECTOR;
}

static uint32_t read_config_vector(void *device)
{
	return atomic_load(&((struct keg_virtio_pci *)device)->config_vector);
}

static void write_config_vector(void *device, uint32_t value)
{
	struct keg_virtio_pci *pci = device;

	atomic_store(&pci->config_vector, vector_of(pci, value));
}

static bool queue_exists(const struct keg_virtio_pci *pci)
{
	return pci->queue_select < pci->device->queue_count;
}

static uint32_t read_queue_vector(void *device)
{
	const struct keg_virtio_pci *pci = device;

	return queue_exists(pci) ? atomic_load(&pci->queue_vectors[pci->queue_select])
				 : KEG_VIRTIO_PCI_NO_VECTOR;
}

static void write_queue_vector(void *device, uint32_t value)
{
	struct keg_virtio_pci *pci = device;

	if (queue_exists(pci))
		atomic_store(&pci->queue_vectors[pci->queue_select], vector_of(pci, value));
}

/* ---- The selected queue ---- */

static struct keg_virtio_queue_state queue_of(void *device)
{
	const struct keg_virtio_pci *pci = device;
	struct keg_virtio_queue_state state;

	keg_virtio_get_queue(pci->device, pci->queue_select, &state);
	return state;
}

static void set_queue(void *device, enum keg_virtio_queue_field field, uint32_t value)
{
	const struct keg_virtio_pci *pci = device;

	keg_virtio_set_queue(pci->device, pci->queue_select, field, value);
}

static uint32_t read_queue_notify_off(void *device)
{
	const struct keg_virtio_pci *pci = device;

	return queue_exists(pci) ? pci->queue_select : 0;
}

#define QUEUE_REGISTER(name, field, expression)                                                    \
	static uint32_t read_##name(void *device)                                                  \
	{                                                                                          \
		const struct keg_virtio_queue_state queue = queue_of(device);                      \
                                                                                                   \
		return (uint32_t)(expression);                                                     \
	}                                                                                          \
	static void write_##name(void *device, uint32_t value)                                     \
	{                                                                                          \
		set_queue(device, field, value);                                                   \
	}

QUEUE_REGISTER(queue_size, KEG_VIRTIO_QUEUE_SIZE, queue.size)
QUEUE_REGISTER(queue_enable, KEG_VIRTIO_QUEUE_ENABLE, queue.enabled)
QUEUE_REGISTER(queue_desc_low, KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW, queue.descriptors)
QUEUE_REGISTER(queue_desc_high, KEG_VIRTIO_QUEUE_DESCRIPTORS_HIGH, queue.descriptors >> 32)
QUEUE_REGISTER(queue_driver_low, KEG_VIRTIO_QUEUE_AVAILABLE_LOW, queue.available)
QUEUE_REGISTER(queue_driver_high, KEG_VIRTIO_QUEUE_AVAILABLE_HIGH, queue.available >> 32)
QUEUE_REGISTER(queue_device_low, KEG_VIRTIO_QUEUE_USED_LOW, queue.used)
QUEUE_REGISTER(queue_device_high, KEG_VIRTIO_QUEUE_USED_HIGH, queue.used >> 32)

/* ---- The table ---- */

#define MEMBER(name) .member = offsetof(struct keg_virtio_pci, name)
#define RO(name)     .read = read_##name
#define RW(name)     .read = read_##name, .write = write_##name

static const struct keg_register registers[] = {
	{"device_feature_select", 0x00, 4, KEG_REGISTER_RW, WHOLE, MEMBER(device_feature_select)},
	{"device_feature", 0x04, 4, KEG_REGISTER_RO, WHOLE, RO(device_feature)},
	{"driver_feature_select", 0x08, 4, KEG_REGISTER_RW, WHOLE, MEMBER(driver_feature_select)},
	{"driver_feature", 0x0c, 4, KEG_REGISTER_RW, WHOLE, RW(driver_feature)},
	{"config_msix_vector", 0x10, 2, KEG_REGISTER_RW, HALF, RW(config_vector)},
	{"num_queues", 0x12, 2, KEG_REGISTER_RO, HALF, RO(num_queues)},
	{"device_status", 0x14, 1, KEG_REGISTER_RW, BYTE, RW(status)},
	{"config_generation", 0x15, 1, KEG_REGISTER_RO, BYTE, RO(generation)},
	{"queue_select", 0x16, 2, KEG_REGISTER_RW, HALF, MEMBER(queue_select)},
	{"queue_size", 0x18, 2, KEG_REGISTER_RW, HALF, RW(queue_size)},
	{"queue_msix_vector", 0x1a, 2, KEG_REGISTER_RW, HALF, RW(queue_vector)},
	{"queue_enable", 0x1c, 2, KEG_REGISTER_RW, HALF, RW(queue_enable)},
	{"queue_notify_off", 0x1e, 2, KEG_REGISTER_RO, HALF, RO(queue_notify_off)},
	{"queue_desc", 0x20, 4, KEG_REGISTER_RW, WHOLE, RW(queue_desc_low)},
	{"queue_desc, high", 0x24, 4, KEG_REGISTER_RW, WHOLE, RW(queue_desc_high)},
	{"queue_driver", 0x28, 4, KEG_REGISTER_RW, WHOLE, RW(queue_driver_low)},
	{"queue_driver, high", 0x2c, 4, KEG_REGISTER_RW, WHOLE, RW(queue_driver_high)},
	{"queue_device", 0x30, 4, KEG_REGISTER_RW, WHOLE, RW(queue_device_low)},
	{"queue_device, high", 0x34, 4, KEG_REGISTER_RW, WHOLE, RW(queue_device_high)},
};
static const struct keg_register_map map = {registers, sizeof(registers) / sizeof(registers[0])};

uint64_t keg_virtio_pci_read_common(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;
	uint64_t value;

	pthread_mutex_lock(&pci->lock);
	value = keg_registers_read(&map, pci, offset, bytes);
	pthread_mutex_unlock(&pci->lock);
	return value;
}

void keg_virtio_pci_write_common(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_virtio_pci *pci = device;

	pthread_mutex_lock(&pci->lock);
	keg_registers_write(&map, pci, offset, value, bytes);
	pthread_mutex_unlock(&pci->lock);
}
