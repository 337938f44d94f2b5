/* SPDX-License-Identifier: MIT */
/*
 * An Intel 82093AA I/O APIC with 24 inputs, for machines whose local APICs alone are KVM's (a split
 * irqchip). Its interrupts go out as messages. Inputs are high when they are active: the polarity
 * that a guest programs is stored and not looked at.
 *
 * Threads: any thread at any time, but for what `changed` says.
 */
#ifndef KEG_DEV_IOAPIC_H
#define KEG_DEV_IOAPIC_H

#include <pthread.h>
#include <stdbool.h>

#include <keg/bus.h>

enum {
	KEG_IOAPIC_SIZE = 0x100, /* bytes of its region, 0xfec00000 on a PC */
	KEG_IOAPIC_PINS = 24,
};

struct keg_ioapic_output {
	/* Sends a message. With the lock held: it must not call the I/O APIC. */
	void (*send)(void *context, uint64_t address, uint32_t data);
	/*
	 * A pin that is not masked is to send another message than before: what
	 * keg_ioapic_get_message() says is already new, but nothing is sent from the pin before
	 * this returns, so that KVM can be told first whose vector's EOIs are wanted. In the vCPU's
	 * thread; one call at a time. It may ask for messages, and must not access the registers.
	 * May be NULL.
	 */
	void (*changed)(void *context);
	void *context;
};

/* An input, and its redirection table entry. */
struct keg_ioapic_pin {
	uint64_t entry;
	/* What it has sent, or is about to, since it was not masked last. */
	uint64_t address;
	uint32_t data;
	bool routed; /* there is such a message */
	bool high;
	bool edge; /* a rising edge waits to be sent */
	bool held; /* `changed` is being told: nothing is sent */
};

struct keg_ioapic {
	struct keg_ioapic_output output;
	pthread_mutex_t registers; /* held over a whole access, `changed` included; taken first */
	pthread_mutex_t lock;
	uint32_t select, id;
	struct keg_ioapic_pin pins[KEG_IOAPIC_PINS];
};

extern const struct keg_bus_ops keg_ioapic_ops;

int keg_ioapic_init(struct keg_ioapic *ioapic, const struct keg_ioapic_output *output);
void keg_ioapic_fini(struct keg_ioapic *ioapic);

/* A pin's input changes its level. `number` is below KEG_IOAPIC_PINS. */
void keg_ioapic_set(struct keg_ioapic *ioapic, uint32_t number, bool high);

/* A local APIC has seen the end of an interrupt: a level that is still high comes again. */
void keg_ioapic_eoi(struct keg_ioapic *ioapic, uint8_t vector);

/*
 * What KVM is to know of a pin: the message that it sends, or sent before it was masked, because
 * the end of that interrupt may still be to come. *idle: it has never been anything but masked.
 */
void keg_ioapic_get_message(
	struct keg_ioapic *ioapic, uint32_t number, uint64_t *address, uint32_t *data, bool *idle);

#endif
