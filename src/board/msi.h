/* SPDX-License-Identifier: MIT */
/*
 * A device's message-signalled interrupts: each vector that the guest has set up is an eventfd that
 * KVM turns into the message (an irqfd), with nothing of this process in between. Where that cannot
 * be had, for want of a descriptor or a route, KVM is asked to send each message.
 */
#ifndef KEG_BOARD_MSI_H
#define KEG_BOARD_MSI_H

#include "board/routes.h"
#include "dev/msi.h"

struct board_msi_vector {
	int fd; /* -1 until it was first armed */
	uint32_t gsi;
	bool has_gsi;
	bool bound; /* what is written to `fd` sends the message */
	uint64_t address;
	uint32_t data;
};

struct board_msi {
	struct board_routes *routes;
	uint32_t count;
	struct board_msi_vector *vectors;
};

int keg_board_msi_init(struct board_msi *msi, struct board_routes *routes, uint32_t count);
void keg_board_msi_fini(struct board_msi *msi);

/* What the device is given. */
struct keg_msi keg_board_msi_lines(struct board_msi *msi);

#endif
