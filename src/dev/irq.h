/* SPDX-License-Identifier: MIT */
/* An interrupt line, as a device sees it: whose input it is, only the board knows. */
#ifndef KEG_DEV_IRQ_H
#define KEG_DEV_IRQ_H

#include <stdbool.h>

/*
 * `set` gets the level, not the edge. Devices call it with their own lock held, so that levels
 * arrive in the order in which they came about: it must not call the device that it belongs to, nor
 * wait for another thread that does. A line without `set` leads nowhere.
 */
struct keg_irq {
	void (*set)(void *context, bool high);
	void *context;
};

static inline void keg_irq_set(const struct keg_irq *irq, bool high)
{
	if (irq->set)
		irq->set(irq->context, high);
}

#endif
