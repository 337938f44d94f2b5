/* SPDX-License-Identifier: MIT */
/* A board's virtio devices, made from its configuration. */
#ifndef KEG_BOARD_VIRTIO_H
#define KEG_BOARD_VIRTIO_H

#include "board/board.h"
#include "virtio/block.h"
#include "virtio/console.h"
#include "virtio/device.h"
#include "virtio/entropy.h"
#include "virtio/net.h"

enum { BOARD_VIRTIO_MOST = 30 }; /* what a PCI bus has room for, beside its bridge */

struct board_virtio {
	char name[32]; /* "disk0" */
	struct keg_virtio *device;
	void (*fini)(struct board_virtio *virtio);
	union {
		struct keg_virtio_block block;
		struct keg_virtio_net net;
		struct keg_virtio_console console;
		struct keg_virtio_entropy entropy;
	};
	/* What is behind it. */
	struct keg_disk *disk;
	struct keg_netdev *netdev;
	/* What the platform has attached it with. */
	void *attachment;
};

struct board_virtios {
	size_t count;
	struct board_virtio *console; /* or NULL */
	struct board_virtio *items[BOARD_VIRTIO_MOST];
};

/* Makes all devices of the board's configuration and attaches them; or none. */
int keg_board_virtios_create(struct keg_board *board);

/* Stops their threads and releases them, whatever of them was made. */
void keg_board_virtios_destroy(struct keg_board *board);

#endif
