/* SPDX-License-Identifier: MIT */
/*
 * A network of the host's: frames go in and come out. Each has a header of virtio's before it
 * (struct virtio_net_hdr_v1, 12 bytes), so that offloads pass through where the host has them.
 *
 * Threads: one thread serves a queue pair; different ones may run at once. keg_netdev_set_queues()
 * is called by any of them, the rest only while none serves. Serving threads block SIGPIPE.
 */
#ifndef KEG_NET_NET_H
#define KEG_NET_NET_H

#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <keg/net.h>

enum {
	KEG_NET_HEADER = 12,
	KEG_NET_MAX_QUEUES = 16, /* pairs */
	/* The longest frame with its header: 64 KiB of IP in one segment (virtio 1.2, section
	 * 5.1.6.3.1, has 65550 bytes for it), and room for VLAN tags. */
	KEG_NET_MAX_FRAME = KEG_NET_HEADER + 65550 + 8,
};

struct keg_netdev;

/* Opens what the configuration names. Errors say what to do. */
int keg_netdev_open(const struct keg_net_config *config, struct keg_netdev **netdev);
void keg_netdev_close(struct keg_netdev *netdev);

struct keg_netdev_facts {
	uint8_t mac[6];
	uint16_t mtu;
	uint32_t queues;   /* pairs */
	uint64_t features; /* VIRTIO_NET_F_ offloads that it can have (section 5.1.3) */
};
void keg_netdev_get_facts(const struct keg_netdev *netdev, struct keg_netdev_facts *facts);

/* The driver agreed to these features of them: offloads are set accordingly, frames that came for
 * its predecessor are gone, and one pair is used. */
int keg_netdev_set_features(struct keg_netdev *netdev, uint64_t features);

/* Frames come through this many pairs from now on: 1 to facts.queues. */
int keg_netdev_set_queues(struct keg_netdev *netdev, uint32_t queues);

/* Sends a frame, header first, of a queue pair. Bytes taken; -EAGAIN it would block; another
 * negative errno: the frame is lost. Never a message: it is the guest's frame that is bad. */
ssize_t keg_netdev_send(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count);

/* Receives the next frame into buffers; what does not fit is cut off. Its bytes, header included
 * and as many as were written; -EAGAIN there is none now; another negative errno: neither. */
ssize_t keg_netdev_receive(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count);

/*
 * A descriptor to wait for, in poll(2) or epoll: readable when frames may have come, and when the
 * network itself has work for keg_netdev_receive() to do; writable when it may send. It may be
 * waited for edge-triggered, once keg_netdev_receive() has answered -EAGAIN.
 */
int keg_netdev_fd(const struct keg_netdev *netdev, uint32_t queue);

/* A random address that is locally administered and no group's (IEEE 802, clause 8.4). */
int keg_net_make_mac(uint8_t mac[6]);

#endif
