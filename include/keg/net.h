/* SPDX-License-Identifier: MIT */
/* Networks: what a machine's network card is connected to. */
#ifndef KEG_NET_H
#define KEG_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum keg_net_kind {
	KEG_NET_USER, /* a network within this process, which needs no privilege (libslirp): the
			 guest is 10.0.2.15 by DHCP, the host 10.0.2.2, a name server 10.0.2.3 */
	KEG_NET_TAP,  /* a tap interface of the host's */
};

/* A port of the host's that leads to one of the guest's (KEG_NET_USER). */
struct keg_net_forward {
	bool udp;
	const char *host_address; /* IPv4; NULL for 127.0.0.1 */
	uint16_t host_port;
	uint16_t guest_port;
};

enum keg_net_flags {
	KEG_NET_RESTRICT = 1 << 0,    /* KEG_NET_USER: forwards only, nothing outwards */
	KEG_NET_NO_OFFLOADS = 1 << 1, /* KEG_NET_TAP: neither checksums nor segmentation */
};

struct keg_net_config {
	size_t size; /* sizeof(struct keg_net_config) */
	enum keg_net_kind kind;
	const char *tap; /* KEG_NET_TAP: the interface's name; made if it is not there */
	int tap_fd;      /* or, if not 0, an open tap descriptor, which becomes keg's */
	const struct keg_net_forward *forwards;
	size_t forward_count;
	uint8_t mac[6];  /* zeros: one that keg makes up, locally administered */
	uint16_t mtu;    /* at least 68; 0: the tap's own, or 1500 */
	uint32_t queues; /* pairs; 0 for 1; KEG_NET_TAP: to 16 */
	uint32_t flags;  /* of enum keg_net_flags */
};

#ifdef __cplusplus
}
#endif

#endif
