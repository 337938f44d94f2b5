/* SPDX-License-Identifier: MIT */
/* MSI-X: the table, the pending bits, and when a message is sent. */
#include "dev/msix.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Words of a table's entry (PCI 3.0, section 6.8.2.6 and those after it). */
enum { ADDRESS_LOW, ADDRESS_HIGH, DATA, CONTROL };

enum {
	CONTROL_MASKED = 1 << 0, /* the only bit of that word that is not reserved */

	/* The capability (figure 6-11). */
	MESSAGE_CONTROL = 2,
	MESSAGE_CONTROL_MASKED = 1 << 14,
	MESSAGE_CONTROL_ENABLED = 1 << 15,
	TABLE = 4,
	PENDING = 8,
	CAPABILITY_BYTES = 12,
};

static void destroy_locks(struct keg_msix *msix, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		pthread_mutex_destroy(&msix->vectors[i].lock);
}

static int init_locks(struct keg_msix *msix)
{
	int error = pthread_mutex_init(&msix->lock, NULL);

	if (error)
		return keg_fail_errno(error, "making a lock for MSI-X");
	for (uint32_t i = 0; i < msix->count; i++) {
		error = pthread_mutex_init(&msix->vectors[i].lock, NULL);
		if (error) {
			destroy_locks(msix, i);
			pthread_mutex_destroy(&msix->lock);
			return keg_fail_errno(error, "making a lock for an MSI-X vector");
		}
	}
	return 0;
}

int keg_msix_init(struct keg_msix *msix, const struct keg_msi *msi, uint32_t count)
{
	int rc;

	memset(msix, 0, sizeof(*msix));
	if (!count || count > KEG_MSIX_VECTORS)
		return keg_fail(EINVAL, "MSI-X cannot have %" PRIu32 " vectors", count);
	msix->msi = *msi;
	msix->count = count;
	msix->vectors = calloc(count, sizeof(*msix->vectors));
	if (!msix->vectors)
		return keg_fail_errno(ENOMEM, "making %" PRIu32 " MSI-X vectors", count);
	for (uint32_t i = 0; i < count; i++)
		msix->vectors[i].entry[CONTROL] = CONTROL_MASKED;
	rc = init_locks(msix);
	if (rc) {
		free(msix->vectors);
		msix->vectors = NULL;
	}
	return rc;
}

static void set(struct keg_msix *msix, uint32_t index, bool armed)
{
	struct keg_msix_vector *vector = &msix->vectors[index];

	vector->armed = armed;
	if (msix->msi.set)
		(void)msix->msi.set(msix->msi.context, index, armed, vector->address, vector->data);
}

static void send(struct keg_msix *msix, uint32_t index)
{
	if (msix->msi.send)
		msix->msi.send(msix->msi.context, index);
}

void keg_msix_fini(struct keg_msix *msix)
{
	for (uint32_t i = 0; i < msix->count; i++) {
		if (msix->vectors[i].armed)
			set(msix, i, false);
	}
	destroy_locks(msix, msix->count);
	pthread_mutex_destroy(&msix->lock);
	free(msix->vectors);
	msix->vectors = NULL;
}

uint32_t keg_msix_table_bytes(const struct keg_msix *msix)
{
	return msix->count * KEG_MSIX_ENTRY_BYTES;
}

uint32_t keg_msix_pending_bytes(const struct keg_msix *msix)
{
	return (msix->count + 63) / 64 * 8;
}

int keg_msix_add(struct keg_msix *msix, struct keg_pci_function *function, uint8_t bar,
	uint32_t table, uint32_t pending)
{
	static const uint8_t writable[CAPABILITY_BYTES] = {
		[MESSAGE_CONTROL + 1] = (MESSAGE_CONTROL_MASKED | MESSAGE_CONTROL_ENABLED) >> 8,
	};
	uint8_t bytes[CAPABILITY_BYTES] = {0};
	int rc;

	bytes[MESSAGE_CONTROL] = (uint8_t)(msix->count - 1);
	bytes[MESSAGE_CONTROL + 1] = (uint8_t)((msix->count - 1) >> 8);
	for (uint32_t i = 0; i < 4; i++) {
		bytes[TABLE + i] = (uint8_t)((table | bar) >> 8 * i);
		bytes[PENDING + i] = (uint8_t)((pending | bar) >> 8 * i);
	}
	rc = keg_pci_add_capability(
		function, KEG_PCI_CAPABILITY_MSIX, bytes, writable, CAPABILITY_BYTES);
	if (rc > 0)
		msix->capability = (uint8_t)rc;
	return rc;
}

/*
 * Makes what is sent follow the table, with the table's lock held. A sender comes before or after
 * the whole of it: what it sends is not lost when the vector is masked meanwhile.
 */
static void update(struct keg_msix *msix, uint32_t index)
{
	struct keg_msix_vector *vector = &msix->vectors[index];
	uint64_t address = vector->entry[ADDRESS_LOW] | (uint64_t)vector->entry[ADDRESS_HIGH] << 32;
	uint32_t data = vector->entry[DATA];
	bool armed = keg_msix_enabled(msix) && !msix->masked &&
		     !(vector->entry[CONTROL] & CONTROL_MASKED);

	pthread_mutex_lock(&vector->lock);
	if (armed != vector->armed ||
		(armed && (address != vector->address || data != vector->data))) {
		vector->address = address;
		vector->data = data;
		set(msix, index, armed);
	}
	if (armed && vector->pending) {
		vector->pending = false;
		send(msix, index);
	}
	pthread_mutex_unlock(&vector->lock);
}

/* What was waiting is forgotten when the guest turns MSI-X off: it is the line's time then. */
static void forget(struct keg_msix_vector *vector)
{
	pthread_mutex_lock(&vector->lock);
	vector->pending = false;
	pthread_mutex_unlock(&vector->lock);
}

void keg_msix_config_written(struct keg_msix *msix, const struct keg_pci_function *function,
	uint32_t offset, uint32_t bytes)
{
	uint32_t control;

	if (!keg_pci_touches(offset, bytes, msix->capability + MESSAGE_CONTROL, 2))
		return;
	control = keg_pci_get(function, msix->capability + MESSAGE_CONTROL, 2);
	pthread_mutex_lock(&msix->lock);
	atomic_store_explicit(
		&msix->enabled, control & MESSAGE_CONTROL_ENABLED, memory_order_release);
	msix->masked = control & MESSAGE_CONTROL_MASKED;
	for (uint32_t i = 0; i < msix->count; i++) {
		update(msix, i);
		if (!keg_msix_enabled(msix))
			forget(&msix->vectors[i]);
	}
	pthread_mutex_unlock(&msix->lock);
}

/* The table byte by byte: it takes every width and alignment. Beyond its end there is nothing. */
static uint8_t read_byte(const struct keg_msix *msix, uint64_t offset)
{
	const uint64_t index = offset / KEG_MSIX_ENTRY_BYTES;
	const uint32_t word = offset % KEG_MSIX_ENTRY_BYTES / 4;

	if (index >= msix->count)
		return 0;
	return (uint8_t)(msix->vectors[index].entry[word] >> 8 * (offset % 4));
}

static void write_byte(struct keg_msix *msix, uint64_t offset, uint8_t value)
{
	const uint64_t index = offset / KEG_MSIX_ENTRY_BYTES;
	const uint32_t shift = 8 * (uint32_t)(offset % 4);
	uint32_t *word;

	if (index >= msix->count)
		return;
	word = &msix->vectors[index].entry[offset % KEG_MSIX_ENTRY_BYTES / 4];
	*word = (*word & ~(UINT32_C(0xff) << shift)) | (uint32_t)value << shift;
}

uint64_t keg_msix_read_table(struct keg_msix *msix, uint64_t offset, uint32_t bytes)
{
	uint64_t value = 0;

	pthread_mutex_lock(&msix->lock);
	for (uint32_t i = 0; i < bytes; i++)
		value |= (uint64_t)read_byte(msix, offset + i) << 8 * i;
	pthread_mutex_unlock(&msix->lock);
	return value;
}

void keg_msix_write_table(struct keg_msix *msix, uint64_t offset, uint64_t value, uint32_t bytes)
{
	uint64_t first = offset / KEG_MSIX_ENTRY_BYTES;
	uint64_t last = (offset + bytes - 1) / KEG_MSIX_ENTRY_BYTES;

	pthread_mutex_lock(&msix->lock);
	for (uint32_t i = 0; i < bytes; i++)
		write_byte(msix, offset + i, (uint8_t)(value >> 8 * i));
	for (uint64_t i = first; i <= last && i < msix->count; i++) {
		/* Messages are words (section 6.8.2.8), and the rest is reserved. */
		msix->vectors[i].entry[ADDRESS_LOW] &= ~3U;
		msix->vectors[i].entry[CONTROL] &= CONTROL_MASKED;
		update(msix, (uint32_t)i);
	}
	pthread_mutex_unlock(&msix->lock);
}

uint64_t keg_msix_read_pending(struct keg_msix *msix, uint64_t offset, uint32_t bytes)
{
	uint64_t value = 0;

	for (uint64_t bit = 0; bit < 8 * (uint64_t)bytes; bit++) {
		uint64_t index = 8 * offset + bit;

		if (index >= msix->count)
			break;
		pthread_mutex_lock(&msix->vectors[index].lock);
		value |= (uint64_t)msix->vectors[index].pending << bit;
		pthread_mutex_unlock(&msix->vectors[index].lock);
	}
	return value;
}

void keg_msix_send(struct keg_msix *msix, uint32_t index)
{
	struct keg_msix_vector *vector;

	if (index >= msix->count || !keg_msix_enabled(msix))
		return;
	vector = &msix->vectors[index];
	pthread_mutex_lock(&vector->lock);
	if (vector->armed)
		send(msix, index);
	else
		vector->pending = true;
	pthread_mutex_unlock(&vector->lock);
}
