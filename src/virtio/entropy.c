/* SPDX-License-Identifier: MIT */
/* The entropy device: fills buffers with random bytes. */
#include "virtio/entropy.h"

#include <string.h>
#include <sys/random.h>

#include <keg/irq.h>

#include "base/error.h"

enum {
	DEVICE_ID = 4,
	QUEUE_SIZE = 64,
	/*
	 * Bytes that one chain gets. The driver must be content with fewer than it has room for
	 * (section 5.4.6.1), and a thread that is asked for 4 GiB at once cannot be stopped.
	 */
	MOST_BYTES = 64 << 10,
	/* Chains between looks at whether to stop: a driver that never stops adding is no reason
	 * not to. */
	BATCH = QUEUE_SIZE,
};

/* Fills the chain's buffers; returns how many bytes it was, or a negative errno. */
static int fill(const struct keg_virtio_chain *chain)
{
	const struct iovec *iov = chain->iov + chain->readable;
	size_t done = 0, part;
	ssize_t got;

	for (uint16_t i = 0; i < chain->writable && done < MOST_BYTES; i++) {
		part = MOST_BYTES - done < iov[i].iov_len ? MOST_BYTES - done : iov[i].iov_len;
		got = getrandom(iov[i].iov_base, part, 0);
		if (got < 0)
			return keg_fail_errno(errno, "asking for %zu random bytes", part);
		done += (size_t)got;
		/* Bytes count from the start: what is left out cannot be followed by more. */
		if ((size_t)got < part)
			break;
	}
	return (int)done;
}

/* Serves one chain. 1, or 0 if there is none; a negative errno is the end. */
static int serve(struct keg_virtio_queue *queue)
{
	struct iovec iov[QUEUE_SIZE];
	struct keg_virtio_chain chain = {.iov = iov, .capacity = QUEUE_SIZE};
	int rc = keg_virtqueue_take(&queue->ring, &chain), bytes;

	if (rc <= 0)
		return rc;
	bytes = fill(&chain);
	if (bytes < 0)
		return bytes;
	/* Nothing to write into: section 5.4.6.1 has every buffer writable. */
	*(bytes ? &queue->requests : &queue->errors) += 1;
	queue->bytes_written += (uint64_t)bytes;
	keg_virtqueue_give(&queue->ring, chain.head, (uint32_t)bytes);
	return 1;
}

static void serve_queue(void *context, uint32_t events)
{
	struct keg_virtio *virtio = context;
	struct keg_virtio_queue *queue = &virtio->queues[0];
	bool more = true;
	int rc = 0;

	(void)events;
	(void)keg_eventfd_drain(queue->kick);
	if (keg_virtio_is_broken(virtio))
		return;
	keg_virtqueue_hush(&queue->ring);
	for (int i = 0; i < BATCH && more; i++) {
		rc = serve(queue);
		if (rc < 0)
			break;
		more = rc > 0 || keg_virtqueue_listen(&queue->ring);
	}
	keg_virtio_interrupt(virtio, 0);
	if (rc < 0)
		keg_virtio_break(virtio, keg_error_message());
	else if (more)
		(void)keg_eventfd_signal(queue->kick); /* on with the next batch */
}

static int start(struct keg_virtio *virtio)
{
	struct keg_virtio_entropy *entropy = (struct keg_virtio_entropy *)virtio;

	/* What was published before it was ready may never be notified again. */
	(void)keg_eventfd_signal(virtio->queues[0].kick);
	return virtio->queues[0].enabled ? keg_loop_start(&entropy->loop, "virtio-entropy") : 0;
}

static void stop(struct keg_virtio *virtio)
{
	keg_loop_stop(&((struct keg_virtio_entropy *)virtio)->loop);
}

static const struct keg_virtio_class entropy_class = {
	.name = "entropy",
	.id = DEVICE_ID,
	.start = start,
	.stop = stop,
};

int keg_virtio_entropy_init(struct keg_virtio_entropy *entropy, struct keg_mem *mem)
{
	const struct keg_virtio_config config = {
		.class = &entropy_class,
		.mem = mem,
		.queue_count = 1,
		.queue_size = QUEUE_SIZE,
	};
	int rc;

	memset(entropy, 0, sizeof(*entropy));
	rc = keg_virtio_init(&entropy->virtio, &config);
	if (rc)
		return rc;
	rc = keg_loop_init(&entropy->loop);
	if (rc)
		goto out;
	entropy->kick = (struct keg_loop_source){
		entropy->virtio.queues[0].kick, serve_queue, &entropy->virtio};
	rc = keg_loop_add(&entropy->loop, &entropy->kick, EPOLLIN);
	if (rc)
		keg_loop_fini(&entropy->loop);
out:
	if (rc)
		keg_virtio_fini(&entropy->virtio);
	return rc;
}

void keg_virtio_entropy_fini(struct keg_virtio_entropy *entropy)
{
	if (!entropy->virtio.class)
		return;
	keg_virtio_fini(&entropy->virtio);
	keg_loop_fini(&entropy->loop);
}
