/* SPDX-License-Identifier: MIT */
/* Eventfds: how one thread tells another that waits in poll(2). */
#ifndef KEG_CLI_EVENT_H
#define KEG_CLI_EVENT_H

#include <stdint.h>
#include <unistd.h>

/* It fails only when it is set 2^64 times over. */
static inline void event_set(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

static inline void event_clear(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) < 0)
		return; /* it was not set */
}

#endif
