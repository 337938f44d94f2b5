/* SPDX-License-Identifier: MIT */
/* The guests, by their labels in ARCH/guest.S. */
#include "guest.h"

#define GUEST(name)                                                                                \
	extern const uint8_t name##_begin[], name##_end[];                                         \
	const struct guest name = {name##_begin, name##_end};

GUEST(guest_exits)
GUEST(guest_spin)
GUEST(guest_writes)
