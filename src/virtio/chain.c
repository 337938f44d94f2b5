/* SPDX-License-Identifier: MIT */
/* Copying to and from the buffers of a chain. */
#include <string.h>

#include "virtio/virtqueue.h"

/* The next piece of `bytes` bytes at `offset` of buffers that begin at *iov; the iovec is left
 * behind once it is used up. */
struct cursor {
	const struct iovec *iov;
	size_t count;
	size_t offset;
};

static size_t next_piece(struct cursor *cursor, size_t bytes, uint8_t **piece)
{
	size_t room;

	while (cursor->count && cursor->offset >= cursor->iov->iov_len) {
		cursor->offset -= cursor->iov->iov_len;
		cursor->iov++;
		cursor->count--;
	}
	if (!cursor->count)
		return 0;
	room = cursor->iov->iov_len - cursor->offset;
	*piece = (uint8_t *)cursor->iov->iov_base + cursor->offset;
	cursor->offset += bytes < room ? bytes : room;
	return bytes < room ? bytes : room;
}

size_t keg_virtio_chain_read(
	const struct keg_virtio_chain *chain, size_t offset, void *to, size_t bytes)
{
	struct cursor cursor = {chain->iov, chain->readable, offset};
	uint8_t *piece = NULL;
	size_t done = 0, part;

	while (done < bytes && (part = next_piece(&cursor, bytes - done, &piece)) > 0) {
		memcpy((uint8_t *)to + done, piece, part);
		done += part;
	}
	return done;
}

size_t keg_virtio_chain_write(
	const struct keg_virtio_chain *chain, size_t offset, const void *from, size_t bytes)
{
	struct cursor cursor = {chain->iov + chain->readable, chain->writable, offset};
	uint8_t *piece = NULL;
	size_t done = 0, part;

	while (done < bytes && (part = next_piece(&cursor, bytes - done, &piece)) > 0) {
		memcpy(piece, (const uint8_t *)from + done, part);
		done += part;
	}
	return done;
}
