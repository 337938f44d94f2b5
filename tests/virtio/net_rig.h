/* SPDX-License-Identifier: MIT */
/* A network card for tests: on a network whose other end is a socket of the test's. */
#ifndef KEG_TESTS_VIRTIO_NET_RIG_H
#define KEG_TESTS_VIRTIO_NET_RIG_H

#include "driver.h"
#include "net/netdev.h"
#include "virtio/net.h"

enum {
	RIG_PAIRS = 4,
	RIG_HEADER = KEG_NET_HEADER,
	RIG_RX = 0, /* queues */
	RIG_TX = 1,
};

#define RIG_MRG      (UINT64_C(1) << VIRTIO_NET_F_MRG_RXBUF)
#define RIG_CSUM     (UINT64_C(1) << VIRTIO_NET_F_GUEST_CSUM)
#define RIG_TSO4     (UINT64_C(1) << VIRTIO_NET_F_GUEST_TSO4)
#define RIG_MQ       (UINT64_C(1) << VIRTIO_NET_F_MQ | UINT64_C(1) << VIRTIO_NET_F_CTRL_VQ)
#define RIG_OFFLOADS (RIG_CSUM | RIG_TSO4 | UINT64_C(1) << VIRTIO_NET_F_GUEST_ECN)

struct rig {
	struct keg_netdev netdev; /* what the card is on */
	uint64_t features;        /* that were agreed on */
	uint32_t queues;          /* that are used */
	int inner[RIG_PAIRS];     /* the network's sockets */
	int outer[RIG_PAIRS];     /* the test's: a packet is a frame with its header */
	struct keg_virtio_net net;
	struct driver driver;
};

/* A card with as many pairs, before DRIVER_OK. */
void rig_init(struct rig *rig, uint32_t pairs);
void rig_fini(struct rig *rig);
/* Up to DRIVER_OK, with these features. */
void rig_start(struct rig *rig, uint64_t features);

/* Memory of the guest's, in which byte i is (i * 7 + seed). */
keg_gpa rig_fill(struct rig *rig, size_t bytes, uint8_t seed);
/* A frame with its header, of the same. The header is zeros. */
void rig_make_frame(uint8_t *packet, size_t bytes, uint8_t seed);

/* Makes a buffer available for receiving, or a frame for sending, and notifies if asked to. */
void rig_offer(struct rig *rig, uint16_t queue, keg_gpa address, uint32_t bytes);
void rig_give(struct rig *rig, uint16_t queue, const struct driver_buffer *buffers, unsigned count);

/* From outside: sends a frame to the guest, or waits for one of its, and says how long it is. */
void rig_send(struct rig *rig, uint32_t pair, const void *packet, size_t bytes);
size_t rig_receive(struct rig *rig, uint32_t pair, void *packet, size_t room);

#endif
