/* SPDX-License-Identifier: MIT */
/* A vCPU's making and end, and requests to it. */
#include "kvm/vcpu.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"

int keg_vcpu_request_only_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg)
{
	int rc = keg_ioctl(vcpu->fd, request, arg);

	return rc < 0 ? keg_vm_request_failed(vcpu->vm, rc, name) : rc;
}

int keg_vcpu_request_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg)
{
	int rc = keg_shared_regs_flush(vcpu);

	return rc < 0 ? rc : keg_vcpu_request_only_named(vcpu, request, name, arg);
}

int keg_vcpu_change_named(
	struct keg_vcpu *vcpu, unsigned long request, const char *name, uintptr_t arg)
{
	int rc = keg_vcpu_request_named(vcpu, request, name, arg);

	vcpu->shared.current = 0;
	return rc;
}

int keg_vcpu_ioctl(struct keg_vcpu *vcpu, unsigned long request, uintptr_t arg)
{
	int rc = keg_shared_regs_flush(vcpu);

	if (rc < 0)
		return rc;
	vcpu->shared.current = 0;
	if (request == KVM_SET_MP_STATE)
		vcpu->shared.waiting = true;
	rc = keg_ioctl(vcpu->fd, request, arg);
	return rc < 0 ? keg_fail_errno(-rc, "ioctl 0x%lx on vCPU %u", request, vcpu->id) : rc;
}

int keg_vcpu_enable_cap(struct keg_vcpu *vcpu, uint32_t cap, uint32_t flags, const uint64_t args[4])
{
	struct kvm_enable_cap enable = {.cap = cap, .flags = flags};

	for (int i = 0; args && i < 4; i++)
		enable.args[i] = args[i];
	return keg_vcpu_change(vcpu, KVM_ENABLE_CAP, &enable);
}

/* A range of the vCPU's descriptor that is shared with the kernel. */
static int map_shared(struct keg_vcpu *vcpu, size_t bytes, off_t offset, void **area)
{
	*area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, offset);
	if (*area == MAP_FAILED)
		return keg_fail_errno(errno, "mapping what vCPU %u shares with KVM", vcpu->id);
	return 0;
}

static size_t dirty_bytes(const struct keg_vcpu *vcpu)
{
	return vcpu->vm->dirty_ring_entries * sizeof(*vcpu->dirty);
}

static int map_areas(struct keg_vcpu *vcpu)
{
	struct keg_host *host = vcpu->vm->host;
	off_t page = sysconf(_SC_PAGESIZE);
	void *area;
	int rc;

	vcpu->run_bytes = host->vcpu_mmap_size;
	rc = map_shared(vcpu, vcpu->run_bytes, 0, &area);
	if (rc)
		return rc;
	vcpu->run = area;
	if (host->coalesced_page > 0 &&
		(size_t)((host->coalesced_page + 1) * page) <= vcpu->run_bytes)
		vcpu->ring = (void *)((char *)area + host->coalesced_page * page);
	vcpu->shared.supported = (uint64_t)host->sync_regs;
	/* All but the first wait for INIT and SIPI, where there are local APICs in the kernel. */
	vcpu->shared.waiting = vcpu->id != 0;
	if (!vcpu->vm->dirty_ring_entries)
		return 0;
	rc = map_shared(vcpu, dirty_bytes(vcpu), KVM_DIRTY_LOG_PAGE_OFFSET * page, &area);
	if (rc)
		munmap(vcpu->run, vcpu->run_bytes);
	else
		vcpu->dirty = area;
	return rc;
}

/* KVM says EINVAL to one vCPU too many, as to much else. It counts those that have ended, too. */
static int create_failed(struct keg_vcpu *vcpu, int rc)
{
	struct keg_vm *vm = vcpu->vm;
	int most;

	/* KVM_CREATE_VCPU may know an id that was used behind keg's back. */
	if (rc != -EEXIST)
		keg_vm_return_vcpu_id(vm, vcpu->id);
	if (rc != -EINVAL)
		return rc;
	most = keg_vm_check_extension(vm, KVM_CAP_MAX_VCPUS);
	if (most < 0)
		return most;
	if (most == 0 || atomic_load(&vm->vcpu_count) < (uint32_t)most)
		return rc;
	return keg_fail(ENOSPC, "all %d vCPUs that KVM allows a machine have been made", most);
}

/* Creates it in KVM, under an id that is taken already. */
static int create_with_id(struct keg_vcpu *vcpu)
{
	int rc;

	vcpu->fd = keg_vm_request(vcpu->vm, KVM_CREATE_VCPU, vcpu->id);
	if (vcpu->fd < 0)
		return create_failed(vcpu, vcpu->fd);
	atomic_fetch_add(&vcpu->vm->vcpu_count, 1);
	rc = map_areas(vcpu);
	if (rc)
		close(vcpu->fd);
	return rc;
}

static int create_in_kvm(struct keg_vcpu *vcpu, const struct keg_vcpu_config *config)
{
	bool chosen = config->flags & KEG_VCPU_WITH_ID;
	int rc = keg_vm_start(vcpu->vm);

	if (rc)
		return rc;
	do {
		rc = chosen ? keg_vm_take_vcpu_id(vcpu->vm, config->id)
			    : keg_vm_alloc_vcpu_id(vcpu->vm);
		if (rc < 0)
			return rc;
		vcpu->id = chosen ? config->id : (uint32_t)rc;
		rc = create_with_id(vcpu);
	} while (rc == -EEXIST && !chosen);
	return rc;
}

int keg_vcpu_create(
	struct keg_vm *vm, const struct keg_vcpu_config *given, struct keg_vcpu **result)
{
	struct keg_vcpu_config config = {.flags = 0};
	struct keg_vcpu *vcpu;
	int rc;

	*result = NULL;
	if (given) {
		rc = keg_config_copy(
			&config, sizeof(config), given, given->size, "struct keg_vcpu_config");
		if (rc)
			return rc;
	}
	if (config.flags & ~(uint32_t)KEG_VCPU_WITH_ID)
		return keg_fail(EINVAL, "struct keg_vcpu_config: unknown flags 0x%x", config.flags);
	vcpu = calloc(1, sizeof(*vcpu));
	if (!vcpu)
		return keg_fail_errno(ENOMEM, "making a vCPU");
	vcpu->vm = vm;
	rc = create_in_kvm(vcpu, &config);
	if (rc) {
		free(vcpu);
		return rc;
	}
	*result = vcpu;
	return 0;
}

void keg_vcpu_destroy(struct keg_vcpu *vcpu)
{
	if (!vcpu)
		return;
	keg_run_timer_destroy(vcpu);
	if (vcpu->dirty)
		munmap(vcpu->dirty, dirty_bytes(vcpu));
	munmap(vcpu->run, vcpu->run_bytes);
	close(vcpu->fd);
	free(vcpu);
}

int keg_vcpu_fd(const struct keg_vcpu *vcpu)
{
	return vcpu->fd;
}

uint32_t keg_vcpu_id(const struct keg_vcpu *vcpu)
{
	return vcpu->id;
}

struct keg_vm *keg_vcpu_vm(const struct keg_vcpu *vcpu)
{
	return vcpu->vm;
}

struct kvm_run *keg_vcpu_kvm_run(struct keg_vcpu *vcpu)
{
	return vcpu->run;
}
