/* SPDX-License-Identifier: MIT */
/* A guest on a network: RFC 826, 791, 792, 768 and 9293, as far as a test needs them. */
#include "guest.h"

enum {
	ETHERNET = 14,
	ARP = 0x0806,
	IP = 0x0800,
	FIN = 1,
	SYN = 2,
	RST = 4,
	PSH = 8,
	ACK = 16,
};

/* ---- Sending ---- */

static void begin_frame(struct guest *guest, const uint8_t *to, uint16_t type)
{
	memset(&guest->out.header, 0, sizeof(guest->out.header));
	memcpy(guest->out.frame, to, 6);
	memcpy(guest->out.frame + 6, guest->mac, 6);
	wire_put16(guest->out.frame + 12, type);
}

static void send_frame(struct guest *guest, size_t bytes)
{
	guest->out.bytes = bytes;
	assert_int_equal(wire_send(guest->netdev, 0, &guest->out), KEG_NET_HEADER + bytes);
}

static void send_arp(struct guest *guest, uint16_t operation, const uint8_t *to, uint32_t address)
{
	static const uint8_t all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint8_t *arp = guest->out.frame + ETHERNET;

	begin_frame(guest, to ? to : all, ARP);
	memset(arp, 0, 28);
	memcpy(arp, "\0\1\10\0\6\4", 6);
	wire_put16(arp + 6, operation);
	memcpy(arp + 8, guest->mac, 6);
	wire_put32(arp + 14, GUEST_ADDRESS);
	if (to)
		memcpy(arp + 18, to, 6);
	wire_put32(arp + 24, address);
	send_frame(guest, ETHERNET + 28);
}

/* Puts IPv4's header before `bytes` bytes that lie behind it, and sends it all. */
static void send_ip(struct guest *guest, uint8_t protocol, uint32_t from, uint32_t to, size_t bytes)
{
	uint8_t *ip = guest->out.frame + ETHERNET;

	begin_frame(guest,
		to == UINT32_MAX ? (const uint8_t *)"\xff\xff\xff\xff\xff\xff" : guest->gateway,
		IP);
	memset(ip, 0, 20);
	ip[0] = 0x45;
	wire_put16(ip + 2, (uint32_t)(20 + bytes));
	ip[8] = 64;
	ip[9] = protocol;
	wire_put32(ip + 12, from);
	wire_put32(ip + 16, to);
	wire_put16(ip + 10, wire_checksum(ip, 20, 0));
	send_frame(guest, ETHERNET + 20 + bytes);
}

static uint8_t *ip_payload(struct wire *wire)
{
	return wire->frame + ETHERNET + 20;
}

static uint32_t pseudo_header(uint32_t from, uint32_t to, uint8_t protocol, size_t bytes)
{
	return (from >> 16) + (from & 0xffff) + (to >> 16) + (to & 0xffff) + protocol +
	       (uint32_t)bytes;
}

void guest_send_udp(struct guest *guest, uint32_t from, uint16_t own_port, uint32_t to,
	uint16_t port, const void *payload, size_t bytes)
{
	uint8_t *udp = ip_payload(&guest->out);

	wire_put16(udp, own_port);
	wire_put16(udp + 2, port);
	wire_put16(udp + 4, (uint32_t)(8 + bytes));
	wire_put16(udp + 6, 0);
	memcpy(udp + 8, payload, bytes);
	wire_put16(
		udp + 6, wire_checksum(udp, 8 + bytes, pseudo_header(from, to, IP_UDP, 8 + bytes)));
	send_ip(guest, IP_UDP, from, to, 8 + bytes);
}

void guest_ping(struct guest *guest, uint32_t to, uint16_t number)
{
	uint8_t *icmp = ip_payload(&guest->out);

	memset(icmp, 0, 64);
	icmp[0] = 8;
	wire_put16(icmp + 4, 0x6b67);
	wire_put16(icmp + 6, number);
	wire_put16(icmp + 2, wire_checksum(icmp, 64, 0));
	send_ip(guest, IP_ICMP, GUEST_ADDRESS, to, 64);
}

static void send_segment(
	struct guest *guest, struct connection *c, uint8_t flags, const uint8_t *data, size_t bytes)
{
	uint8_t *tcp = ip_payload(&guest->out);

	memset(tcp, 0, 20);
	wire_put16(tcp, c->own_port);
	wire_put16(tcp + 2, c->port);
	wire_put32(tcp + 4, c->sent);
	wire_put32(tcp + 8, flags & ACK ? c->expected : 0);
	tcp[12] = 5 << 4;
	tcp[13] = flags;
	wire_put16(tcp + 14, GUEST_WINDOW);
	if (bytes)
		memcpy(tcp + 20, data, bytes);
	wire_put16(tcp + 16, wire_checksum(tcp, 20 + bytes,
				     pseudo_header(GUEST_ADDRESS, c->address, IP_TCP, 20 + bytes)));
	c->sent += (uint32_t)bytes + !!(flags & (SYN | FIN));
	send_ip(guest, IP_TCP, GUEST_ADDRESS, c->address, 20 + bytes);
}

void guest_push(struct guest *guest, struct connection *c)
{
	while (c->open && c->out_done < c->out_bytes) {
		size_t part = c->out_bytes - c->out_done;

		part = part < GUEST_SEGMENT ? part : GUEST_SEGMENT;
		if (c->sent - c->acknowledged + part > c->window)
			return;
		send_segment(guest, c, ACK | PSH, c->out + c->out_done, part);
		c->out_done += part;
	}
}

static struct connection *new_connection(
	struct guest *guest, uint16_t own_port, uint32_t address, uint16_t port)
{
	struct connection *c = &guest->connections[guest->count];

	assert_true(guest->count++ < GUEST_CONNECTIONS);
	*c = (struct connection){.own_port = own_port,
		.port = port,
		.address = address,
		.sent = guest->count << 24,
		.acknowledged = guest->count << 24};
	return c;
}

struct connection *guest_connect(struct guest *guest, uint32_t to, uint16_t port)
{
	struct connection *c = new_connection(guest, (uint16_t)(40000 + guest->count), to, port);

	send_segment(guest, c, SYN, NULL, 0);
	return c;
}

void guest_finish(struct guest *guest, struct connection *c)
{
	send_segment(guest, c, ACK | FIN, NULL, 0);
}

/* ---- Taking in ---- */

static void take_arp(struct guest *guest, const uint8_t *arp)
{
	bool asked = wire_get16(arp + 6) == 1 && wire_get32(arp + 24) == GUEST_ADDRESS;

	if (wire_get32(arp + 14) == GATEWAY) {
		memcpy(guest->gateway, arp + 8, 6);
		guest->has_gateway = true;
	}
	if (asked)
		send_arp(guest, 2, arp + 8, wire_get32(arp + 14));
}

static struct connection *find_connection(
	struct guest *guest, uint16_t own_port, uint32_t address, uint16_t port)
{
	for (uint32_t i = 0; i < guest->count; i++) {
		struct connection *c = &guest->connections[i];

		if (c->own_port == own_port && c->port == port && c->address == address)
			return c;
	}
	return NULL;
}

static void accept_connection(struct guest *guest, uint32_t from, const uint8_t *tcp)
{
	struct connection *c = new_connection(guest, guest->listens, from, wire_get16(tcp));

	c->expected = wire_get32(tcp + 4) + 1;
	c->window = wire_get16(tcp + 14);
	c->echo = true;
	c->in = c->out = guest->echo_room;
	c->in_room = guest->echo_bytes;
	send_segment(guest, c, SYN | ACK, NULL, 0);
}

static void take_data(struct guest *guest, struct connection *c, const uint8_t *tcp,
	const uint8_t *data, size_t bytes)
{
	/* In order, or it is said again what is expected. */
	if (wire_get32(tcp + 4) != c->expected || bytes > c->in_room - c->in_done) {
		send_segment(guest, c, ACK, NULL, 0);
		return;
	}
	if (bytes)
		memcpy(c->in + c->in_done, data, bytes);
	c->in_done += bytes;
	c->expected += (uint32_t)bytes + (tcp[13] & FIN);
	c->finished = c->finished || tcp[13] & FIN;
	if (c->echo)
		c->out_bytes = c->in_done;
	send_segment(guest, c, ACK, NULL, 0);
}

static void take_tcp(struct guest *guest, uint32_t from, const uint8_t *tcp, size_t bytes)
{
	struct connection *c = find_connection(guest, wire_get16(tcp + 2), from, wire_get16(tcp));
	size_t header = (size_t)(tcp[12] >> 4) * 4;

	assert_true(header <= bytes);
	if (!c && tcp[13] & SYN && wire_get16(tcp + 2) == guest->listens)
		accept_connection(guest, from, tcp);
	if (!c)
		return;
	c->refused = c->refused || tcp[13] & RST;
	if (tcp[13] & ACK) {
		c->acknowledged = wire_get32(tcp + 8);
		c->window = wire_get16(tcp + 14);
		c->open = true;
	}
	if (tcp[13] & SYN) {
		c->expected = wire_get32(tcp + 4) + 1;
		send_segment(guest, c, ACK, NULL, 0);
	} else if (bytes > header || tcp[13] & FIN) {
		take_data(guest, c, tcp, tcp + header, bytes - header);
	}
	guest_push(guest, c);
}

static void take_ip(struct guest *guest, uint8_t *ip)
{
	size_t header = (size_t)(ip[0] & 15) * 4, bytes = wire_get16(ip + 2) - header;
	uint8_t *payload = ip + header;

	assert_true(header + bytes + ETHERNET <= guest->wire.bytes);
	assert_int_equal(wire_checksum(ip, header, 0), 0);
	guest->from = wire_get32(ip + 12);
	guest->protocol = ip[9];
	if (ip[9] == IP_TCP) {
		assert_int_equal(
			wire_checksum(payload, bytes,
				pseudo_header(guest->from, wire_get32(ip + 16), IP_TCP, bytes)),
			0);
		take_tcp(guest, guest->from, payload, bytes);
		return;
	}
	guest->payload = payload + (ip[9] == IP_UDP ? 8 : 0);
	guest->payload_bytes = bytes - (ip[9] == IP_UDP ? 8 : 0);
	guest->from_port = wire_get16(payload);
}

bool guest_take(struct guest *guest, int ms)
{
	guest->payload = NULL;
	if (!wire_try_receive(guest->netdev, 0, &guest->wire, ms))
		return false;
	assert_true(guest->wire.bytes >= ETHERNET);
	if (wire_type(&guest->wire) == ARP)
		take_arp(guest, guest->wire.frame + ETHERNET);
	else if (wire_type(&guest->wire) == IP)
		take_ip(guest, guest->wire.frame + ETHERNET);
	return true;
}

void guest_wait_for(struct guest *guest, uint8_t protocol)
{
	do {
		if (!guest_take(guest, WIRE_SECONDS * 1000))
			fail_msg("nothing of protocol %u in %d s", protocol, WIRE_SECONDS);
	} while (!guest->payload || guest->protocol != protocol);
}

void guest_init(struct guest *guest, struct keg_netdev *netdev)
{
	memset(guest, 0, sizeof(*guest));
	guest->netdev = netdev;
	memcpy(guest->mac, "\2keg\0\7", 6);
	send_arp(guest, 1, NULL, GATEWAY);
	while (!guest->has_gateway)
		assert_true(guest_take(guest, WIRE_SECONDS * 1000));
}
