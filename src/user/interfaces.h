/* SPDX-License-Identifier: MIT */
/* netdevice(7): the requests of ioctl(2) by which programs look at network interfaces. */
#ifndef KEG_USER_INTERFACES_H
#define KEG_USER_INTERFACES_H

#include <stdint.h>

#include "user/files.h"

struct keg_task;

/* 0, or a negative errno; -ENOTTY it is no such request, no socket, or there is no network. */
int64_t keg_interface_ioctl(
	struct keg_task *task, struct keg_file *file, uint32_t request, uint64_t argument);

#endif
