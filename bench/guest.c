/* SPDX-License-Identifier: MIT */
/* The guests, by their labels in ARCH/guest.S. */
#include "guest.h"

#define GUEST(name, offset)                                                                        \
	extern const uint8_t name##_begin[], name##_end[];                                         \
	const struct guest name = {name##_begin, name##_end, offset};

GUEST(guest_exits, 0x1000)
GUEST(guest_spin, 0x1100)
GUEST(guest_writes, 0x1200)
