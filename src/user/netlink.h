/* SPDX-License-Identifier: MIT */
/*
 * Sockets of rtnetlink(7), for programs that look which interfaces, addresses and routes the host
 * has: getifaddrs(3), if_nameindex(3), ip(8). They are keg's own. What a program sends is read by
 * keg, and never reaches the host; keg asks the host in words of its own, of which the program
 * chooses one of three and an address family, by one socket of NETLINK_ROUTE, which is made before
 * keg gives up making such. So of all of netlink's parsers in the host's kernel the program reaches
 * none. (To compose the answers from /proc and /sys would take more: files that Landlock would have
 * to leave reachable, and a parser for each; and they would be other answers.)
 *
 * What a program's socket gets is written to one end of a pair of AF_UNIX; its descriptor is the
 * other: waiting, peeking and polling are the host's.
 */
#ifndef KEG_USER_NETLINK_H
#define KEG_USER_NETLINK_H

#include <linux/rtnetlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/files.h"
#include "user/sockets.h"

struct keg_task;
struct keg_user;
struct keg_netlinks; /* of a sandbox */

#define KEG_NETLINK_MOST    (1u << 20) /* bytes of answers that wait for a socket to have room */
#define KEG_NETLINK_REQUEST 8192       /* the longest that is read */
#define KEG_NETLINK_SOCKETS 64         /* in a sandbox */

/* ---- netlink.c: the program's sockets ---- */

/* Made as socket(2) does; takes no descriptor. -ENOBUFS there are too many */
int keg_netlink_create(struct keg_task *task, int flags, struct keg_file **file);
bool keg_file_is_netlink(const struct keg_file *file);
int keg_netlink_bind(
	struct keg_task *task, struct keg_file *file, const struct keg_address *address);
/* Its name, or the kernel's, who sends all that it receives. */
void keg_netlink_name(const struct keg_file *file, bool own, struct keg_address *address);
/* Whether that address is the kernel's: 0, or why nothing can be sent there. */
int keg_netlink_check(const struct keg_address *address);
/* Requests; the answers are there when it returns. How many bytes, or a negative errno. */
ssize_t keg_netlink_send(
	struct keg_task *task, struct keg_file *file, const void *from, size_t length);
/* Something was received: there may be room for more. */
void keg_netlink_pump(struct keg_file *file);

/* ---- netlink_host.c: what the host answers ---- */

/* Datagrams, one behind the other: four bytes of length, and as many of data. */
struct keg_answers {
	uint8_t *at;
	size_t from, to, room;
};
/* A datagram more. -ENOBUFS, -ENOMEM */
int keg_answers_add(struct keg_answers *answers, const void *data, size_t length);
/* The first; NULL: there is none. */
uint8_t *keg_answers_first(const struct keg_answers *answers, uint32_t *length);
void keg_answers_drop_first(struct keg_answers *answers);
void keg_answers_free(struct keg_answers *answers);

/* The sandbox's, with a socket of the host's: made by keg_user_confine(), or when it is needed.
 * NULL and *result: why not. */
struct keg_netlinks *keg_netlinks_of(struct keg_user *user, int *result);
void keg_netlinks_destroy(struct keg_netlinks *netlinks); /* NULL is allowed */
/* A socket of a program's more, or one less; -ENOBUFS */
int keg_netlinks_count(struct keg_netlinks *netlinks, int change);
/* A name for a socket that asks for none. */
uint32_t keg_netlinks_port(struct keg_netlinks *netlinks, uint32_t pid);
/* All that the host has of a kind, by RTM_GETLINK, RTM_GETADDR or RTM_GETROUTE, as answers to
 * `request`, which only its type, family and number are taken from. -EOPNOTSUPP another type */
int keg_netlinks_ask(struct keg_netlinks *netlinks, const struct nlmsghdr *request, uint8_t family,
	uint32_t port, struct keg_answers *answers);

#endif
