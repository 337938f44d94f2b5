/* SPDX-License-Identifier: MIT */
/*
 * The console device under a driver that does anything to its rings, and an other end that types,
 * resizes and looks on. Its thread's work is done here, so that the same input does the same.
 */
#include <stdlib.h>
#include <string.h>

#include <keg/mem.h>

#include "fuzzing.h"
#include "kvm/vm.h"
#include "virtio/console_parts.h"

enum {
	PORTS = 2,
	QUEUES = 2 * PORTS + 2,
	MEMORY_BYTES = 1 << 16,
	SIZE = 16,     /* of a queue */
	STRIDE = 1024, /* queue i lies at i * STRIDE: descriptors, then the rings */
	AVAILABLE = 256,
	USED = 512,
	MOST_OUTPUTS = 64, /* a step: chains may be long */
};

enum { MEMORY, TRANSMIT, RECEIVE, TAKE, SEND, INPUT, SIZE_IS, CONFIG, RESET, STEPS };

static struct {
	struct keg_vm vm;
	struct keg_mem *mem;
	void *bytes; /* of the memory */
} guest;

static struct keg_virtio_console console;
static unsigned outputs;

static void output(void *context, const void *bytes, size_t count)
{
	static char copy[4096];

	fuzz_check(context == &guest && count > 0 && count <= sizeof(copy));
	memcpy(copy, bytes, count);
	if (++outputs == MOST_OUTPUTS)
		atomic_store(&console.stopping, true);
}

static void room(void *context)
{
	/* What was promised is kept. */
	fuzz_check(context == &guest);
	fuzz_check(keg_virtio_console_input(&console, 0, "", 0) == 0);
}

static void make_guest(void)
{
	if (guest.mem)
		return;
	guest.vm.fd = -1;
	fuzz_check(!pthread_mutex_init(&guest.vm.lock, NULL));
	fuzz_check(!pthread_mutex_init(&guest.vm.tables_lock, NULL));
	fuzz_check(!keg_mem_create(&guest.vm, &guest.mem));
	fuzz_check(!keg_mem_add_ram(guest.mem, 0, MEMORY_BYTES));
	fuzz_check(!keg_mem_slice(guest.mem, 0, MEMORY_BYTES, KEG_ACCESS_WRITE, &guest.bytes));
}

/* As the driver's DRIVER_OK does, without the thread. */
static void reset(uint64_t features)
{
	struct keg_virtio *device = &console.device;

	device->agreed = features & device->offered;
	atomic_store(&device->status, KEG_VIRTIO_DRIVER_OK);
	for (uint32_t i = 0; i < QUEUES; i++) {
		const keg_gpa at = (keg_gpa)i * STRIDE;
		const struct keg_virtqueue_layout layout = {SIZE, at, at + AVAILABLE, at + USED};

		device->queues[i].enabled = true;
		fuzz_check(!keg_virtqueue_open(&device->queues[i].ring, guest.mem, &layout,
			keg_virtio_has(device, KEG_VIRTIO_F_EVENT_IDX),
			keg_virtio_has(device, KEG_VIRTIO_F_INDIRECT_DESC)));
	}
	for (uint32_t i = 0; i < PORTS; i++) {
		console.ports[i].open = false;
		console.ports[i].tell = 0;
	}
}

static void write_memory(struct fuzz_input *input)
{
	uint64_t at = fuzz_take(input, 2), bytes = 1 + fuzz_take(input, 1) % 32;

	for (uint64_t i = 0; i < bytes; i++)
		((uint8_t *)guest.bytes)[(at + i) % MEMORY_BYTES] = (uint8_t)fuzz_take(input, 1);
}

static void step(struct fuzz_input *input)
{
	static const char text[CONSOLE_INPUT + 100];
	uint64_t what = fuzz_take(input, 1), value;
	uint32_t port = (uint32_t)what / STEPS % PORTS;

	switch (what % STEPS) {
	case MEMORY:
		write_memory(input);
		break;
	case TRANSMIT:
		keg_virtio_console_transmit(&console, port);
		break;
	case RECEIVE:
		keg_virtio_console_receive(&console, port);
		break;
	case TAKE:
		keg_virtio_console_take_control(&console);
		break;
	case SEND:
		keg_virtio_console_send_control(&console);
		break;
	case INPUT:
		value = fuzz_take(input, 2) % sizeof(text);
		fuzz_check(keg_virtio_console_input(&console, port, text, value) <= (ssize_t)value);
		break;
	case SIZE_IS:
		value = fuzz_take(input, 4);
		keg_virtio_console_resize(&console, (uint16_t)value, (uint16_t)(value >> 16));
		break;
	case CONFIG:
		value = fuzz_take(input, 8);
		keg_virtio_write_config(&console.device, (uint32_t)(value & 31), &value,
			1 + (uint32_t)(value >> 5 & 7));
		break;
	default:
		reset(fuzz_take(input, 5));
	}
}

static void check(void)
{
	for (uint32_t i = 0; i < PORTS; i++) {
		fuzz_check(console.ports[i].count <= CONSOLE_INPUT);
		fuzz_check(console.ports[i].first < CONSOLE_INPUT);
		fuzz_check(console.ports[i].tell < 1U << CONSOLE_MESSAGES);
	}
	/* Every chain is given back at once. */
	for (uint32_t i = 0; i < QUEUES; i++)
		fuzz_check(console.device.queues[i].ring.in_flight == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct keg_virtio_console_end ends[PORTS] = {
		{"console", output, room, &guest}, {"other", output, room, &guest}};
	struct fuzz_input input = {data, size};

	make_guest();
	memset(guest.bytes, 0, MEMORY_BYTES);
	fuzz_check(keg_virtio_console_init(&console, guest.mem, ends, PORTS) == 0);
	reset(UINT64_MAX);
	for (int i = 0; i < 256 && input.left; i++) {
		outputs = 0;
		atomic_store(&console.stopping, false);
		step(&input);
		check();
	}
	keg_virtio_console_fini(&console);
	return 0;
}
