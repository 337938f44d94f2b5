/* SPDX-License-Identifier: MIT */
/* Which system calls are refused, whether there is a network, and the program's streams. */
#ifndef KEG_USER_POLICY_H
#define KEG_USER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "user/syscall.h"

struct keg_policy {
	int16_t refused[KEG_SYSCALL_LIMIT]; /* 0: served; else the errno */
	bool network;
	char *directory; /* to begin in */
};

#endif
