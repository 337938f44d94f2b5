/* SPDX-License-Identifier: MIT */
/* The entropy device with anything in its queue: it serves, or says that it needs a reset; and it
 * ends. */
#include "virtio/entropy.h"

#include "virtio_memory.h"

enum { READY = 15 };

static void set_address(
	struct keg_virtio *device, enum keg_virtio_queue_field low, uint64_t address)
{
	keg_virtio_set_queue(device, 0, low, (uint32_t)address);
	keg_virtio_set_queue(device, 0, low + 1, (uint32_t)(address >> 32));
}

static void begin(struct keg_virtio *device, uint32_t features, uint32_t size)
{
	const uint32_t available = 16 * size;

	keg_virtio_set_features(device, 0, features << 28);
	keg_virtio_set_features(device, 1, 1);
	keg_virtio_set_queue(device, 0, KEG_VIRTIO_QUEUE_SIZE, size);
	set_address(device, KEG_VIRTIO_QUEUE_DESCRIPTORS_LOW, 0);
	set_address(device, KEG_VIRTIO_QUEUE_AVAILABLE_LOW, available);
	set_address(device, KEG_VIRTIO_QUEUE_USED_LOW, available + 4 * size + 8);
	keg_virtio_set_queue(device, 0, KEG_VIRTIO_QUEUE_ENABLE, 1);
	keg_virtio_set_status(device, READY);
	fuzz_check(keg_virtio_get_status(device) & KEG_VIRTIO_DRIVER_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	const uint32_t what = (uint32_t)fuzz_take(&input, 1);
	struct keg_virtio_entropy entropy;
	struct keg_virtio_counts counts;

	fuzz_check(keg_virtio_entropy_init(&entropy, fuzz_memory_fill(&input)) == 0);
	begin(&entropy.virtio, what & 3, 1U << (what >> 4) % 7);
	keg_virtio_kick(&entropy.virtio, 0);
	/* What it was notified of it serves before it stops. */
	keg_virtio_set_status(&entropy.virtio, 0);
	fuzz_check(keg_virtio_get_status(&entropy.virtio) == 0);
	keg_virtio_count(&entropy.virtio, &counts);
	fuzz_check(counts.bytes_read <= counts.requests << 16);
	keg_virtio_entropy_fini(&entropy);
	return 0;
}
