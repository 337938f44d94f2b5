/* SPDX-License-Identifier: MIT */
/* Doorbells, as a device sees them: a write that the board may turn into an eventfd. */
#ifndef KEG_DEV_DOORBELL_H
#define KEG_DEV_DOORBELL_H

#include <keg/irq.h>

/* Without `bind`, or when it fails, every write is an exit, and works as well. */
struct keg_doorbells {
	int (*bind)(void *context, const struct keg_doorbell *doorbell);
	void (*unbind)(void *context, const struct keg_doorbell *doorbell);
	void *context;
};

#endif
