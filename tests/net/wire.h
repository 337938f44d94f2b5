/* SPDX-License-Identifier: MIT */
/* What tests of networks share: frames, made and taken apart by hand. */
#ifndef KEG_TESTS_NET_WIRE_H
#define KEG_TESTS_NET_WIRE_H

#include <errno.h>
#include <linux/virtio_net.h>
#include <poll.h>
#include <time.h>

#include "net/net.h"
#include "testing.h"

enum {
	WIRE_SECONDS = 20,       /* how long a frame may take before the test fails */
	ETHERTYPE_TEST = 0x88b5, /* IEEE 802, "Local Experimental EtherType 1": nobody else's */
};

/* A frame with its header, as it goes through a network. */
struct wire {
	struct virtio_net_hdr_v1 header;
	uint8_t frame[KEG_NET_MAX_FRAME - KEG_NET_HEADER];
	size_t bytes; /* of the frame */
};

static inline uint16_t wire_get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t wire_get32(const uint8_t *at)
{
	return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}

static inline void wire_put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void wire_put32(uint8_t *at, uint32_t value)
{
	wire_put16(at, value >> 16);
	wire_put16(at + 2, value & 0xffff);
}

/* RFC 1071, on top of a sum that was begun. */
static inline uint16_t wire_checksum(const uint8_t *bytes, size_t count, uint32_t sum)
{
	for (size_t i = 0; i + 1 < count; i += 2)
		sum += wire_get16(bytes + i);
	if (count % 2)
		sum += (uint32_t)bytes[count - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static inline uint16_t wire_type(const struct wire *wire)
{
	return wire_get16(wire->frame + 12);
}

static inline ssize_t wire_send(struct keg_netdev *netdev, uint32_t queue, struct wire *wire)
{
	const struct iovec iov[] = {{&wire->header, KEG_NET_HEADER}, {wire->frame, wire->bytes}};

	return keg_netdev_send(netdev, queue, iov, 2);
}

static inline int64_t wire_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* The next frame, or false after `ms` without one. */
static inline bool wire_try_receive(
	struct keg_netdev *netdev, uint32_t queue, struct wire *wire, int ms)
{
	const struct iovec iov[] = {
		{&wire->header, KEG_NET_HEADER}, {wire->frame, sizeof(wire->frame)}};
	struct pollfd wait = {.fd = keg_netdev_fd(netdev, queue), .events = POLLIN};
	const int64_t end = wire_now_ms() + ms;
	ssize_t rc;

	while ((rc = keg_netdev_receive(netdev, queue, iov, 2)) == -EAGAIN) {
		int64_t left = end - wire_now_ms();

		if (left < 0 || poll(&wait, 1, (int)left) == 0)
			return false;
	}
	assert_true(rc >= KEG_NET_HEADER);
	wire->bytes = (size_t)rc - KEG_NET_HEADER;
	return true;
}

/* The next frame of a type; others, such as the kernel's own, are passed over. */
static inline void wire_receive(
	struct keg_netdev *netdev, uint32_t queue, struct wire *wire, uint16_t type)
{
	do {
		if (!wire_try_receive(netdev, queue, wire, WIRE_SECONDS * 1000))
			fail_msg("no frame of type 0x%04x in %d s", type, WIRE_SECONDS);
	} while (wire_type(wire) != type);
}

#endif
