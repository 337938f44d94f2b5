/* SPDX-License-Identifier: MIT */
/* Ethernet frames: a bounded queue of them, and a look into one. */
#include "net/frames.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "net/net.h"

enum { ROOM = 1 << 20 };

int keg_frames_init(struct keg_frames *frames)
{
	frames->bytes = malloc(ROOM);
	return frames->bytes ? 0 : keg_fail(ENOMEM, "a queue of frames: out of memory");
}

void keg_frames_fini(struct keg_frames *frames)
{
	free(frames->bytes);
	frames->bytes = NULL;
}

void keg_frames_clear(struct keg_frames *frames)
{
	frames->head = frames->tail = 0;
}

int keg_frames_put(struct keg_frames *frames, const void *bytes, size_t count)
{
	uint32_t length = (uint32_t)count;

	if (count > KEG_NET_MAX_FRAME) {
		frames->dropped++;
		return -EMSGSIZE;
	}
	if (frames->head && ROOM - frames->tail < sizeof(length) + count) {
		memmove(frames->bytes, frames->bytes + frames->head, frames->tail - frames->head);
		frames->tail -= frames->head;
		frames->head = 0;
	}
	if (ROOM - frames->tail < sizeof(length) + count) {
		frames->dropped++;
		return -ENOBUFS;
	}
	memcpy(frames->bytes + frames->tail, &length, sizeof(length));
	memcpy(frames->bytes + frames->tail + sizeof(length), bytes, count);
	frames->tail += sizeof(length) + count;
	return 0;
}

/* Puts bytes into buffers from `offset` on; returns how many there was room for. */
static size_t scatter(
	const struct iovec *iov, uint32_t count, size_t offset, const uint8_t *from, size_t bytes)
{
	size_t done = 0;

	for (uint32_t i = 0; i < count && done < bytes; i++) {
		size_t part = iov[i].iov_len;

		if (offset >= part) {
			offset -= part;
			continue;
		}
		part -= offset;
		if (part > bytes - done)
			part = bytes - done;
		memcpy((uint8_t *)iov[i].iov_base + offset, from + done, part);
		done += part;
		offset = 0;
	}
	return done;
}

ssize_t keg_frames_take(struct keg_frames *frames, const struct iovec *iov, uint32_t count)
{
	static const uint8_t header[KEG_NET_HEADER];
	size_t written;
	uint32_t length;

	if (keg_frames_is_empty(frames))
		return -EAGAIN;
	memcpy(&length, frames->bytes + frames->head, sizeof(length));
	frames->head += sizeof(length);
	written = scatter(iov, count, 0, header, sizeof(header));
	written += scatter(iov, count, sizeof(header), frames->bytes + frames->head, length);
	frames->head += length;
	if (keg_frames_is_empty(frames))
		keg_frames_clear(frames);
	return (ssize_t)written;
}

static bool opens_tcp(const uint8_t *tcp, size_t bytes)
{
	enum { FLAGS = 13, SYN = 2, ACK = 16 }; /* RFC 9293, section 3.1 */

	return bytes > FLAGS && (tcp[FLAGS] & (SYN | ACK)) == SYN;
}

bool keg_frame_opens(const uint8_t *frame, size_t bytes)
{
	const uint8_t *ip = frame + ETHER_HDR_LEN;
	uint16_t type;
	size_t left;

	if (bytes < ETHER_HDR_LEN + 20)
		return false;
	left = bytes - ETHER_HDR_LEN;
	type = (uint16_t)(frame[12] << 8 | frame[13]);
	if (type == ETHERTYPE_IP) {
		size_t header = (size_t)(ip[0] & 15) * 4; /* RFC 791, section 3.1: words */

		if (ip[9] != IPPROTO_TCP)
			return true;
		return header < left && opens_tcp(ip + header, left - header);
	}
	if (type != ETHERTYPE_IPV6)
		return false;
	/* RFC 8200, section 3. One with extension headers is taken for one that opens. */
	if (left <= 40 || ip[6] != IPPROTO_TCP)
		return true;
	return opens_tcp(ip + 40, left - 40);
}

bool keg_frame_is_fragment(const uint8_t *frame, size_t bytes)
{
	enum { FRAGMENT = 6, MORE = 0x2000, OFFSET = 0x1fff }; /* RFC 791, section 3.1 */
	const uint8_t *ip = frame + ETHER_HDR_LEN;

	return bytes >= ETHER_HDR_LEN + 20 && (frame[12] << 8 | frame[13]) == ETHERTYPE_IP &&
	       (ip[FRAGMENT] << 8 | ip[FRAGMENT + 1]) & (MORE | OFFSET);
}
