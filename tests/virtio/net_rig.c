/* SPDX-License-Identifier: MIT */
/* A network card for tests: the network that it is on, and the driver's doings. */
#include "net_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "testing.h"

/* ---- The network ---- */

static int set_features(struct keg_netdev *netdev, uint64_t features)
{
	((struct rig *)netdev)->features = features;
	((struct rig *)netdev)->queues = 1;
	return 0;
}

static int set_queues(struct keg_netdev *netdev, uint32_t queues)
{
	((struct rig *)netdev)->queues = queues;
	return 0;
}

static ssize_t to_outside(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	ssize_t rc = writev(((struct rig *)netdev)->inner[queue], iov, (int)count);

	return rc < 0 ? -errno : rc;
}

static ssize_t from_outside(
	struct keg_netdev *netdev, uint32_t queue, const struct iovec *iov, uint32_t count)
{
	ssize_t rc = readv(((struct rig *)netdev)->inner[queue], iov, (int)count);

	return rc < 0 ? -errno : rc;
}

static int descriptor(const struct keg_netdev *netdev, uint32_t queue)
{
	return ((const struct rig *)netdev)->inner[queue];
}

static const struct keg_netdev_ops ops = {
	.set_features = set_features,
	.set_queues = set_queues,
	.send = to_outside,
	.receive = from_outside,
	.fd = descriptor,
};

/* ---- The card ---- */

void rig_init(struct rig *rig, uint32_t pairs)
{
	const struct timeval limit = {.tv_sec = DRIVER_SECONDS};
	int ends[2];

	memset(rig, 0, sizeof(*rig));
	rig->netdev =
		(struct keg_netdev){&ops, {{2, 'k', 'e', 'g', 0, 1}, 1500, pairs, RIG_OFFLOADS}};
	for (uint32_t i = 0; i < pairs; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends), 0);
		rig->inner[i] = ends[0];
		rig->outer[i] = ends[1];
		/* The test's waits, but not for ever. */
		assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0);
		setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		setsockopt(ends[1], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	}
	driver_init(&rig->driver, 16 << 20);
	assert_ok(keg_virtio_net_init(&rig->net, rig->driver.memory.mem, &rig->netdev, 0));
}

void rig_fini(struct rig *rig)
{
	driver_reset(&rig->driver);
	keg_virtio_net_fini(&rig->net);
	rig->driver.device = NULL;
	driver_fini(&rig->driver);
	for (uint32_t i = 0; i < rig->netdev.facts.queues; i++) {
		close(rig->inner[i]);
		close(rig->outer[i]);
	}
}

void rig_start(struct rig *rig, uint64_t features)
{
	driver_start(&rig->driver, &rig->net.device, features);
}

void rig_make_frame(uint8_t *packet, size_t bytes, uint8_t seed)
{
	memset(packet, 0, RIG_HEADER);
	for (size_t i = RIG_HEADER; i < bytes; i++)
		packet[i] = (uint8_t)(i * 7 + seed);
}

keg_gpa rig_fill(struct rig *rig, size_t bytes, uint8_t seed)
{
	keg_gpa address = driver_alloc(&rig->driver, bytes, 1);

	rig_make_frame(driver_host(&rig->driver, address, bytes), bytes, seed);
	return address;
}

void rig_give(struct rig *rig, uint16_t queue, const struct driver_buffer *buffers, unsigned count)
{
	const uint16_t before = rig->driver.queues[queue].published;

	driver_add(&rig->driver, queue, buffers, count);
	driver_publish(&rig->driver, queue);
	if (driver_must_kick(&rig->driver, queue, before))
		driver_kick(&rig->driver, queue);
}

void rig_offer(struct rig *rig, uint16_t queue, keg_gpa address, uint32_t bytes)
{
	const struct driver_buffer buffer = {address, bytes, queue % 2 == RIG_RX};

	rig_give(rig, queue, &buffer, 1);
}

void rig_send(struct rig *rig, uint32_t pair, const void *packet, size_t bytes)
{
	assert_int_equal(send(rig->outer[pair], packet, bytes, 0), bytes);
}

size_t rig_receive(struct rig *rig, uint32_t pair, void *packet, size_t room)
{
	ssize_t rc = recv(rig->outer[pair], packet, room, 0);

	if (rc < 0)
		fail_msg("no frame has come in %d s: status 0x%x (%s)", DRIVER_SECONDS,
			keg_virtio_get_status(&rig->net.device), rig->net.device.broken);
	return (size_t)rc;
}
