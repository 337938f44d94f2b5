/* SPDX-License-Identifier: MIT */
/*
 * A virtqueue over memory in which anything may be: what is taken lies in memory, where it may be
 * written if it is to be, is within its bounds, and ends.
 */
#include "virtio/virtqueue.h"

#include "virtio_memory.h"

enum { CAPACITY = 24, MOST_CHAINS = 300 };

/* The layout: 2^(0 to 7) descriptors, the rings behind them; sometimes somewhere else. */
static struct keg_virtqueue_layout take_layout(struct fuzz_input *input)
{
	const uint32_t what = (uint32_t)fuzz_take(input, 1);
	struct keg_virtqueue_layout layout = {.size = (uint16_t)(1U << (what & 7))};

	layout.available = UINT64_C(16) * layout.size;
	layout.used = layout.available + UINT64_C(4) * layout.size + 8;
	if (what & 8)
		layout.descriptors = fuzz_take(input, 3) & ~UINT64_C(15);
	if (what & 16)
		layout.available = fuzz_take(input, 3) & ~UINT64_C(1);
	if (what & 32)
		layout.used = fuzz_take(input, 3) & ~UINT64_C(3);
	return layout;
}

static void check_buffers(const struct iovec *iov, uint16_t count, uint64_t bytes, bool writable)
{
	for (uint16_t i = 0; i < count; i++) {
		fuzz_check(iov[i].iov_len != 0);
		fuzz_check(fuzz_memory_has(iov[i].iov_base, iov[i].iov_len, writable));
		bytes -= iov[i].iov_len;
	}
	fuzz_check(bytes == 0);
}

static void check_chain(const struct keg_virtqueue *queue, const struct keg_virtio_chain *chain)
{
	fuzz_check(chain->head < queue->size);
	fuzz_check(chain->readable + chain->writable <= CAPACITY);
	fuzz_check(chain->readable_bytes + chain->writable_bytes <= UINT32_MAX);
	check_buffers(chain->iov, chain->readable, chain->readable_bytes, false);
	check_buffers(chain->iov + chain->readable, chain->writable, chain->writable_bytes, true);
}

/* Takes all that there is. The device's own writes may change the rings, and what follows. */
static void serve(struct keg_virtqueue *queue)
{
	struct iovec iov[CAPACITY];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = CAPACITY};
	uint8_t bytes[32];
	size_t read, wrote;

	for (int i = 0; i < MOST_CHAINS && keg_virtqueue_take(queue, &chain) > 0; i++) {
		check_chain(queue, &chain);
		read = keg_virtio_chain_read(&chain, (size_t)i, bytes, sizeof(bytes));
		fuzz_check(read <= sizeof(bytes) && read <= chain.readable_bytes);
		wrote = keg_virtio_chain_write(&chain, (size_t)i, bytes, read);
		fuzz_check(wrote <= read && wrote <= chain.writable_bytes);
		/* Some stay in flight. */
		if (i % 4 != 3)
			keg_virtqueue_give(queue, chain.head, (uint32_t)wrote);
		fuzz_check(queue->in_flight <= queue->size);
		(void)keg_virtqueue_must_interrupt(queue);
		(void)keg_virtqueue_listen(queue);
		keg_virtqueue_hush(queue);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	const uint32_t what = (uint32_t)fuzz_take(&input, 1);
	const struct keg_virtqueue_layout layout = take_layout(&input);
	struct keg_virtqueue queue;

	if (keg_virtqueue_open(&queue, fuzz_memory_fill(&input), &layout, what & 1, what & 2) == 0)
		serve(&queue);
	return 0;
}
