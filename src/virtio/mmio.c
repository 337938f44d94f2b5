/* SPDX-License-Identifier: MIT */
/* The memory-mapped transport: virtio 1.2, section 4.2.2. */
#include "virtio/mmio.h"

#include <endian.h>
#include <string.h>

#include "base/error.h"
#include "dev/registers.h"

enum {
	MAGIC = 0x74726976, /* "virt" */
	VERSION = 2,
	VENDOR = 0x0067656b, /* "keg" */
	QUEUE_NOTIFY = 0x050,
	CONFIG = 0x100,
	DOORBELLS = 64, /* queues that can have one */
};

/* InterruptStatus */
enum { USED_BUFFER = 1, CONFIG_CHANGE = 2 };

/* ---- The interrupt ---- */

static void set_interrupt(struct keg_virtio_mmio *mmio, uint32_t set, uint32_t clear)
{
	bool was, is;

	pthread_mutex_lock(&mmio->lock);
	was = mmio->interrupt_status != 0;
	mmio->interrupt_status = (mmio->interrupt_status | set) & ~clear;
	is = mmio->interrupt_status != 0;
	if (was != is)
		keg_irq_set(&mmio->irq, is);
	pthread_mutex_unlock(&mmio->lock);
}

static void interrupt(void *transport, uint16_t queue)
{
	(void)queue;
	set_interrupt(transport, USED_BUFFER, 0);
}

static void config_changed(void *transport)
{
	set_interrupt(transport, CONFIG_CHANGE, 0);
}

/* ---- Doorbells ---- */

static struct keg_doorbell doorbell_of(const struct keg_virtio_mmio *mmio, uint32_t queue)
{
	return (struct keg_doorbell){
		.address = mmio->address + QUEUE_NOTIFY,
		.bytes = 4,
		.match = true,
		.value = queue,
		.fd = mmio->device->queues[queue].kick,
	};
}

static void bind_doorbells(struct keg_virtio_mmio *mmio)
{
	const struct keg_virtio *device = mmio->device;
	struct keg_doorbell doorbell;

	for (uint32_t i = 0; i < device->queue_count && i < DOORBELLS; i++) {
		if (!device->queues[i].doorbell || !device->queues[i].enabled)
			continue;
		doorbell = doorbell_of(mmio, i);
		/* Without one, the write is an exit. */
		if (mmio->doorbells.bind(mmio->doorbells.context, &doorbell) == 0)
			mmio->bound |= UINT64_C(1) << i;
	}
}

static void unbind_doorbells(struct keg_virtio_mmio *mmio)
{
	struct keg_doorbell doorbell;

	for (uint32_t i = 0; i < DOORBELLS; i++) {
		if (!(mmio->bound >> i & 1))
			continue;
		doorbell = doorbell_of(mmio, i);
		mmio->doorbells.unbind(mmio->doorbells.context, &doorbell);
	}
	mmio->bound = 0;
}

static void serving(void *transport, bool begins)
{
	struct keg_virtio_mmio *mmio = transport;

	if (!mmio->doorbells.bind)
		return;
	if (begins)
		bind_doorbells(mmio);
	else
		unbind_doorbells(mmio);
}

static const struct keg_virtio_transport_ops transport_ops = {
	.interrupt = interrupt,
	.config_changed = config_changed,
	.serving = serving,
};

/* ---- The registers ---- */

static uint32_t read_device_id(void *context)
{
	return ((struct keg_virtio_mmio *)context)->device->class->id;
}

static uint32_t read_device_features(void *context)
{
	struct keg_virtio_mmio *mmio = context;

	return keg_virtio_get_features(mmio->device, mmio->device_features_sel);
}

static void write_device_features_sel(void *context, uint32_t value)
{
	((struct keg_virtio_mmio *)context)->device_features_sel = value;
}

static void write_driver_features(void *context, uint32_t value)
{
	struct keg_virtio_mmio *mmio = context;

	keg_virtio_set_features(mmio->device, mmio->driver_features_sel, value);
}

static void write_driver_features_sel(void *context, uint32_t value)
{
	((struct keg_virtio_mmio *)context)->driver_features_sel = value;
}

static void write_queue_sel(void *context, uint32_t value)
{
	((struct keg_virtio_mmio *)context)->queue_sel = value;
}

static struct keg_virtio_queue_state selected_queue(struct keg_virtio_mmio *mmio)
{
	struct keg_virtio_queue_state state;

	keg_virtio_get_queue(mmio->device, mmio->queue_sel, &state);
	return state;
}

static uint32_t read_queue_num_max(void *context)
{
	return selected_queue(context).max_size;
}

static uint32_t read_queue_ready(void *context)
{
	return selected_queue(context).enabled;
}

/* A register that is a field of the selected queue. */
#define QUEUE_WRITE(name, field)                                                                   \
	static void write_queue_##name(void *context, uint32_t value)                              \
	{                                                                                          \
		struct keg_virtio_mmio *mmio = context;                                            \
                                                                                                   \
		keg_virtio_set_queue(mmio->device, mmio->queue_sel, field, value);                 \
	}
QUEUE_WRITE(num, KEG_VIRTIO_QUEUE_SIZE)
QUEUE_WRITE(ready, KEG_VIRTIO_QUEUE_ENABLE)
QUEUE_WRITE(desc_low, KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW)
QUEUE_WRITE(desc_high, KEG_VIRTIO_QUEUE_DESCRIPTORS_HIGH)
QUEUE_WRITE(driver_low, KEG_VIRTIO_QUEUE_AVAILABLE_LOW)
QUEUE_WRITE(driver_high, KEG_VIRTIO_QUEUE_AVAILABLE_HIGH)
QUEUE_WRITE(device_low, KEG_VIRTIO_QUEUE_USED_LOW)
QUEUE_WRITE(device_high, KEG_VIRTIO_QUEUE_USED_HIGH)

static void write_queue_notify(void *context, uint32_t value)
{
	keg_virtio_kick(((struct keg_virtio_mmio *)context)->device, value);
}

static uint32_t read_interrupt_status(void *context)
{
	struct keg_virtio_mmio *mmio = context;
	uint32_t status;

	pthread_mutex_lock(&mmio->lock);
	status = mmio->interrupt_status;
	pthread_mutex_unlock(&mmio->lock);
	return status;
}

static void write_interrupt_ack(void *context, uint32_t value)
{
	set_interrupt(context, 0, value);
}

static uint32_t read_status(void *context)
{
	return keg_virtio_get_status(((struct keg_virtio_mmio *)context)->device);
}

/* Section 4.2.2.1: a reset clears what the driver was told, too. */
static void write_status(void *context, uint32_t value)
{
	struct keg_virtio_mmio *mmio = context;

	keg_virtio_set_status(mmio->device, (uint8_t)value);
	if ((uint8_t)value == 0)
		set_interrupt(mmio, 0, UINT32_MAX);
}

static uint32_t read_config_generation(void *context)
{
	return atomic_load(&((struct keg_virtio_mmio *)context)->device->generation);
}

#define FIXED(name, offset, value)                                                                 \
	{                                                                                          \
		name, offset, 4, KEG_REGISTER_FIXED, value, 0, NULL, NULL                          \
	}
#define READ(name, offset, read)                                                                   \
	{                                                                                          \
		name, offset, 4, KEG_REGISTER_RO, UINT32_MAX, 0, read, NULL                        \
	}
#define WRITE(name, offset, write)                                                                 \
	{                                                                                          \
		name, offset, 4, KEG_REGISTER_WO, UINT32_MAX, 0, NULL, write                       \
	}
#define BOTH(name, offset, read, write)                                                            \
	{                                                                                          \
		name, offset, 4, KEG_REGISTER_RW, UINT32_MAX, 0, read, write                       \
	}

/* Table 4.1. The queue's addresses: "driver" and "device" are the available and the used ring. */
static const struct keg_register registers[] = {
	FIXED("MagicValue", 0x000, MAGIC),
	FIXED("Version", 0x004, VERSION),
	READ("DeviceID", 0x008, read_device_id),
	FIXED("VendorID", 0x00c, VENDOR),
	READ("DeviceFeatures", 0x010, read_device_features),
	WRITE("DeviceFeaturesSel", 0x014, write_device_features_sel),
	WRITE("DriverFeatures", 0x020, write_driver_features),
	WRITE("DriverFeaturesSel", 0x024, write_driver_features_sel),
	WRITE("QueueSel", 0x030, write_queue_sel),
	READ("QueueNumMax", 0x034, read_queue_num_max),
	WRITE("QueueNum", 0x038, write_queue_num),
	BOTH("QueueReady", 0x044, read_queue_ready, write_queue_ready),
	WRITE("QueueNotify", QUEUE_NOTIFY, write_queue_notify),
	READ("InterruptStatus", 0x060, read_interrupt_status),
	WRITE("InterruptACK", 0x064, write_interrupt_ack),
	BOTH("Status", 0x070, read_status, write_status),
	WRITE("QueueDescLow", 0x080, write_queue_desc_low),
	WRITE("QueueDescHigh", 0x084, write_queue_desc_high),
	WRITE("QueueDriverLow", 0x090, write_queue_driver_low),
	WRITE("QueueDriverHigh", 0x094, write_queue_driver_high),
	WRITE("QueueDeviceLow", 0x0a0, write_queue_device_low),
	WRITE("QueueDeviceHigh", 0x0a4, write_queue_device_high),
	/* There is no shared memory: its length and its address read as all ones. */
	FIXED("SHMLenLow", 0x0b0, UINT32_MAX),
	FIXED("SHMLenHigh", 0x0b4, UINT32_MAX),
	FIXED("SHMBaseLow", 0x0b8, UINT32_MAX),
	FIXED("SHMBaseHigh", 0x0bc, UINT32_MAX),
	READ("ConfigGeneration", 0x0fc, read_config_generation),
};

static const struct keg_register_map map = {registers, sizeof(registers) / sizeof(registers[0])};

/* How many bytes of an access are the registers'; those above are the configuration space's. */
static uint32_t registers_part(uint64_t offset, uint32_t bytes)
{
	if (offset >= CONFIG)
		return 0;
	return CONFIG - offset < bytes ? (uint32_t)(CONFIG - offset) : bytes;
}

static uint64_t read_window(void *context, uint64_t offset, uint32_t bytes)
{
	struct keg_virtio_mmio *mmio = context;
	const uint32_t part = registers_part(offset, bytes);
	uint64_t value = part ? keg_registers_read(&map, mmio, offset, part) : 0, config = 0;

	if (part == bytes)
		return value;
	keg_virtio_read_config(
		mmio->device, (uint32_t)(offset + part - CONFIG), &config, bytes - part);
	return value | le64toh(config) << 8 * part;
}

static void write_window(void *context, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_virtio_mmio *mmio = context;
	const uint32_t part = registers_part(offset, bytes);
	uint64_t config;

	if (part)
		keg_registers_write(&map, mmio, offset, value, part);
	if (part == bytes)
		return;
	config = htole64(value >> 8 * part);
	keg_virtio_write_config(
		mmio->device, (uint32_t)(offset + part - CONFIG), &config, bytes - part);
}

const struct keg_bus_ops keg_virtio_mmio_ops = {.read = read_window, .write = write_window};

/* ---- Making ---- */

int keg_virtio_mmio_init(struct keg_virtio_mmio *mmio, struct keg_virtio *device,
	const struct keg_irq *irq, const struct keg_doorbells *doorbells)
{
	int rc;

	memset(mmio, 0, sizeof(*mmio));
	rc = pthread_mutex_init(&mmio->lock, NULL);
	if (rc)
		return keg_fail_errno(rc, "making the lock of a virtio transport");
	mmio->device = device;
	mmio->irq = *irq;
	if (doorbells)
		mmio->doorbells = *doorbells;
	keg_virtio_attach(device, &transport_ops, mmio);
	return 0;
}

void keg_virtio_mmio_fini(struct keg_virtio_mmio *mmio)
{
	if (!mmio->device)
		return;
	pthread_mutex_destroy(&mmio->lock);
	mmio->device = NULL;
}

void keg_virtio_mmio_place(struct keg_virtio_mmio *mmio, uint64_t address)
{
	mmio->address = address;
}
