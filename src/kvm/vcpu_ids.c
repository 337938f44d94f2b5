/* SPDX-License-Identifier: MIT */
/*
 * vCPU ids: each is used once in a machine's life, for KVM keeps an id taken even after its vCPU's
 * descriptor is closed.
 */
#include <stdlib.h>

#include "base/error.h"
#include "kvm/vm.h"

enum { WORD_BITS = 64 };

static bool is_taken(const struct keg_vm *vm, uint32_t id)
{
	return vm->ids[id / WORD_BITS] >> (id % WORD_BITS) & 1;
}

static void set_taken(struct keg_vm *vm, uint32_t id, bool taken)
{
	uint64_t bit = 1ULL << (id % WORD_BITS);

	if (taken)
		vm->ids[id / WORD_BITS] |= bit;
	else
		vm->ids[id / WORD_BITS] &= ~bit;
}

/* The bitmap is made when it is first needed. */
static int need_bitmap(struct keg_vm *vm)
{
	int count;

	if (vm->ids)
		return 0;
	count = keg_host_vcpu_id_limit(vm->host);
	if (count < 0)
		return count;
	vm->ids = calloc((size_t)count / WORD_BITS + 1, sizeof(*vm->ids));
	if (!vm->ids)
		return keg_fail_errno(ENOMEM, "numbering vCPUs");
	vm->id_count = (uint32_t)count;
	return 0;
}

static int alloc_locked(struct keg_vm *vm)
{
	int rc = need_bitmap(vm);

	if (rc)
		return rc;
	while (vm->next_id < vm->id_count && is_taken(vm, vm->next_id))
		vm->next_id++;
	if (vm->next_id == vm->id_count)
		return keg_fail(ENOSPC, "all %u vCPU ids that KVM allows a machine are taken",
			vm->id_count);
	set_taken(vm, vm->next_id, true);
	return (int)vm->next_id++;
}

static int take_locked(struct keg_vm *vm, uint32_t id)
{
	int rc = need_bitmap(vm);

	if (rc)
		return rc;
	if (id >= vm->id_count)
		return keg_fail(EINVAL, "vCPU id %u: KVM allows 0 to %u", id, vm->id_count - 1);
	if (is_taken(vm, id))
		return keg_fail(EEXIST, "vCPU id %u is taken", id);
	set_taken(vm, id, true);
	return 0;
}

int keg_vm_alloc_vcpu_id(struct keg_vm *vm)
{
	int rc;

	pthread_mutex_lock(&vm->tables_lock);
	rc = alloc_locked(vm);
	pthread_mutex_unlock(&vm->tables_lock);
	return rc;
}

int keg_vm_take_vcpu_id(struct keg_vm *vm, uint32_t id)
{
	int rc;

	pthread_mutex_lock(&vm->tables_lock);
	rc = take_locked(vm, id);
	pthread_mutex_unlock(&vm->tables_lock);
	return rc;
}

void keg_vm_return_vcpu_id(struct keg_vm *vm, uint32_t id)
{
	pthread_mutex_lock(&vm->tables_lock);
	set_taken(vm, id, false);
	if (id < vm->next_id)
		vm->next_id = id;
	pthread_mutex_unlock(&vm->tables_lock);
}
