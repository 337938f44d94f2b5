/* SPDX-License-Identifier: MIT */
/* A virtio device that says what it is told. */
#include "toy.h"

#include "testing.h"

#include <keg/irq.h>

#include "base/error.h"

enum { BATCH = 16, PIECE = 512, MOST_BYTES = 1 << 20 };

/* Copies what fits, in pieces; returns how much that was. */
static uint32_t echo(const struct keg_virtio_chain *chain)
{
	uint8_t piece[PIECE];
	size_t done = 0, read, wrote;

	do {
		read = keg_virtio_chain_read(chain, done, piece, sizeof(piece));
		wrote = keg_virtio_chain_write(chain, done, piece, read);
		done += wrote;
	} while (wrote == PIECE && done < MOST_BYTES);
	return (uint32_t)done;
}

static int serve(struct toy_queue *own, struct keg_virtio_queue *queue)
{
	struct keg_virtio_chain chain = {.iov = own->iov, .capacity = TOY_CAPACITY};
	int rc = keg_virtqueue_take(&queue->ring, &chain);

	if (rc <= 0)
		return rc;
	queue->requests++;
	queue->bytes_read += chain.readable_bytes;
	keg_virtqueue_give(&queue->ring, chain.head, echo(&chain));
	return 1;
}

static void serve_queue(void *context, uint32_t events)
{
	struct toy_queue *own = context;
	struct keg_virtio_queue *queue = &own->virtio->queues[own->index];
	bool more = true;
	int rc = 0;

	(void)events;
	(void)keg_eventfd_drain(queue->kick);
	if (keg_virtio_is_broken(own->virtio))
		return;
	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH && more; i++) {
		rc = serve(own, queue);
		if (rc < 0)
			break;
		more = rc > 0 || keg_virtqueue_listen(&queue->ring);
	}
	keg_virtio_interrupt(own->virtio, own->index);
	if (rc < 0)
		keg_virtio_break(own->virtio, keg_error_message());
	else if (more)
		(void)keg_eventfd_signal(queue->kick);
}

static int start(struct keg_virtio *virtio)
{
	struct toy *toy = (struct toy *)virtio;

	if (toy->start_error)
		return keg_fail(toy->start_error, "the toy does not want to");
	toy->starts++;
	for (int i = 0; i < TOY_QUEUES; i++) {
		if (virtio->queues[i].enabled)
			assert_ok(keg_loop_add(&toy->loop, &toy->queues[i].kick, EPOLLIN));
	}
	return keg_loop_start(&toy->loop, "toy");
}

static void stop(struct keg_virtio *virtio)
{
	struct toy *toy = (struct toy *)virtio;

	toy->stops++;
	keg_loop_stop(&toy->loop);
	for (int i = 0; i < TOY_QUEUES; i++) {
		if (virtio->queues[i].enabled)
			keg_loop_remove(&toy->loop, &toy->queues[i].kick);
	}
}

static void write_config(
	struct keg_virtio *virtio, uint32_t offset, const void *bytes, uint32_t count)
{
	struct toy *toy = (struct toy *)virtio;

	assert_true(count >= 1 && offset + count <= TOY_CONFIG_BYTES);
	toy->config_writes++;
	toy->last_write = offset;
	toy->last_count = count;
	memcpy(toy->config + offset, bytes, count);
}

static const struct keg_virtio_class toy_class = {"toy", TOY_ID, start, stop, write_config};

void toy_init(struct toy *toy, struct keg_mem *mem)
{
	const struct keg_virtio_config config = {
		.class = &toy_class,
		.mem = mem,
		.features = TOY_FEATURE,
		.queue_count = TOY_QUEUES,
		.queue_size = TOY_QUEUE_SIZE,
		.doorbells = 1,
		.config = toy->config,
		.config_bytes = TOY_CONFIG_BYTES,
	};

	memset(toy, 0, sizeof(*toy));
	assert_ok(keg_virtio_init(&toy->virtio, &config));
	assert_ok(keg_loop_init(&toy->loop));
	for (uint16_t i = 0; i < TOY_QUEUES; i++) {
		toy->queues[i].virtio = &toy->virtio;
		toy->queues[i].index = i;
		toy->queues[i].kick = (struct keg_loop_source){
			toy->virtio.queues[i].kick, serve_queue, &toy->queues[i]};
	}
	for (uint8_t i = 0; i < TOY_CONFIG_BYTES; i++)
		toy->config[i] = (uint8_t)(0xc0 + i);
}

void toy_fini(struct toy *toy)
{
	keg_virtio_fini(&toy->virtio);
	keg_loop_fini(&toy->loop);
}
