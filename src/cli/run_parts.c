/* SPDX-License-Identifier: MIT */
/* What --disk and --net take between commas. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "ports.h"
#include "run_settings.h"

enum { PORTS = 65536 };

/* ---- Forwards ---- */

static bool parse_port(const char *text, uint16_t *port)
{
	uint64_t value;

	if (!cli_parse_number(text, &value) || value == 0 || value >= PORTS)
		return false;
	*port = (uint16_t)value;
	return true;
}

/* The protocol, if it is there, and what follows it. */
static const char *take_protocol(const char *text, bool *udp)
{
	*udp = strncmp(text, "udp:", 4) == 0;
	return *udp || strncmp(text, "tcp:", 4) == 0 ? text + 4 : text;
}

bool run_parse_forward(const char *text, struct keg_net_forward *forward, char address[RUN_ADDRESS])
{
	char copy[64];
	char *guest, *host = copy, *colon;
	struct in_addr parsed;

	*forward = (struct keg_net_forward){0};
	text = take_protocol(text, &forward->udp);
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy))
		return false;
	guest = strrchr(copy, ':');
	if (!guest)
		return false;
	*guest++ = 0;
	colon = strrchr(copy, ':');
	if (colon) {
		*colon = 0;
		host = colon + 1;
		if (inet_pton(AF_INET, copy, &parsed) != 1)
			return false;
		snprintf(address, RUN_ADDRESS, "%.*s", RUN_ADDRESS - 1, copy);
		forward->host_address = address;
	}
	return parse_port(host, &forward->host_port) && parse_port(guest, &forward->guest_port);
}

static const char *set_forward(const struct cli_option *option, const char *value, void *field)
{
	struct keg_net_forward forward;
	char address[RUN_ADDRESS];

	(void)option;
	*(const char **)field = value;
	return run_parse_forward(value, &forward, address)
		       ? NULL
		       : "[tcp:|udp:][ADDRESS:]HOSTPORT:GUESTPORT, such as 2222:22";
}

/* ---- MAC addresses ---- */

bool run_parse_mac(const char *text, uint8_t mac[6])
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	unsigned int set = 0;

	if (strlen(text) != 17)
		return false;
	for (size_t i = 0; i < 6; i++) {
		const char *high = strchr(digits, text[3 * i]);
		const char *low = strchr(digits, text[3 * i + 1]);

		if (!high || !low || (i < 5 && text[3 * i + 2] != ':'))
			return false;
		mac[i] = (uint8_t)((high - digits) % 16 * 16 + (low - digits) % 16);
		set |= mac[i];
	}
	return set && !(mac[0] & 1); /* IEEE 802, clause 8.2.2: the I/G bit */
}

static const char *set_mac(const struct cli_option *option, const char *value, void *field)
{
	uint8_t mac[6];

	(void)option;
	*(const char **)field = value;
	return run_parse_mac(value, mac) ? NULL : "an address such as 52:54:00:12:34:56";
}

/* ---- Names with a limit ---- */

/* Virtio 1.2, section 5.2.6: 20 bytes. */
static const char *set_serial(const struct cli_option *option, const char *value, void *field)
{
	(void)option;
	*(const char **)field = value;
	return *value && strlen(value) <= 20 ? NULL : "1 to 20 characters";
}

/* IFNAMSIZ, with its NUL. */
static const char *set_interface(const struct cli_option *option, const char *value, void *field)
{
	(void)option;
	*(const char **)field = value;
	return *value && strlen(value) < 16 && !strchr(value, '/')
		       ? NULL
		       : "an interface's name, of 15 characters at most";
}

const char *run_set_port(const struct cli_option *option, const char *value, void *field)
{
	const char *path;

	(void)option;
	*(const char **)field = value;
	return ports_parse(value, &path) ? NULL
					 : "NAME=FILE or NAME=unix:PATH, with a name of 31 "
					   "characters at most";
}

/* ---- The tables ---- */

#define DISK(member) offsetof(struct disk_settings, member)
#define NET(member)  offsetof(struct net_settings, member)

const struct cli_option run_disk_parts[] = {
	{.name = "path",
		.argument = "FILE",
		.set = cli_set_name,
		.field = DISK(path),
		.leading = true},
	{.name = "ro", .set = cli_set_flag, .field = DISK(readonly)},
	{.name = "direct", .set = cli_set_flag, .field = DISK(direct)},
	{.name = "scratch",
		.argument = "FOLDER",
		.argument_optional = true,
		.set = cli_set_optional,
		.field = DISK(scratch)},
	{.name = "threads", .set = cli_set_flag, .field = DISK(threads)},
	{.name = "nosync", .set = cli_set_flag, .field = DISK(nosync)},
	{.name = "queues",
		.argument = "N",
		.set = cli_set_number,
		.field = DISK(queues),
		.least = 1,
		.most = 64},
	{.name = "serial", .argument = "TEXT", .set = set_serial, .field = DISK(serial)},
	{0},
};

const struct cli_option run_net_parts[] = {
	{.name = "user", .set = cli_set_flag, .field = NET(user)},
	{.name = "tap", .argument = "NAME", .set = set_interface, .field = NET(tap)},
	{.name = "none", .set = cli_set_flag, .field = NET(none)},
	{.name = "forward",
		.argument = "HOSTPORT:GUESTPORT",
		.set = set_forward,
		.field = NET(forwards),
		.item_size = sizeof(const char *)},
	{.name = "restrict", .set = cli_set_flag, .field = NET(restricted)},
	{.name = "queues",
		.argument = "N",
		.set = cli_set_number,
		.field = NET(queues),
		.least = 1,
		.most = 16},
	{.name = "mac", .argument = "ADDRESS", .set = set_mac, .field = NET(mac)},
	{.name = "mtu",
		.argument = "BYTES",
		.set = cli_set_number,
		.field = NET(mtu),
		.least = 68, /* RFC 791, page 25; virtio 1.2, section 5.1.4.1 */
		.most = 65535},
	{.name = "no-offloads", .set = cli_set_flag, .field = NET(no_offloads)},
	{0},
};
