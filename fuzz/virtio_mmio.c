/* SPDX-License-Identifier: MIT */
/*
 * The memory-mapped transport under a driver that does anything: the line is what the interrupt
 * status says, doorbells are there while the device serves and only then, and queues are served
 * from nowhere but memory.
 */
#include "virtio/mmio.h"

#include "virtio_memory.h"

enum { QUEUES = 2, QUEUE_SIZE = 8, CAPACITY = 8, ADDRESS = 0xd0000000 };

/* What one byte of input stands for; the others are what it needs. */
enum { READ, WRITE, WRITE_LIKELY, POKE, SERVE, CHANGE, BREAK, STEPS };

static struct {
	struct keg_virtio device;
	struct keg_virtio_mmio mmio;
	uint8_t config[16];
	bool serving, high;
	int bells;
} machine;

static int start(struct keg_virtio *device)
{
	(void)device;
	fuzz_check(!machine.serving && !machine.bells);
	machine.serving = true;
	return 0;
}

static void stop(struct keg_virtio *device)
{
	(void)device;
	fuzz_check(machine.serving && !machine.bells);
	machine.serving = false;
}

static void write_config(
	struct keg_virtio *device, uint32_t offset, const void *bytes, uint32_t count)
{
	(void)device;
	fuzz_check(count && offset < sizeof(machine.config) &&
		   count <= sizeof(machine.config) - offset);
	memcpy(machine.config + offset, bytes, count);
}

static void set_line(void *context, bool high)
{
	(void)context;
	fuzz_check(machine.high != high);
	machine.high = high;
}

static int bind(void *context, const struct keg_doorbell *doorbell)
{
	(void)context;
	fuzz_check(doorbell->address == ADDRESS + 0x50 && doorbell->value < QUEUES);
	fuzz_check(machine.device.queues[doorbell->value].enabled);
	machine.bells++;
	return 0;
}

static void unbind(void *context, const struct keg_doorbell *doorbell)
{
	(void)context;
	fuzz_check(doorbell->value < QUEUES && machine.bells-- > 0);
}

/* As a class's thread would, between stop() and start() not at all. */
static void serve(uint32_t chosen)
{
	const uint16_t index = (uint16_t)(chosen % QUEUES);
	struct keg_virtio_queue *queue = &machine.device.queues[index];
	struct iovec iov[CAPACITY];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CAPACITY};
	int rc = 0;

	if (!machine.serving || !queue->enabled || keg_virtio_is_broken(&machine.device))
		return;
	for (int i = 0; i < QUEUE_SIZE; i++) {
		rc = keg_virtqueue_take(&queue->ring, &chain);
		if (rc <= 0)
			break;
		keg_virtqueue_give(&queue->ring, chain.head, 0);
	}
	keg_virtio_interrupt(&machine.device, index);
	if (rc < 0)
		keg_virtio_break(&machine.device, keg_error_message());
}

/* A register and a value that a driver would write. */
static void write_likely(uint32_t what)
{
	static const struct {
		uint32_t offset, value;
	} writes[] = {{0x70, 0}, {0x70, 3}, {0x70, 11}, {0x70, 15}, {0x24, 1}, {0x20, 1}, {0x30, 0},
		{0x30, 1}, {0x38, QUEUE_SIZE}, {0x80, 0x1000}, {0x90, 0x2000}, {0xa0, 0x3000},
		{0x44, 1}, {0x50, 0}, {0x50, 1}, {0x64, 3}};

	what %= sizeof(writes) / sizeof(writes[0]);
	keg_virtio_mmio_ops.write(&machine.mmio, writes[what].offset, writes[what].value, 4);
}

static void step(struct fuzz_input *input)
{
	const uint32_t what = (uint32_t)fuzz_take(input, 1), bytes = 1U << (what >> 6);
	uint64_t offset, value;

	switch (what % STEPS) {
	case READ:
		offset = fuzz_take(input, 2) % (KEG_VIRTIO_MMIO_SIZE - bytes + 1);
		(void)keg_virtio_mmio_ops.read(&machine.mmio, offset, bytes);
		break;
	case WRITE:
		offset = fuzz_take(input, 2) % (KEG_VIRTIO_MMIO_SIZE - bytes + 1);
		keg_virtio_mmio_ops.write(&machine.mmio, offset, fuzz_take(input, bytes), bytes);
		break;
	case WRITE_LIKELY:
		write_likely((uint32_t)fuzz_take(input, 1));
		break;
	case POKE:
		offset = fuzz_take(input, 2) % (FUZZ_MEMORY_BYTES - 8);
		value = fuzz_take(input, bytes);
		memcpy(fuzz_memory.host + offset, &value, bytes);
		break;
	case SERVE:
		serve(what >> 6);
		break;
	case CHANGE:
		keg_virtio_update_config(&machine.device, what >> 6, "x", 1);
		break;
	default:
		keg_virtio_break(&machine.device, "the input says so");
	}
}

static void check(void)
{
	const uint8_t status = keg_virtio_get_status(&machine.device);

	fuzz_check(machine.high == (machine.mmio.interrupt_status != 0));
	fuzz_check(machine.serving == machine.device.started);
	fuzz_check(machine.serving || !machine.bells);
	fuzz_check(!machine.serving || status & KEG_VIRTIO_DRIVER_OK);
	fuzz_check(!(status & KEG_VIRTIO_FEATURES_OK) ||
		   keg_virtio_has(&machine.device, KEG_VIRTIO_F_VERSION_1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct keg_virtio_class class = {"fuzz", 42, start, stop, write_config};
	const struct keg_irq irq = {set_line, NULL};
	const struct keg_doorbells doorbells = {bind, unbind, NULL};
	struct fuzz_input input = {data, size}, nothing = {0};
	const struct keg_virtio_config config = {
		.class = &class,
		.mem = fuzz_memory_fill(&nothing),
		.queue_count = QUEUES,
		.queue_size = QUEUE_SIZE,
		.doorbells = 1,
		.config = machine.config,
		.config_bytes = sizeof(machine.config),
	};

	memset(&machine, 0, sizeof(machine));
	fuzz_check(keg_virtio_init(&machine.device, &config) == 0);
	fuzz_check(keg_virtio_mmio_init(&machine.mmio, &machine.device, &irq, &doorbells) == 0);
	keg_virtio_mmio_place(&machine.mmio, ADDRESS);
	while (input.left) {
		step(&input);
		check();
	}
	keg_virtio_mmio_ops.write(&machine.mmio, 0x70, 0, 4);
	fuzz_check(!machine.high && !machine.serving && !machine.bells);
	keg_virtio_fini(&machine.device);
	keg_virtio_mmio_fini(&machine.mmio);
	return 0;
}
