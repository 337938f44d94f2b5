/* SPDX-License-Identifier: MIT */
/* GSI routes. */
#include "board/routes.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int reserve(struct board_routes *routes, size_t count)
{
	size_t capacity = routes->capacity ? routes->capacity : 64;
	void *entries;

	while (capacity < count)
		capacity *= 2;
	if (capacity == routes->capacity)
		return 0;
	entries = realloc(routes->entries, capacity * sizeof(*routes->entries));
	if (!entries)
		return keg_fail_errno(ENOMEM, "noting %zu routes of interrupts", count);
	routes->entries = entries;
	routes->capacity = capacity;
	return 0;
}

int keg_board_routes_init(struct board_routes *routes, struct keg_vm *vm,
	const struct kvm_irq_routing_entry *pins, size_t count, uint32_t first_gsi)
{
	int rc;

	*routes = (struct board_routes){.next_gsi = first_gsi};
	rc = reserve(routes, count);
	if (rc)
		return rc;
	rc = pthread_mutex_init(&routes->lock, NULL);
	if (rc) {
		free(routes->entries);
		return keg_fail_errno(rc, "making a lock");
	}
	if (count)
		memcpy(routes->entries, pins, count * sizeof(*pins));
	routes->count = routes->pins = count;
	routes->vm = vm;
	return 0;
}

void keg_board_routes_fini(struct board_routes *routes)
{
	if (!routes->vm)
		return;
	pthread_mutex_destroy(&routes->lock);
	free(routes->entries);
	routes->vm = NULL;
}

uint32_t keg_board_routes_take_gsi(struct board_routes *routes)
{
	uint32_t gsi;

	pthread_mutex_lock(&routes->lock);
	gsi = routes->next_gsi++;
	pthread_mutex_unlock(&routes->lock);
	return gsi;
}

static struct kvm_irq_routing_entry *find(struct board_routes *routes, uint32_t gsi)
{
	for (size_t i = 0; i < routes->count; i++) {
		if (routes->entries[i].gsi == gsi)
			return &routes->entries[i];
	}
	return NULL;
}

/* The entry of a route's GSI, or a new one at the end, which does not count yet. */
static struct kvm_irq_routing_entry *find_or_add(struct board_routes *routes, uint32_t gsi)
{
	struct kvm_irq_routing_entry *entry = find(routes, gsi);

	if (!entry && reserve(routes, routes->count + 1) == 0)
		entry = &routes->entries[routes->count];
	return entry;
}

static bool same(const struct kvm_irq_routing_entry *a, const struct kvm_irq_routing_entry *b)
{
	/* 'u.pad' is all of the union. */
	return a->gsi == b->gsi && a->type == b->type && a->flags == b->flags &&
	       memcmp(a->u.pad, b->u.pad, sizeof(a->u.pad)) == 0;
}

/* What KVM refuses is taken back: it takes all or nothing, the next time too. */
static int set_locked(struct board_routes *routes, const struct kvm_irq_routing_entry *route)
{
	struct kvm_irq_routing_entry *entry = find_or_add(routes, route->gsi), before;
	size_t count;
	int rc;

	if (!entry)
		return -ENOMEM;
	count = routes->count;
	if (entry == &routes->entries[count])
		routes->count++;
	else if (same(entry, route))
		return 0;
	before = *entry;
	*entry = *route;
	rc = keg_vm_set_gsi_routes(routes->vm, routes->entries, routes->count);
	if (rc < 0) {
		*entry = before;
		routes->count = count;
	}
	return rc;
}

int keg_board_routes_set_pins(struct board_routes *routes, const struct kvm_irq_routing_entry *pins)
{
	size_t bytes = routes->pins * sizeof(*pins);
	int rc = 0;

	pthread_mutex_lock(&routes->lock);
	if (memcmp(routes->entries, pins, bytes) != 0) {
		memcpy(routes->entries, pins, bytes);
		rc = keg_vm_set_gsi_routes(routes->vm, routes->entries, routes->count);
	}
	pthread_mutex_unlock(&routes->lock);
	return rc;
}

void keg_board_msi_route(
	struct kvm_irq_routing_entry *route, uint32_t gsi, uint64_t address, uint32_t data)
{
	memset(route, 0, sizeof(*route));
	route->gsi = gsi;
	route->type = KVM_IRQ_ROUTING_MSI;
	route->u.msi.address_lo = (uint32_t)address;
	route->u.msi.address_hi = (uint32_t)(address >> 32);
	route->u.msi.data = data;
}

int keg_board_routes_set_msi(
	struct board_routes *routes, uint32_t gsi, uint64_t address, uint32_t data)
{
	struct kvm_irq_routing_entry route;
	int rc;

	keg_board_msi_route(&route, gsi, address, data);
	pthread_mutex_lock(&routes->lock);
	rc = set_locked(routes, &route);
	pthread_mutex_unlock(&routes->lock);
	return rc;
}
