/* SPDX-License-Identifier: MIT */
/*
 * A guest on a network, as small as a test needs: ARP, IPv4, ICMP echo, UDP and TCP. Nothing is
 * sent twice: a network without loss is part of what is tested.
 */
#ifndef KEG_TESTS_NET_GUEST_H
#define KEG_TESTS_NET_GUEST_H

#include "wire.h"

enum {
	GUEST_CONNECTIONS = 64,
	GUEST_SEGMENT = 1400,
	GUEST_WINDOW = 60000,

	IP_ICMP = 1,
	IP_TCP = 6,
	IP_UDP = 17,
};

#define GUEST_ADDRESS 0x0a00020fU /* 10.0.2.15 */
#define GATEWAY       0x0a000202U
#define NAME_SERVER   0x0a000203U

struct connection {
	uint16_t own_port, port;
	uint32_t address;
	uint32_t sent, acknowledged, expected; /* sequence numbers: next, oldest, its next */
	uint32_t window;
	bool open, refused, finished; /* it has answered; it has sent RST, FIN */
	uint8_t *out, *in;            /* the caller's */
	size_t out_bytes, out_done, in_room, in_done;
	bool echo; /* sends what it receives: `out` is `in` */
};

struct guest {
	struct keg_netdev *netdev;
	uint8_t mac[6], gateway[6];
	bool has_gateway;
	struct connection connections[GUEST_CONNECTIONS];
	uint32_t count;
	uint16_t listens; /* a port; whoever connects has what he sends back */
	uint8_t *echo_room;
	size_t echo_bytes;
	struct wire wire; /* the last frame that came */
	struct wire out;
	uint8_t *payload; /* of the last ICMP message or UDP datagram that came; or NULL */
	size_t payload_bytes;
	uint8_t protocol;
	uint16_t from_port;
	uint32_t from;
};

/* Learns who the gateway is. */
void guest_init(struct guest *guest, struct keg_netdev *netdev);

/* Takes the next frame in, for which it waits so long. False: none came. */
bool guest_take(struct guest *guest, int ms);

void guest_send_udp(struct guest *guest, uint32_t from, uint16_t own_port, uint32_t to,
	uint16_t port, const void *payload, size_t bytes);
void guest_ping(struct guest *guest, uint32_t to, uint16_t number);
/* Waits for a datagram or message, whose payload is noted. */
void guest_wait_for(struct guest *guest, uint8_t protocol);

/* Begins a connection. */
struct connection *guest_connect(struct guest *guest, uint32_t to, uint16_t port);
/* Sends as much of what is to be sent as the other side takes. */
void guest_push(struct guest *guest, struct connection *connection);
void guest_finish(struct guest *guest, struct connection *connection);

#endif
