/* SPDX-License-Identifier: MIT */
/* Message-signalled interrupts, as a device sees them: where messages go, only the board knows. */
#ifndef KEG_DEV_MSI_H
#define KEG_DEV_MSI_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The vectors of one function. Both may be called in any thread, `set` by one at a time, and must
 * not call the device they belong to. Without `set` there are no messages.
 */
struct keg_msi {
	/*
	 * From now on vector `vector` sends `data` to `address`; not `armed`: it sends nothing,
	 * because the guest has masked it or turned it off. May fail, with a message.
	 */
	int (*set)(void *context, uint32_t vector, bool armed, uint64_t address, uint32_t data);
	/* Sends an armed vector's message. */
	void (*send)(void *context, uint32_t vector);
	void *context;
};

#endif
