/* SPDX-License-Identifier: MIT */
/*
 * MSI-X (PCI Local Bus 3.0, section 6.8.2): a function's table of messages, each of which the guest
 * may mask, and the bits that say which are waiting.
 *
 * Threads: any, any number at once; sends of different vectors do not wait for each other.
 */
#ifndef KEG_DEV_MSIX_H
#define KEG_DEV_MSIX_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dev/msi.h"
#include "dev/pci.h"

enum {
	KEG_MSIX_VECTORS = 2048, /* most that there can be */
	KEG_MSIX_ENTRY_BYTES = 16,
};

struct keg_msix_vector {
	pthread_mutex_t lock; /* for `armed`, `pending` and sending */
	bool armed;           /* msi.set was told to send `address` and `data` */
	bool pending;
	uint64_t address;
	uint32_t data;
	uint32_t entry[KEG_MSIX_ENTRY_BYTES / 4]; /* as the guest wrote it; the table's lock */
};

struct keg_msix {
	struct keg_msi msi;
	uint32_t count;
	struct keg_msix_vector *vectors;
	uint8_t capability; /* where it is in configuration space */

	pthread_mutex_t lock; /* the table; taken before a vector's */
	_Atomic bool enabled;
	bool masked; /* the whole function */
};

/* With `count` vectors, 1 to KEG_MSIX_VECTORS, all masked. -EINVAL, -ENOMEM */
int keg_msix_init(struct keg_msix *msix, const struct keg_msi *msi, uint32_t count);
/* Nothing is sent any more: vectors that were armed are not. */
void keg_msix_fini(struct keg_msix *msix);

/* How long the table and the pending bits are, from what keg_msix_init() was given. */
uint32_t keg_msix_table_bytes(const struct keg_msix *msix);
uint32_t keg_msix_pending_bytes(const struct keg_msix *msix);

/* The capability, for a function whose BAR `bar` has the table and the pending bits at these
 * offsets, multiples of 8. Returns what keg_pci_add_capability() does. */
int keg_msix_add(struct keg_msix *msix, struct keg_pci_function *function, uint8_t bar,
	uint32_t table, uint32_t pending);

/* To be called by the function's after_write hook: enables and masks as the guest has said. */
void keg_msix_config_written(struct keg_msix *msix, const struct keg_pci_function *function,
	uint32_t offset, uint32_t bytes);

/* Accesses to the table and to the pending bits, 1 to 8 bytes. Beyond their ends they read as 0,
 * and ignore writes; the pending bits cannot be written at all. */
uint64_t keg_msix_read_table(struct keg_msix *msix, uint64_t offset, uint32_t bytes);
void keg_msix_write_table(struct keg_msix *msix, uint64_t offset, uint64_t value, uint32_t bytes);
uint64_t keg_msix_read_pending(struct keg_msix *msix, uint64_t offset, uint32_t bytes);

/* Whether the guest uses MSI-X, rather than the interrupt line. */
static inline bool keg_msix_enabled(const struct keg_msix *msix)
{
	return atomic_load_explicit(&msix->enabled, memory_order_acquire);
}

/* Sends a message, that of vector `index`: now, or when the guest unmasks it. A vector that is none
 * is ignored. */
void keg_msix_send(struct keg_msix *msix, uint32_t index);

#endif
