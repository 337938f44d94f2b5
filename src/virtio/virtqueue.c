/* SPDX-License-Identifier: MIT */
/* Walking a split virtqueue: virtio 1.2, section 2.7. */
#include "virtio/virtqueue.h"

#include <endian.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include <linux/virtio_ring.h>

#include "base/error.h"

/* ---- Single fields of the rings, each loaded or stored once and whole ---- */

static uint16_t load16(const __virtio16 *field)
{
	return le16toh(__atomic_load_n(field, __ATOMIC_RELAXED));
}

static void store16(__virtio16 *field, uint16_t value)
{
	__atomic_store_n(field, htole16(value), __ATOMIC_RELAXED);
}

/* What the driver wrote before it raised the index is seen by whoever sees the index. */
static uint16_t available_index(const struct keg_virtqueue *queue)
{
	const struct vring_avail *available = queue->available;

	return le16toh(__atomic_load_n(&available->idx, __ATOMIC_ACQUIRE));
}

/* Section 2.7.6: the field after the available ring's entries. */
static uint16_t used_event(const struct keg_virtqueue *queue)
{
	const struct vring_avail *available = queue->available;

	return load16(&available->ring[queue->size]);
}

/* Section 2.7.8: the field after the used ring's entries. */
static void set_available_event(struct keg_virtqueue *queue, uint16_t index)
{
	struct vring_used *used = queue->used;

	store16((__virtio16 *)(void *)&used->ring[queue->size], index);
}

/* ---- Opening ---- */

struct ring {
	const char *name;
	keg_gpa address;
	uint64_t bytes;
	uint32_t alignment;
	void **pointer;
};

static int open_ring(struct keg_mem *mem, const struct ring *ring)
{
	int rc;

	if (ring->address % ring->alignment)
		return keg_fail(EINVAL,
			"the %s of a virtqueue is at 0x%" PRIx64 ", no multiple of %" PRIu32,
			ring->name, ring->address, ring->alignment);
	rc = keg_mem_slice(mem, ring->address, ring->bytes, KEG_ACCESS_WRITE, ring->pointer);
	if (rc) {
		(void)keg_fail_within(rc, "the %s of a virtqueue", ring->name);
		return -EFAULT;
	}
	return 0;
}

int keg_virtqueue_open(struct keg_virtqueue *queue, struct keg_mem *mem,
	const struct keg_virtqueue_layout *layout, bool event_idx, bool indirect)
{
	const uint16_t size = layout->size;
	void *descriptors = NULL;
	/* Sizes and alignments of section 2.7; the last two bytes of each ring are the events'. */
	const struct ring rings[] = {
		{"descriptor table", layout->descriptors, sizeof(struct vring_desc) * size,
			VRING_DESC_ALIGN_SIZE, &descriptors},
		{"available ring", layout->available,
			sizeof(struct vring_avail) + sizeof(uint16_t) * size + 2,
			VRING_AVAIL_ALIGN_SIZE, &queue->available},
		{"used ring", layout->used,
			sizeof(struct vring_used) + sizeof(struct vring_used_elem) * size + 2,
			VRING_USED_ALIGN_SIZE, &queue->used},
	};
	int rc;

	memset(queue, 0, sizeof(*queue));
	if (size == 0 || size & (size - 1) || size > KEG_VIRTQUEUE_MAX)
		return keg_fail(EINVAL,
			"a virtqueue of %" PRIu16 " descriptors: that is no power of two up to %d",
			size, KEG_VIRTQUEUE_MAX);
	for (size_t i = 0; i < sizeof(rings) / sizeof(rings[0]); i++) {
		rc = open_ring(mem, &rings[i]);
		if (rc)
			return rc;
	}
	queue->mem = mem;
	queue->size = size;
	queue->event_idx = event_idx;
	queue->indirect = indirect;
	queue->descriptors = descriptors;
	return 0;
}

/* ---- Taking ---- */

/* A descriptor, copied and in the host's byte order. */
struct descriptor {
	uint64_t address;
	uint32_t bytes;
	uint16_t flags, next;
};

/* A table that a chain runs through: the queue's own, or an indirect one. */
struct table {
	const uint8_t *entries; /* the guest's; an indirect one at any alignment */
	uint32_t count;
	uint32_t visited; /* more than there are: it runs in a circle */
	bool indirect;
};

static struct descriptor copy_descriptor(const struct table *table, uint32_t index)
{
	struct vring_desc copy;

	memcpy(&copy, table->entries + sizeof(copy) * index, sizeof(copy));
	/* From here on the compiler may not look at the guest's memory in place of the copy. */
	atomic_signal_fence(memory_order_seq_cst);
	return (struct descriptor){
		le64toh(copy.addr), le32toh(copy.len), le16toh(copy.flags), le16toh(copy.next)};
}

/* A slice of guest memory; the map is searched only where it was not found lately. */
static void *find_slice(
	struct keg_virtqueue *queue, uint64_t address, uint32_t bytes, enum keg_access access)
{
	struct keg_span *near = queue->near;
	void *found = keg_span_slice(&near[0], queue->mem, address, bytes, access);
	struct keg_span other;

	if (__builtin_expect(found != NULL, 1))
		return found;
	other = near[1];
	found = keg_span_slice(&other, queue->mem, address, bytes, access);
	if (!found) {
		if (keg_mem_slice(queue->mem, address, bytes, access, &found) ||
			keg_mem_find_span(queue->mem, address, access, &other))
			return NULL;
	}
	near[1] = near[0];
	near[0] = other;
	return found;
}

/* A buffer of the chain. */
static int add_buffer(struct keg_virtqueue *queue, struct keg_virtio_chain *chain,
	const struct descriptor *descriptor)
{
	const bool writable = descriptor->flags & VRING_DESC_F_WRITE;
	const uint32_t count = (uint32_t)chain->readable + chain->writable;
	uint64_t bytes = chain->readable_bytes + chain->writable_bytes + descriptor->bytes;
	void *base;

	/* Section 2.7.4.2: those that are read come first. */
	if (chain->writable && !writable)
		return keg_fail(EBADMSG, "a buffer to read follows one to write");
	/* No rule forbids an empty one; there is nothing at its address. */
	if (descriptor->bytes == 0)
		return 0;
	/* Section 2.7.5.2 has 2^32 as the most; one less, so that a count of them fits the ring. */
	if (bytes > UINT32_MAX)
		return keg_fail(EBADMSG, "the chain's buffers hold 2^32 bytes or more");
	/* A reasonable limit is the device's to set (section 2.7.4.1). */
	if (count == chain->capacity)
		return keg_fail(
			EBADMSG, "the chain has more than %" PRIu16 " buffers", chain->capacity);
	base = find_slice(queue, descriptor->address, descriptor->bytes,
		writable ? KEG_ACCESS_WRITE : KEG_ACCESS_READ);
	if (!base)
		return keg_fail_within(-EBADMSG, "a buffer of the chain");
	chain->iov[count] = (struct iovec){base, descriptor->bytes};
	*(writable ? &chain->writable : &chain->readable) += 1;
	*(writable ? &chain->writable_bytes : &chain->readable_bytes) += descriptor->bytes;
	return 0;
}

/* Goes on in an indirect table (section 2.7.5.3). */
static int enter_table(
	struct keg_virtqueue *queue, const struct descriptor *descriptor, struct table *table)
{
	const uint32_t count = descriptor->bytes / (uint32_t)sizeof(struct vring_desc);
	void *entries;

	if (!queue->indirect)
		return keg_fail(EBADMSG, "an indirect table, which was not agreed upon");
	if (table->indirect)
		return keg_fail(EBADMSG, "an indirect table within an indirect table");
	if (descriptor->flags & VRING_DESC_F_NEXT)
		return keg_fail(EBADMSG, "a descriptor follows one of an indirect table");
	if (count == 0 || descriptor->bytes % sizeof(struct vring_desc) ||
		count > KEG_VIRTQUEUE_MAX)
		return keg_fail(EBADMSG,
			"an indirect table of %" PRIu32 " bytes: not 1 to %d descriptors of 16",
			descriptor->bytes, KEG_VIRTQUEUE_MAX);
	entries = find_slice(queue, descriptor->address, descriptor->bytes, KEG_ACCESS_READ);
	if (!entries)
		return keg_fail_within(-EBADMSG, "an indirect table");
	*table = (struct table){.entries = entries, .count = count, .indirect = true};
	return 0;
}

static int walk(struct keg_virtqueue *queue, struct keg_virtio_chain *chain)
{
	struct table table = {.entries = queue->descriptors, .count = queue->size};
	struct descriptor descriptor = {.flags = VRING_DESC_F_NEXT, .next = chain->head};
	int rc = 0;

	while (!rc && descriptor.flags & (VRING_DESC_F_NEXT | VRING_DESC_F_INDIRECT)) {
		/* An indirect table begins with its first entry (section 2.7.5.3.2). */
		if (descriptor.flags & VRING_DESC_F_INDIRECT)
			descriptor.next = 0;
		if (descriptor.next >= table.count)
			return keg_fail(EBADMSG, "descriptor %" PRIu16 " of %" PRIu32,
				descriptor.next, table.count);
		if (table.visited++ == table.count)
			return keg_fail(EBADMSG, "the chain runs in a circle");
		descriptor = copy_descriptor(&table, descriptor.next);
		rc = descriptor.flags & VRING_DESC_F_INDIRECT
			     ? enter_table(queue, &descriptor, &table)
			     : add_buffer(queue, chain, &descriptor);
	}
	return rc;
}

/* The next head, which must be none that is in flight. */
static int take_head(struct keg_virtqueue *queue, uint16_t *head)
{
	const struct vring_avail *available = queue->available;
	const uint16_t mask = (uint16_t)(queue->size - 1);

	*head = load16(&available->ring[queue->next_available & mask]);
	if (*head >= queue->size)
		return keg_fail(EBADMSG, "head %" PRIu16 " of %" PRIu16, *head, queue->size);
	if (queue->taken[*head / 64] >> *head % 64 & 1)
		return keg_fail(EBADMSG, "head %" PRIu16 " a second time", *head);
	return 0;
}

int keg_virtqueue_take(struct keg_virtqueue *queue, struct keg_virtio_chain *chain)
{
	const uint16_t ready = (uint16_t)(available_index(queue) - queue->next_available);
	int rc;

	chain->readable = chain->writable = 0;
	chain->readable_bytes = chain->writable_bytes = 0;
	if (ready == 0)
		return 0;
	/* Those that are in flight too hold at least a descriptor each. */
	if ((uint32_t)ready + queue->in_flight > queue->size)
		return keg_fail(EBADMSG,
			"the available ring has %" PRIu16 " new heads, with %" PRIu16
			" in flight, of %" PRIu16,
			ready, queue->in_flight, queue->size);
	rc = take_head(queue, &chain->head);
	if (!rc)
		rc = walk(queue, chain);
	if (rc)
		return rc;
	queue->taken[chain->head / 64] |= UINT64_C(1) << chain->head % 64;
	queue->next_available++;
	queue->in_flight++;
	return 1;
}

/* ---- Giving back ---- */

void keg_virtqueue_put(struct keg_virtqueue *queue, uint16_t head, uint32_t written)
{
	const uint16_t mask = (uint16_t)(queue->size - 1);
	struct vring_used *used = queue->used;
	struct vring_used_elem *entry = &used->ring[queue->next_used & mask];

	__atomic_store_n(&entry->id, htole32(head), __ATOMIC_RELAXED);
	__atomic_store_n(&entry->len, htole32(written), __ATOMIC_RELAXED);
	queue->taken[head / 64] &= ~(UINT64_C(1) << head % 64);
	queue->next_used++;
	queue->in_flight--;
}

void keg_virtqueue_publish(struct keg_virtqueue *queue)
{
	struct vring_used *used = queue->used;

	/* Section 2.7.8.2: what was filled, and the entries, are seen before the index. */
	__atomic_store_n(&used->idx, htole16(queue->next_used), __ATOMIC_RELEASE);
}

void keg_virtqueue_give(struct keg_virtqueue *queue, uint16_t head, uint32_t written)
{
	keg_virtqueue_put(queue, head, written);
	keg_virtqueue_publish(queue);
}

bool keg_virtqueue_must_interrupt(struct keg_virtqueue *queue)
{
	const struct vring_avail *available = queue->available;
	const uint16_t from = queue->notified_used, to = queue->next_used;

	if (from == to)
		return false;
	queue->notified_used = to;
	/* The driver asks, then looks at the index; the index is raised, then looked at what it
	 * asks: one of the two sees the other's (section 2.7.7.2). */
	atomic_thread_fence(memory_order_seq_cst);
	if (!queue->event_idx)
		return !(load16(&available->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(used_event(queue), to, from);
}

bool keg_virtqueue_listen(struct keg_virtqueue *queue)
{
	struct vring_used *used = queue->used;

	if (queue->event_idx)
		set_available_event(queue, queue->next_available);
	else
		store16(&used->flags, 0);
	/* The other way round: section 2.7.10. */
	atomic_thread_fence(memory_order_seq_cst);
	return available_index(queue) != queue->next_available;
}

void keg_virtqueue_hush(struct keg_virtqueue *queue)
{
	struct vring_used *used = queue->used;

	/* With events there is nothing to do: the last one asked for has passed. */
	if (!queue->event_idx)
		store16(&used->flags, VRING_USED_F_NO_NOTIFY);
}
