/* SPDX-License-Identifier: MIT */
/* A request of the block device (virtio 1.2, section 5.2.6): what a chain asks for. */
#include <endian.h>
#include <linux/virtio_blk.h>
#include <string.h>

#include "base/error.h"
#include "virtio/block_parts.h"

enum {
	LATER = -1, /* in place of a status: it is answered when the disk has */
};

/* The header, section 5.2.6. */
struct header {
	uint32_t type;
	uint32_t reserved;
	uint64_t sector;
};

static struct keg_virtio_block *block_of(const struct keg_virtio_block_request *request)
{
	return request->queue->block;
}

static bool is_within(
	const struct keg_virtio_block_request *request, uint64_t sector, uint64_t sectors)
{
	const uint64_t all = block_of(request)->facts.bytes / BLOCK_SECTOR;

	return sector <= all && sectors <= all - sector;
}

static void finish(struct keg_disk_request *disk, int result)
{
	struct keg_virtio_block_request *request = (struct keg_virtio_block_request *)disk;
	struct keg_virtio_queue *counts = keg_virtio_block_counts(request->queue);

	if (!result && disk->op == KEG_DISK_OP_READ)
		counts->bytes_written += disk->bytes;
	if (!result && disk->op == KEG_DISK_OP_WRITE)
		counts->bytes_read += disk->bytes;
	keg_virtio_block_give(request, result ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK);
}

static int submit(struct keg_virtio_block_request *request, enum keg_disk_op op, uint64_t offset,
	uint64_t bytes)
{
	request->disk.op = op;
	request->disk.offset = offset;
	request->disk.bytes = bytes;
	request->disk.durable = atomic_load(&block_of(request)->writes_through);
	request->disk.done = finish;
	keg_disk_submit(request->queue->channel, &request->disk);
	return LATER;
}

static int move(struct keg_virtio_block_request *request, const struct header *header,
	enum keg_disk_op op, uint64_t bytes)
{
	if (bytes % BLOCK_SECTOR || !is_within(request, header->sector, bytes / BLOCK_SECTOR))
		return VIRTIO_BLK_S_IOERR;
	if (!bytes)
		return VIRTIO_BLK_S_OK;
	return submit(request, op, header->sector * BLOCK_SECTOR, bytes);
}

static int read_in(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
	const struct header *header)
{
	uint64_t bytes = chain->writable_bytes - 1;

	request->disk.iov = request->iov + chain->readable;
	request->disk.iov_count = chain->writable;
	/* The last buffer is empty if there was only the status in it. */
	request->disk.iov[chain->writable - 1].iov_len--;
	if (!request->disk.iov[chain->writable - 1].iov_len)
		request->disk.iov_count--;
	request->filled = (uint32_t)bytes;
	return move(request, header, KEG_DISK_OP_READ, bytes);
}

static int write_out(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
	const struct header *header)
{
	struct iovec *iov = request->iov;
	uint32_t count = chain->readable;
	size_t skip = sizeof(*header);

	while (count && skip >= iov->iov_len) {
		skip -= iov->iov_len;
		iov++;
		count--;
	}
	if (count) {
		iov->iov_base = (char *)iov->iov_base + skip;
		iov->iov_len -= skip;
	}
	request->disk.iov = iov;
	request->disk.iov_count = count;
	return move(request, header, KEG_DISK_OP_WRITE, chain->readable_bytes - sizeof(*header));
}

static int flush(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
	const struct header *header)
{
	(void)chain;
	(void)header;
	return submit(request, KEG_DISK_OP_FLUSH, 0, 0);
}

static int get_id(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
	const struct header *header)
{
	const char *serial = block_of(request)->serial;
	uint64_t room = chain->writable_bytes - 1;
	size_t bytes = room < VIRTIO_BLK_ID_BYTES ? (size_t)room : VIRTIO_BLK_ID_BYTES;

	(void)header;
	request->filled = (uint32_t)keg_virtio_chain_write(chain, 0, serial, bytes);
	request->status_follows = room == bytes;
	return VIRTIO_BLK_S_OK;
}

static void next_range(struct keg_virtio_block_request *request, enum keg_disk_op op)
{
	const uint16_t i = request->range++;

	request->disk.unmap = request->todo[i].unmap;
	submit(request, op, request->todo[i].offset, request->todo[i].bytes);
}

/* One range after the other. */
static void finish_range(struct keg_disk_request *disk, int result)
{
	struct keg_virtio_block_request *request = (struct keg_virtio_block_request *)disk;

	if (result || request->range == request->ranges) {
		finish(disk, result);
		return;
	}
	next_range(request, disk->op);
	disk->done = finish_range;
}

/* All ranges are copied and checked before the first is served. */
static int take_range(struct keg_virtio_block_request *request,
	const struct keg_virtio_chain *chain, uint32_t known_flags, uint32_t most)
{
	struct virtio_blk_discard_write_zeroes range;
	const size_t at = sizeof(struct header) + request->ranges * sizeof(range);
	uint32_t sectors, flags;
	uint64_t sector;

	keg_virtio_chain_read(chain, at, &range, sizeof(range));
	sector = le64toh(range.sector);
	sectors = le32toh(range.num_sectors);
	flags = le32toh(range.flags);
	if (flags & ~known_flags)
		return VIRTIO_BLK_S_UNSUPP;
	if (sectors > most || !is_within(request, sector, sectors))
		return VIRTIO_BLK_S_IOERR;
	request->todo[request->ranges].offset = sector * BLOCK_SECTOR;
	request->todo[request->ranges].bytes = (uint64_t)sectors * BLOCK_SECTOR;
	request->todo[request->ranges].unmap = flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	request->ranges++;
	return VIRTIO_BLK_S_OK;
}

static int serve_ranges(struct keg_virtio_block_request *request,
	const struct keg_virtio_chain *chain, enum keg_disk_op op)
{
	const bool zeroes = op == KEG_DISK_OP_WRITE_ZEROES;
	const uint64_t bytes = chain->readable_bytes - sizeof(struct header);
	const uint64_t count = bytes / sizeof(struct virtio_blk_discard_write_zeroes);
	int status = VIRTIO_BLK_S_OK;

	if (!count || count > BLOCK_RANGES ||
		bytes % sizeof(struct virtio_blk_discard_write_zeroes))
		return VIRTIO_BLK_S_IOERR;
	request->range = request->ranges = 0;
	for (uint64_t i = 0; i < count && status == VIRTIO_BLK_S_OK; i++)
		status = take_range(request, chain, zeroes ? VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : 0,
			zeroes ? BLOCK_MAX_ZEROES : BLOCK_MAX_DISCARD);
	if (status != VIRTIO_BLK_S_OK)
		return status;
	next_range(request, op);
	request->disk.done = finish_range;
	return LATER;
}

static int discard(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
	const struct header *header)
{
	(void)header;
	return serve_ranges(request, chain, KEG_DISK_OP_DISCARD);
}

static int write_zeroes(struct keg_virtio_block_request *request,
	const struct keg_virtio_chain *chain, const struct header *header)
{
	(void)header;
	return serve_ranges(request, chain, KEG_DISK_OP_WRITE_ZEROES);
}

static const struct {
	uint32_t type;
	bool changes;     /* what a read-only disk refuses */
	uint64_t feature; /* without which it is unknown */
	int (*serve)(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain,
		const struct header *header);
} types[] = {
	{VIRTIO_BLK_T_IN, false, 0, read_in},
	{VIRTIO_BLK_T_OUT, true, 0, write_out},
	{VIRTIO_BLK_T_FLUSH, false, 0, flush},
	{VIRTIO_BLK_T_GET_ID, false, 0, get_id},
	{VIRTIO_BLK_T_DISCARD, true, UINT64_C(1) << VIRTIO_BLK_F_DISCARD, discard},
	{VIRTIO_BLK_T_WRITE_ZEROES, true, UINT64_C(1) << VIRTIO_BLK_F_WRITE_ZEROES, write_zeroes},
};

static int dispatch(struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain)
{
	struct keg_virtio_block *block = block_of(request);
	struct header header;

	if (keg_virtio_chain_read(chain, 0, &header, sizeof(header)) < sizeof(header))
		return VIRTIO_BLK_S_IOERR;
	header.type = le32toh(header.type);
	header.sector = le64toh(header.sector);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (types[i].type != header.type)
			continue;
		if (types[i].changes && block->facts.readonly)
			return VIRTIO_BLK_S_IOERR;
		if (!keg_virtio_has(&block->device, types[i].feature))
			return VIRTIO_BLK_S_UNSUPP;
		return types[i].serve(request, chain, &header);
	}
	return VIRTIO_BLK_S_UNSUPP;
}

int keg_virtio_block_begin(
	struct keg_virtio_block_request *request, const struct keg_virtio_chain *chain)
{
	const struct iovec *last;
	int status;

	if (!chain->writable)
		return keg_fail(EBADMSG, "a block request has no room for its status");
	last = &request->iov[chain->readable + chain->writable - 1];
	request->head = chain->head;
	request->status = (uint8_t *)last->iov_base + last->iov_len - 1;
	request->filled = 0;
	request->status_follows = true;
	status = dispatch(request, chain);
	if (status != LATER)
		keg_virtio_block_give(request, (uint8_t)status);
	return 0;
}
