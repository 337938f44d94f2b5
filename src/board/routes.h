/* SPDX-License-Identifier: MIT */
/*
 * Where a machine's interrupts lead (GSI routes): the pins of its interrupt controller, and
 * messages. KVM takes all of them at once, and each time waits for a grace period, so that a change
 * that changes nothing is not made.
 */
#ifndef KEG_BOARD_ROUTES_H
#define KEG_BOARD_ROUTES_H

#include <pthread.h>

#include <keg/irq.h>

struct board_routes {
	struct keg_vm *vm;
	pthread_mutex_t lock;
	struct kvm_irq_routing_entry *entries;
	size_t count, capacity;
	size_t pins; /* how many of them, from the first, are pins' */
	uint32_t next_gsi;
};

/* Begins with the pins' routes, which KVM has already; `first_gsi` is the first that is free. */
int keg_board_routes_init(struct board_routes *routes, struct keg_vm *vm,
	const struct kvm_irq_routing_entry *pins, size_t count, uint32_t first_gsi);
void keg_board_routes_fini(struct board_routes *routes);

/* Fills in the route of a GSI that sends a message. */
void keg_board_msi_route(
	struct kvm_irq_routing_entry *route, uint32_t gsi, uint64_t address, uint32_t data);

/* A GSI that has not been handed out. */
uint32_t keg_board_routes_take_gsi(struct board_routes *routes);

/* Replaces the pins' routes, of which there are as many as ever. */
int keg_board_routes_set_pins(
	struct board_routes *routes, const struct kvm_irq_routing_entry *pins);

/* From now on `gsi` sends this message. */
int keg_board_routes_set_msi(
	struct board_routes *routes, uint32_t gsi, uint64_t address, uint32_t data);

#endif
