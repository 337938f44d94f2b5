/* SPDX-License-Identifier: MIT */
/*
 * A network card under a driver that puts anything into its queues, on a network that makes frames
 * of any length: buffers are touched as far as they are lent, and no chain is given back twice.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <keg/irq.h>
#include <keg/mem.h>
#include <linux/virtio_ring.h>

#include "fuzzing.h"
#include "kvm/vm.h"
#include "net/netdev.h"
#include "virtio/net_pair.h"

enum { POKE, CHAIN, RECEIVE, SEND, CONTROL, FRAME, BLOCK, RESET, STEPS };

enum {
	PAIRS = 2,
	QUEUES = 2 * PAIRS + 1,
	SIZE = 16,
	MEMORY_BYTES = 1 << 16,
	RINGS = 0x1000, /* each queue's, one behind the other */
	RING_BYTES = 0x200,
	AVAILABLE = 16 * SIZE,
	USED = 0x180,
	BUFFERS = 0x2000,
};

static struct {
	struct keg_vm vm;
	struct keg_mem *mem;
	uint8_t *bytes;
} guest;

static struct {
	struct keg_netdev netdev;
	struct keg_virtio_net net;
	int fd;
	uint32_t frame; /* the next one's length; 0: none */
	bool blocked;
} machine;

/* ---- The network ---- */

static int set_features(struct keg_netdev *netdev, uint64_t features)
{
	(void)netdev;
	(void)features;
	return 0;
}

static int set_queues(struct keg_netdev *netdev, uint32_t queues)
{
	(void)netdev;
	fuzz_check(queues >= 1 && queues <= PAIRS);
	return 0;
}

static ssize_t discard(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	static uint8_t sink[KEG_NET_MAX_FRAME];
	size_t bytes = keg_net_iov_bytes(iov, count), at = 0;

	(void)netdev;
	fuzz_check(queue < PAIRS && count <= 1024 && bytes <= sizeof(sink));
	if (machine.blocked)
		return -EAGAIN;
	for (uint32_t i = 0; i < count; at += iov[i++].iov_len)
		memcpy(sink + at, iov[i].iov_base, iov[i].iov_len);
	return (ssize_t)bytes;
}

static ssize_t generate(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	const uint32_t bytes = machine.frame;
	size_t left = bytes;

	(void)netdev;
	fuzz_check(queue < PAIRS && count <= 1024);
	if (!bytes)
		return -EAGAIN;
	machine.frame = 0;
	for (uint32_t i = 0; i < count && left; i++) {
		size_t part = iov[i].iov_len < left ? iov[i].iov_len : left;

		memset(iov[i].iov_base, 0x55, part);
		left -= part;
	}
	/* Behind the guest's buffers there is room for the longest. */
	fuzz_check(left == 0);
	return (ssize_t)bytes;
}

static int descriptor(const struct keg_netdev *netdev, uint32_t queue)
{
	(void)netdev;
	(void)queue;
	return machine.fd;
}

static const struct keg_netdev_ops network = {
	.set_features = set_features,
	.set_queues = set_queues,
	.send = discard,
	.receive = generate,
	.fd = descriptor,
};

/* ---- The card, without its threads ---- */

static void make_guest(void)
{
	void *bytes;

	if (!guest.mem) {
		guest.vm.fd = -1;
		fuzz_check(!pthread_mutex_init(&guest.vm.lock, NULL));
		fuzz_check(!pthread_mutex_init(&guest.vm.tables_lock, NULL));
		fuzz_check(!keg_mem_create(&guest.vm, &guest.mem));
		fuzz_check(!keg_mem_add_ram(guest.mem, 0, MEMORY_BYTES));
	}
	fuzz_check(!keg_mem_slice(guest.mem, 0, MEMORY_BYTES, KEG_ACCESS_WRITE, &bytes));
	guest.bytes = bytes;
	memset(guest.bytes, 0, MEMORY_BYTES);
}

static keg_gpa ring_at(uint32_t queue)
{
	return RINGS + queue * RING_BYTES;
}

static void start(uint64_t features)
{
	struct keg_virtio *device = &machine.net.device;

	device->agreed = device->offered & features;
	memset(guest.bytes + RINGS, 0, (size_t)QUEUES * RING_BYTES);
	for (uint32_t i = 0; i < QUEUES; i++) {
		struct keg_virtqueue_layout layout = {
			SIZE, ring_at(i), ring_at(i) + AVAILABLE, ring_at(i) + USED};

		device->queues[i].layout = layout;
		device->queues[i].enabled = true;
		fuzz_check(!keg_virtqueue_open(&device->queues[i].ring, guest.mem, &layout,
			keg_virtio_has(device, KEG_VIRTIO_F_EVENT_IDX),
			keg_virtio_has(device, KEG_VIRTIO_F_INDIRECT_DESC)));
	}
	device->status = 0;
	for (uint32_t i = 0; i < PAIRS; i++) {
		keg_net_rx_start(&machine.net.pairs[i]);
		keg_net_tx_start(&machine.net.pairs[i]);
	}
}

static void make_machine(void)
{
	make_guest();
	memset(&machine, 0, sizeof(machine));
	machine.netdev = (struct keg_netdev){
		&network, {{2}, 1500, PAIRS,
				  UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM |
					  UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4}};
	machine.fd = keg_eventfd_create();
	fuzz_check(machine.fd >= 0);
	fuzz_check(!keg_virtio_net_init(&machine.net, guest.mem, &machine.netdev, SIZE));
}

/* ---- What may happen ---- */

static void poke(struct fuzz_input *input)
{
	uint32_t at = (uint32_t)fuzz_take(input, 2), count = fuzz_take(input, 1) & 31;

	for (uint32_t i = 0; i < count && at + i < MEMORY_BYTES; i++)
		guest.bytes[at + i] = (uint8_t)fuzz_take(input, 1);
}

/* Makes a descriptor, and one chain more available, of which it is the head. */
static void add_chain(struct fuzz_input *input)
{
	uint32_t queue = (uint32_t)fuzz_take(input, 1) % QUEUES;
	uint16_t head = (uint16_t)(fuzz_take(input, 1) % SIZE), index;
	struct vring_desc made = {.addr = BUFFERS + fuzz_take(input, 2),
		.len = (uint32_t)fuzz_take(input, 2),
		.flags = (uint16_t)(fuzz_take(input, 1) & 7),
		.next = (uint16_t)fuzz_take(input, 1)};
	uint8_t *available = guest.bytes + ring_at(queue) + AVAILABLE;

	memcpy(guest.bytes + ring_at(queue) + sizeof(made) * head, &made, sizeof(made));
	memcpy(&index, available + 2, sizeof(index));
	memcpy(available + 4 + 2 * (size_t)(index % SIZE), &head, sizeof(head));
	index++;
	memcpy(available + 2, &index, sizeof(index));
}

static void check(void)
{
	for (uint32_t i = 0; i < QUEUES; i++)
		fuzz_check(machine.net.device.queues[i].ring.in_flight <= SIZE);
	for (uint32_t i = 0; i < PAIRS; i++) {
		const struct keg_net_rx *rx = &machine.net.pairs[i].rx;
		const uint16_t queue = keg_net_rx_queue(&machine.net.pairs[i]);

		fuzz_check(rx->count == machine.net.device.queues[queue].ring.in_flight);
		fuzz_check(rx->iov_first <= rx->iov_end && rx->iov_end <= KEG_NET_IOVECS);
		fuzz_check(rx->bytes ==
			   keg_net_iov_bytes(rx->iov + rx->iov_first, rx->iov_end - rx->iov_first));
	}
}

static void step(struct fuzz_input *input, uint32_t what)
{
	struct keg_net_pair *pair = &machine.net.pairs[what / STEPS % PAIRS];
	bool broken = keg_virtio_is_broken(&machine.net.device);

	what %= STEPS;
	if (what == POKE) {
		poke(input);
	} else if (what == CHAIN) {
		add_chain(input);
	} else if (what == RECEIVE && !broken) {
		pair->rx.ready = true;
		keg_net_serve_rx(pair);
	} else if (what == SEND && !broken) {
		keg_net_serve_tx(pair);
	} else if (what == CONTROL && !broken) {
		keg_net_serve_control(&machine.net);
	} else if (what == FRAME) {
		machine.frame = (uint32_t)fuzz_take(input, 2) + 1;
	} else if (what == BLOCK) {
		machine.blocked = !machine.blocked;
		pair->tx.waiting = false;
	} else if (what == RESET) {
		start(fuzz_take(input, 8));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	make_machine();
	start(fuzz_take(&input, 8));
	while (input.left) {
		step(&input, (uint32_t)fuzz_take(&input, 1));
		if (!keg_virtio_is_broken(&machine.net.device))
			check();
	}
	for (uint32_t i = 0; i < QUEUES; i++)
		machine.net.device.queues[i].enabled = false;
	keg_virtio_net_fini(&machine.net);
	close(machine.fd);
	return 0;
}
