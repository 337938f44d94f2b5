/* SPDX-License-Identifier: MIT */
/* Ethernet frames: a bounded queue of them, and a look into one. */
#ifndef KEG_NET_FRAMES_H
#define KEG_NET_FRAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

/* First in, first out. Memory is touched only as far as frames have piled up. */
struct keg_frames {
	uint8_t *bytes;
	size_t head, tail;
	uint64_t dropped; /* for want of room */
};

int keg_frames_init(struct keg_frames *frames);
void keg_frames_fini(struct keg_frames *frames);
void keg_frames_clear(struct keg_frames *frames);

static inline bool keg_frames_is_empty(const struct keg_frames *frames)
{
	return frames->head == frames->tail;
}

/* -ENOBUFS there is no room for it. */
int keg_frames_put(struct keg_frames *frames, const void *bytes, size_t count);

/* Takes the first: a header of virtio's that is zeros, and the frame, as far as the buffers reach.
 * The bytes written, or -EAGAIN there is none. */
ssize_t keg_frames_take(struct keg_frames *frames, const struct iovec *iov, uint32_t count);

/* Whether a frame may begin a conversation: all of IP but TCP without SYN, or with SYN and ACK. */
bool keg_frame_opens(const uint8_t *frame, size_t bytes);

/* Whether it is a part of a datagram of IPv4, which is put together from several. */
bool keg_frame_is_fragment(const uint8_t *frame, size_t bytes);

#endif
