/* SPDX-License-Identifier: MIT */
/* The I/O APIC. Sections are those of the data sheet (Intel 82093AA, 290566-001, 1996). */
#include "dev/ioapic.h"

#include <string.h>

#include "base/error.h"
#include "dev/registers.h"

/* Registers behind the index (section 3.2). */
enum {
	INDEX_ID = 0x00,
	INDEX_VERSION = 0x01,
	INDEX_ARBITRATION = 0x02,
	INDEX_TABLE = 0x10, /* two for each pin: the low half is the even one */

	INDEX_MASK = 0xff,
	ID_MASK = 0x0f000000,
	VERSION = 0x11,
};

/* A redirection table entry (section 3.2.4). */
enum {
	VECTOR_MASK = 0xff,
	DELIVERY_SHIFT = 8,
	DELIVERY_MASK = 7,
	DELIVERY_FIXED = 0,
	DELIVERY_LOWEST_PRIORITY = 1,
	LOGICAL = 1 << 11,
	REMOTE_IRR = 1 << 14,
	LEVEL = 1 << 15,
	MASKED = 1 << 16,
	DESTINATION_SHIFT = 56,

	LOW_WRITABLE = 0x1afff, /* not delivery status (it is always idle) and remote IRR */
};
#define HIGH_WRITABLE 0xff000000U

/* A message (Intel SDM, volume 3A, section 11.11). */
enum {
	ADDRESS_DESTINATION_SHIFT = 12,
	ADDRESS_LOGICAL = 1 << 2,
	DATA_DELIVERY_SHIFT = 8,
	DATA_ASSERT = 1 << 14,
	DATA_LEVEL = 1 << 15,
};
static const uint64_t message_address = 0xfee00000;

/* Only these two kinds of interrupts have levels (section 3.2.4, "Delivery Mode"). */
static bool is_level(uint64_t entry)
{
	uint32_t delivery = entry >> DELIVERY_SHIFT & DELIVERY_MASK;

	return entry & LEVEL &&
	       (delivery == DELIVERY_FIXED || delivery == DELIVERY_LOWEST_PRIORITY);
}

static void encode_message(uint64_t entry, uint64_t *address, uint32_t *data)
{
	*address = message_address | (entry >> DESTINATION_SHIFT) << ADDRESS_DESTINATION_SHIFT |
		   (entry & LOGICAL ? ADDRESS_LOGICAL : 0U);
	*data = (uint32_t)(entry & VECTOR_MASK) |
		(uint32_t)(entry >> DELIVERY_SHIFT & DELIVERY_MASK) << DATA_DELIVERY_SHIFT |
		(is_level(entry) ? DATA_LEVEL | DATA_ASSERT : 0U);
}

/* Sends what a pin has to send, if it may. */
static void service(struct keg_ioapic *ioapic, struct keg_ioapic_pin *pin)
{
	bool level = is_level(pin->entry);

	if (pin->held || pin->entry & MASKED)
		return;
	if (level ? !pin->high || pin->entry & REMOTE_IRR : !pin->edge)
		return;
	pin->edge = false;
	if (level)
		pin->entry |= REMOTE_IRR;
	ioapic->output.send(ioapic->output.context, pin->address, pin->data);
}

void keg_ioapic_set(struct keg_ioapic *ioapic, uint32_t number, bool high)
{
	struct keg_ioapic_pin *pin = &ioapic->pins[number];

	pthread_mutex_lock(&ioapic->lock);
	/* An edge at a masked pin is lost (section 3.2.4, "Interrupt Mask"). */
	if (high && !pin->high && !(pin->entry & MASKED))
		pin->edge = !is_level(pin->entry);
	pin->high = high;
	service(ioapic, pin);
	pthread_mutex_unlock(&ioapic->lock);
}

void keg_ioapic_eoi(struct keg_ioapic *ioapic, uint8_t vector)
{
	pthread_mutex_lock(&ioapic->lock);
	for (uint32_t i = 0; i < KEG_IOAPIC_PINS; i++) {
		struct keg_ioapic_pin *pin = &ioapic->pins[i];

		if (!(pin->entry & REMOTE_IRR) || (pin->entry & VECTOR_MASK) != vector)
			continue;
		pin->entry &= ~(uint64_t)REMOTE_IRR;
		service(ioapic, pin);
	}
	pthread_mutex_unlock(&ioapic->lock);
}

void keg_ioapic_get_message(
	struct keg_ioapic *ioapic, uint32_t number, uint64_t *address, uint32_t *data, bool *idle)
{
	const struct keg_ioapic_pin *pin = &ioapic->pins[number];

	pthread_mutex_lock(&ioapic->lock);
	*address = pin->address;
	*data = pin->data;
	*idle = !pin->routed;
	pthread_mutex_unlock(&ioapic->lock);
}

/* ---- Registers ---- */

/* Makes the entry's message the one to send. Whether it is another one. */
static bool route(struct keg_ioapic_pin *pin)
{
	uint64_t address;
	uint32_t data;

	encode_message(pin->entry, &address, &data);
	if (pin->routed && pin->address == address && pin->data == data)
		return false;
	pin->address = address;
	pin->data = data;
	pin->routed = true;
	return true;
}

static void write_entry(
	struct keg_ioapic *ioapic, struct keg_ioapic_pin *pin, bool high_half, uint32_t value)
{
	uint64_t before = pin->entry, after;

	if (high_half) {
		after = (uint32_t)before | (uint64_t)(value & HIGH_WRITABLE) << 32;
	} else {
		after = before & (~0ULL << 32 | REMOTE_IRR);
		after |= value & LOW_WRITABLE;
	}
	/* Drivers make a pin edge-triggered for a moment to end a level that got stuck. */
	if (!is_level(after))
		after &= ~(uint64_t)REMOTE_IRR;
	else
		pin->edge = false;
	if (after & MASKED)
		pin->edge = false;
	pin->entry = after;
	pin->held = !(after & MASKED) && route(pin);
	service(ioapic, pin);
}

static struct keg_ioapic_pin *selected_pin(struct keg_ioapic *ioapic)
{
	uint32_t number = (ioapic->select - INDEX_TABLE) / 2;

	return ioapic->select >= INDEX_TABLE && number < KEG_IOAPIC_PINS ? &ioapic->pins[number]
									 : NULL;
}

static uint32_t read_data(void *device)
{
	struct keg_ioapic *ioapic = device;
	const struct keg_ioapic_pin *pin = selected_pin(ioapic);

	if (pin)
		return (uint32_t)(pin->entry >> (ioapic->select & 1 ? 32 : 0));
	switch (ioapic->select) {
	case INDEX_ID:
	case INDEX_ARBITRATION: /* loaded with the ID (section 3.2.3) */
		return ioapic->id;
	case INDEX_VERSION:
		return VERSION | (KEG_IOAPIC_PINS - 1) << 16;
	default:
		return 0;
	}
}

static void write_data(void *device, uint32_t value)
{
	struct keg_ioapic *ioapic = device;
	struct keg_ioapic_pin *pin = selected_pin(ioapic);

	if (pin)
		write_entry(ioapic, pin, ioapic->select & 1, value);
	else if (ioapic->select == INDEX_ID)
		ioapic->id = value & ID_MASK;
}

static const struct keg_register registers[] = {
	{"IOREGSEL", 0x00, 4, KEG_REGISTER_RW, INDEX_MASK,
		.member = offsetof(struct keg_ioapic, select)},
	{"IOWIN", 0x10, 4, KEG_REGISTER_RW, UINT32_MAX, .read = read_data, .write = write_data},
};
static const struct keg_register_map map = {registers, sizeof(registers) / sizeof(registers[0])};

static uint64_t read_access(void *device, uint64_t offset, uint32_t bytes)
{
	struct keg_ioapic *ioapic = device;
	uint64_t value;

	pthread_mutex_lock(&ioapic->lock);
	value = keg_registers_read(&map, ioapic, offset, bytes);
	pthread_mutex_unlock(&ioapic->lock);
	return value;
}

/* Lets go of the pin that is held, and sends what has waited. */
static void release(struct keg_ioapic *ioapic, struct keg_ioapic_pin *pin)
{
	pthread_mutex_lock(&ioapic->lock);
	pin->held = false;
	service(ioapic, pin);
	pthread_mutex_unlock(&ioapic->lock);
}

static void write_access(void *device, uint64_t offset, uint64_t value, uint32_t bytes)
{
	struct keg_ioapic *ioapic = device;
	struct keg_ioapic_pin *pin;
	bool held;

	pthread_mutex_lock(&ioapic->registers);
	pthread_mutex_lock(&ioapic->lock);
	keg_registers_write(&map, ioapic, offset, value, bytes);
	pin = selected_pin(ioapic);
	held = pin && pin->held;
	pthread_mutex_unlock(&ioapic->lock);
	if (held) {
		if (ioapic->output.changed)
			ioapic->output.changed(ioapic->output.context);
		release(ioapic, pin);
	}
	pthread_mutex_unlock(&ioapic->registers);
}

const struct keg_bus_ops keg_ioapic_ops = {read_access, write_access};

int keg_ioapic_init(struct keg_ioapic *ioapic, const struct keg_ioapic_output *output)
{
	int error;

	memset(ioapic, 0, sizeof(*ioapic));
	ioapic->output = *output;
	for (uint32_t i = 0; i < KEG_IOAPIC_PINS; i++)
		ioapic->pins[i].entry = MASKED;
	error = pthread_mutex_init(&ioapic->lock, NULL);
	if (error)
		goto failed;
	error = pthread_mutex_init(&ioapic->registers, NULL);
	if (!error)
		return 0;
	pthread_mutex_destroy(&ioapic->lock);
failed:
	return keg_fail_errno(error, "making a lock for the I/O APIC");
}

void keg_ioapic_fini(struct keg_ioapic *ioapic)
{
	pthread_mutex_destroy(&ioapic->registers);
	pthread_mutex_destroy(&ioapic->lock);
}
