/* SPDX-License-Identifier: MIT */
/*
 * Datagrams of IPv4 that a guest sends in parts, put together again (RFC 791, section 3.2) before
 * libslirp sees them: some builds of its own doing so write where they should not when the last
 * part comes first.
 */
#ifndef KEG_NET_FRAGMENTS_H
#define KEG_NET_FRAGMENTS_H

#include <stddef.h>
#include <stdint.h>

struct keg_datagram;

/* A few datagrams at a time: of more, the oldest is given up. */
struct keg_fragments {
	struct keg_datagram *datagrams;
};

int keg_fragments_init(struct keg_fragments *fragments);
void keg_fragments_fini(struct keg_fragments *fragments);
void keg_fragments_clear(struct keg_fragments *fragments);

/*
 * Takes a frame for which keg_frame_is_fragment() holds. When it completes a datagram, that is put
 * into `whole`, of KEG_NET_MAX_FRAME bytes, as one frame: its bytes, or 0. Parts that contradict
 * each other are given up together (RFC 5722 has the reasons, for IPv6).
 */
size_t keg_fragments_add(struct keg_fragments *fragments, const uint8_t *frame, size_t bytes,
	int64_t now_ns, uint8_t *whole);

#endif
