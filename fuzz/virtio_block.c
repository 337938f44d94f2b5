/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the block device: the input is requests, in buffers of any kind. Each is answered once or
 * breaks the device, with a status that there is, and the image neither grows nor shrinks.
 */
#include <endian.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <keg/mem.h>

#include "fuzzing.h"
#include "kvm/vm.h"
#include "virtio/block_parts.h"

enum {
	MEMORY_BYTES = 1 << 18,
	DISK_BYTES = 1 << 16,
	SIZE = 16,
	DESCRIPTORS = 0, /* where things are in guest memory */
	AVAILABLE = 0x1000,
	USED = 0x2000,
	HEADER = 0x3000,
	DATA = 0x4000,
};

static struct {
	struct keg_vm vm;
	struct keg_mem *mem;
	uint8_t *host;
	int image;
	struct keg_disk *disk;
	struct keg_virtio_block block;
	struct keg_virtio_block_queue *queue;
} guest;

static void make_guest(void)
{
	struct keg_virtio_block_config config = {.queue_size = SIZE};
	char path[32];
	struct keg_disk_config disk = {.size = sizeof(disk), .path = path};
	void *host;

	guest.vm.fd = -1;
	fuzz_check(!pthread_mutex_init(&guest.vm.lock, NULL));
	fuzz_check(!pthread_mutex_init(&guest.vm.tables_lock, NULL));
	fuzz_check(!keg_mem_create(&guest.vm, &guest.mem));
	fuzz_check(!keg_mem_add_ram(guest.mem, 0, MEMORY_BYTES));
	fuzz_check(!keg_mem_slice(guest.mem, 0, MEMORY_BYTES, KEG_ACCESS_WRITE, &host));
	guest.host = host;
	guest.image = memfd_create("image", MFD_CLOEXEC);
	fuzz_check(guest.image >= 0 && !ftruncate(guest.image, DISK_BYTES));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", guest.image);
	fuzz_check(!keg_disk_open(&disk, &guest.disk));
	fuzz_check(!keg_virtio_block_init(&guest.block, guest.mem, guest.disk, &config));
	guest.queue = &guest.block.queues[0];
	fuzz_check(!keg_disk_channel_open(guest.disk, SIZE, &guest.queue->channel));
}

/* As the driver and the core do; the queue's thread is this one. */
static void begin(struct fuzz_input *input)
{
	struct keg_virtqueue_layout layout = {SIZE, DESCRIPTORS, AVAILABLE, USED};
	struct keg_virtio *device = &guest.block.device;

	memset(guest.host, 0, DATA);
	device->agreed = device->offered & ~(fuzz_take(input, 2) << 9);
	fuzz_check(!keg_virtqueue_open(&device->queues[0].ring, guest.mem, &layout, false, true));
}

static struct vring_desc take_buffer(struct fuzz_input *input)
{
	static const uint32_t lengths[] = {
		0, 1, 15, 16, 17, 511, 512, 513, 1024, 4096, 65536, 65552, 32, 20, 256, 257};
	uint32_t what = (uint32_t)fuzz_take(input, 1);
	uint64_t at = what & 0x40 ? HEADER + (what >> 4 & 1) : DATA + fuzz_take(input, 2);

	if (what & 0x20)
		at = fuzz_take(input, 8);
	return (struct vring_desc){
		.addr = htole64(at),
		.len = htole32(lengths[what & 15]),
		.flags = htole16(what & 0x80 ? VRING_DESC_F_WRITE : 0),
	};
}

/* A chain of all descriptors from 0 on, whose header is from the input too. */
static void add_request(struct fuzz_input *input, uint16_t index)
{
	struct vring_desc *descriptors = (struct vring_desc *)(void *)(guest.host + DESCRIPTORS);
	struct vring_avail *available = (struct vring_avail *)(void *)(guest.host + AVAILABLE);
	uint32_t count = 1 + (uint32_t)fuzz_take(input, 1) % SIZE;
	uint64_t words[6] = {fuzz_take(input, 1), fuzz_take(input, 8), fuzz_take(input, 2),
		fuzz_take(input, 4), fuzz_take(input, 2), fuzz_take(input, 4)};

	memcpy(guest.host + HEADER, words, sizeof(words));
	for (uint32_t i = 0; i < count; i++) {
		descriptors[i] = take_buffer(input);
		descriptors[i].next = htole16((uint16_t)(i + 1));
		if (i + 1 < count)
			descriptors[i].flags |= htole16(VRING_DESC_F_NEXT);
	}
	available->ring[index % SIZE] = 0;
	__atomic_store_n(&available->idx, htole16((uint16_t)(index + 1)), __ATOMIC_RELEASE);
}

/* Returns whether the device still serves. */
static bool serve_request(void)
{
	struct keg_virtio_block_queue *queue = guest.queue;
	struct keg_virtqueue *ring = &guest.block.device.queues[0].ring;
	struct keg_virtio_block_request *request =
		&queue->requests[queue->free[queue->free_count - 1]];
	struct keg_virtio_chain chain = {.iov = request->iov, .capacity = BLOCK_BUFFERS};
	const int wake[2] = {guest.block.device.queues[0].kick, queue->stop};
	int rc = keg_virtqueue_take(ring, &chain);
	uint64_t room = chain.writable_bytes;

	fuzz_check(rc != 0);
	if (rc < 0)
		return false;
	queue->free_count--;
	request->queue = queue;
	if (keg_virtio_block_begin(request, &chain)) {
		fuzz_check(chain.writable == 0);
		queue->free_count++;
		return false;
	}
	while (queue->free_count < queue->request_count)
		fuzz_check(keg_disk_channel_wait(queue->channel, wake, true) >= 0);
	keg_virtqueue_publish(ring);
	fuzz_check(ring->in_flight == 0 && request->filled < room);
	/* A status in the used ring has been overwritten since. */
	if (request->status - guest.host < USED || request->status - guest.host >= HEADER)
		fuzz_check(*request->status <= VIRTIO_BLK_S_UNSUPP);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct stat st;
	bool serves = true;

	if (!guest.disk)
		make_guest();
	begin(&input);
	for (uint16_t i = 0; input.left && serves; i++) {
		add_request(&input, i);
		serves = serve_request();
	}
	fuzz_check(guest.queue->free_count == guest.queue->request_count);
	fuzz_check(!fstat(guest.image, &st) && st.st_size == DISK_BYTES);
	return 0;
}
