/* SPDX-License-Identifier: MIT */
/* The entropy device (virtio 1.2, section 5.4): random bytes, from the host's kernel. */
#ifndef KEG_VIRTIO_ENTROPY_H
#define KEG_VIRTIO_ENTROPY_H

#include "base/loop.h"
#include "virtio/device.h"

struct keg_virtio_entropy {
	struct keg_virtio virtio;
	struct keg_loop loop;
	struct keg_loop_source kick;
};

int keg_virtio_entropy_init(struct keg_virtio_entropy *entropy, struct keg_mem *mem);
void keg_virtio_entropy_fini(struct keg_virtio_entropy *entropy);

#endif
