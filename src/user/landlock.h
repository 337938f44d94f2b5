/* SPDX-License-Identifier: MIT */
/*
 * Landlock, and what the headers of Debian 12 (Linux 6.1) lack of it.
 * Source: Linux, Documentation/userspace-api/landlock.rst.
 */
#ifndef KEG_USER_LANDLOCK_H
#define KEG_USER_LANDLOCK_H

#include <linux/landlock.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ULL << 15)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP
#define LANDLOCK_ACCESS_NET_BIND_TCP    (1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP (1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL               (1ULL << 1)
#endif

/* struct landlock_ruleset_attr as it is since ABI 6; older kernels take the beginning of it. */
struct keg_landlock_ruleset {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};

/* Rights that are of files; the others are of directories. */
#define KEG_LANDLOCK_FILE                                                                          \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                              \
		LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE |                       \
		LANDLOCK_ACCESS_FS_IOCTL_DEV)
#define KEG_LANDLOCK_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* All that this kernel can restrict, but the network if it is allowed: how many bytes of *set the
 * kernel knows; 0 without Landlock. */
size_t keg_landlock_handled(bool network, struct keg_landlock_ruleset *set);

struct keg_user;

/* A descriptor of rules that leave what the sandbox is shown; -1 without Landlock. What the kernel
 * says */
int keg_landlock_rules(const struct keg_user *user, int *rules);

#endif
