/* SPDX-License-Identifier: MIT */
/* The machine's life: declared, started, ended. */
#include "kvm/vm.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/error.h"

int(keg_vm_request_failed)(struct keg_vm *vm, int rc, const char *name)
{
	if (rc == -EIO && getpid() != vm->pid)
		return keg_fail(EIO,
			"%s: the machine was made by process %d, and does not survive fork: make a "
			"new "
			"one in this process",
			name, (int)vm->pid);
	return keg_ioctl_failed(rc, name);
}

int keg_vm_request_named(struct keg_vm *vm, unsigned long request, const char *name, uintptr_t arg)
{
	int rc = keg_ioctl(vm->fd, request, arg);

	return rc < 0 ? keg_vm_request_failed(vm, rc, name) : rc;
}

/* The ring's size must be set before the first vCPU (KVM API, "KVM_CAP_DIRTY_LOG_RING"). */
static int enable_dirty_ring(struct keg_vm *vm, uint32_t entries)
{
	const uint64_t args[4] = {entries * sizeof(struct kvm_dirty_gfn)};
	int cap = KVM_CAP_DIRTY_LOG_RING_ACQ_REL;
	int most;

	if (entries & (entries - 1))
		return keg_fail(EINVAL, "a ring of %u dirty pages: not a power of two", entries);
	most = keg_vm_check_extension(vm, cap);
	if (most == 0) {
		cap = KVM_CAP_DIRTY_LOG_RING;
		most = keg_vm_check_extension(vm, cap);
	}
	if (most < 0)
		return most;
	if (most == 0)
		return keg_fail(ENOTSUP, "this KVM has no ring of dirty pages");
	if (args[0] > (uint64_t)most)
		return keg_fail(EINVAL, "a ring of %u dirty pages: KVM allows %zu", entries,
			(size_t)most / sizeof(struct kvm_dirty_gfn));
	return keg_vm_enable_cap(vm, (uint32_t)cap, 0, args);
}

static int init_locks(struct keg_vm *vm)
{
	pthread_mutex_t *const locks[] = {&vm->lock, &vm->tables_lock, &vm->ring_lock};

	for (size_t i = 0; i < 3; i++) {
		int rc = pthread_mutex_init(locks[i], NULL);

		if (!rc)
			continue;
		while (i--)
			pthread_mutex_destroy(locks[i]);
		return keg_fail_errno(rc, "making a lock");
	}
	return 0;
}

static void fini_locks(struct keg_vm *vm)
{
	pthread_mutex_destroy(&vm->ring_lock);
	pthread_mutex_destroy(&vm->tables_lock);
	pthread_mutex_destroy(&vm->lock);
}

static int init_vm(struct keg_vm *vm, const struct keg_vm_config *config)
{
	int rc;

	vm->pid = getpid();
	vm->kick_signal = config->kick_signal;
	vm->dirty_ring_entries = config->dirty_ring_entries;
	rc = init_locks(vm);
	if (rc)
		return rc;
	/* Many signals make KVM_CREATE_VM give up with EINTR: keg_ioctl() goes on. */
	vm->fd = keg_host_request(vm->host, KVM_CREATE_VM, config->type);
	if (vm->fd < 0) {
		rc = vm->fd;
		goto out_locks;
	}
	if (config->dirty_ring_entries) {
		rc = enable_dirty_ring(vm, config->dirty_ring_entries);
		if (rc < 0)
			goto out_fd;
	}
	return 0;
out_fd:
	close(vm->fd);
out_locks:
	fini_locks(vm);
	return rc;
}

static int check_config(const struct keg_vm_config *given, struct keg_vm_config *config)
{
	int rc = keg_config_copy(
		config, sizeof(*config), given, given->size, "struct keg_vm_config");

	if (rc)
		return rc;
	/* Those between are the C library's own. */
	if (config->kick_signal < 0 || config->kick_signal > SIGRTMAX ||
		(config->kick_signal >= __SIGRTMIN && config->kick_signal < SIGRTMIN))
		return keg_fail(EINVAL, "%d is no signal", config->kick_signal);
	return 0;
}

int keg_vm_create(struct keg_host *host, const struct keg_vm_config *given, struct keg_vm **result)
{
	struct keg_vm_config config = {.type = 0};
	struct keg_vm *vm;
	int rc;

	*result = NULL;
	if (given) {
		rc = check_config(given, &config);
		if (rc)
			return rc;
	}
	vm = calloc(1, sizeof(*vm));
	if (!vm)
		return keg_fail_errno(ENOMEM, "making a machine");
	vm->host = host;
	rc = init_vm(vm, &config);
	if (rc) {
		free(vm);
		return rc;
	}
	*result = vm;
	return 0;
}

void keg_vm_destroy(struct keg_vm *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	keg_attachment_destroy(&vm->slots);
	free(vm->ids);
	fini_locks(vm);
	free(vm);
}

int keg_vm_fd(const struct keg_vm *vm)
{
	return vm->fd;
}

struct keg_host *keg_vm_host(const struct keg_vm *vm)
{
	return vm->host;
}

int keg_vm_ioctl(struct keg_vm *vm, unsigned long request, uintptr_t arg)
{
	int rc = keg_ioctl(vm->fd, request, arg);

	return rc < 0 ? keg_fail_errno(-rc, "ioctl 0x%lx on the machine", request) : rc;
}

static int start_locked(struct keg_vm *vm)
{
	int rc = 0;

	if (atomic_load(&vm->started))
		return 0;
	if (vm->start_memory)
		rc = vm->start_memory(vm->memory);
	if (!rc)
		rc = keg_irqchip_start(vm);
	if (!rc)
		atomic_store(&vm->started, true);
	return rc;
}

int keg_vm_start(struct keg_vm *vm)
{
	int rc;

	if (keg_vm_started(vm))
		return 0;
	pthread_mutex_lock(&vm->lock);
	rc = start_locked(vm);
	pthread_mutex_unlock(&vm->lock);
	return rc;
}

bool keg_vm_started(const struct keg_vm *vm)
{
	return atomic_load_explicit(&vm->started, memory_order_acquire);
}
