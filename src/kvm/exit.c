/* SPDX-License-Identifier: MIT */
/* kvm_run's exits, typed: one decoder a reason (KVM API, 5, "The kvm_run structure"). */
#include "kvm/vcpu.h"

typedef void decoder(struct kvm_run *run, struct keg_exit *exit);

static void decode_io(struct kvm_run *run, struct keg_exit *exit)
{
	exit->io.port = run->io.port;
	exit->io.bytes = run->io.size;
	exit->io.write = run->io.direction == KVM_EXIT_IO_OUT;
	exit->io.count = run->io.count;
	exit->io.data = (uint8_t *)run + run->io.data_offset;
}

static void decode_mmio(struct kvm_run *run, struct keg_exit *exit)
{
	exit->mmio.address = run->mmio.phys_addr;
	exit->mmio.bytes = (uint8_t)run->mmio.len;
	exit->mmio.write = run->mmio.is_write;
	exit->mmio.data = run->mmio.data;
}

static void decode_unknown(struct kvm_run *run, struct keg_exit *exit)
{
	exit->hardware.reason = run->hw.hardware_exit_reason;
	exit->hardware.cpu = 0;
}

static void decode_fail_entry(struct kvm_run *run, struct keg_exit *exit)
{
	exit->hardware.reason = run->fail_entry.hardware_entry_failure_reason;
	exit->hardware.cpu = run->fail_entry.cpu;
}

static void decode_internal(struct kvm_run *run, struct keg_exit *exit)
{
	const uint32_t most = sizeof(run->internal.data) / sizeof(run->internal.data[0]);

	exit->internal.suberror = run->internal.suberror;
	exit->internal.count = run->internal.ndata < most ? run->internal.ndata : most;
	exit->internal.data = (const uint64_t *)run->internal.data;
}

static void decode_debug(struct kvm_run *run, struct keg_exit *exit)
{
	keg_arch_decode_debug(run, exit);
}

static void decode_hypercall(struct kvm_run *run, struct keg_exit *exit)
{
	exit->hypercall.nr = run->hypercall.nr;
	exit->hypercall.args = (const uint64_t *)run->hypercall.args;
	exit->hypercall.result = (uint64_t *)&run->hypercall.ret;
}

static void decode_system_event(struct kvm_run *run, struct keg_exit *exit)
{
	const uint32_t most = sizeof(run->system_event.data) / sizeof(run->system_event.data[0]);

	exit->system_event.type = run->system_event.type;
	exit->system_event.count = run->system_event.ndata < most ? run->system_event.ndata : most;
	exit->system_event.data = (const uint64_t *)run->system_event.data;
}

static void decode_msr(struct kvm_run *run, struct keg_exit *exit)
{
	exit->msr.index = run->msr.index;
	exit->msr.reason = run->msr.reason;
	exit->msr.data = (uint64_t *)&run->msr.data;
	exit->msr.error = &run->msr.error;
}

static void decode_memory_fault(struct kvm_run *run, struct keg_exit *exit)
{
	/* Newer than some headers: the union begins where `hw` does. */
	const struct keg_kvm_memory_fault *fault = (const void *)&run->hw;

	exit->memory_fault.flags = fault->flags;
	exit->memory_fault.address = fault->gpa;
	exit->memory_fault.bytes = fault->size;
}

static void decode_nisv(struct kvm_run *run, struct keg_exit *exit)
{
	exit->nisv.syndrome = run->arm_nisv.esr_iss;
	exit->nisv.address = run->arm_nisv.fault_ipa;
}

static void decode_eoi(struct kvm_run *run, struct keg_exit *exit)
{
	exit->eoi.vector = run->eoi.vector;
}

static decoder *const decoders[] = {
	[KVM_EXIT_UNKNOWN] = decode_unknown,
	[KVM_EXIT_IO] = decode_io,
	[KVM_EXIT_MMIO] = decode_mmio,
	[KVM_EXIT_FAIL_ENTRY] = decode_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = decode_internal,
	[KVM_EXIT_DEBUG] = decode_debug,
	[KVM_EXIT_HYPERCALL] = decode_hypercall,
	[KVM_EXIT_SYSTEM_EVENT] = decode_system_event,
	[KVM_EXIT_X86_RDMSR] = decode_msr,
	[KVM_EXIT_X86_WRMSR] = decode_msr,
	[KVM_EXIT_MEMORY_FAULT] = decode_memory_fault,
	[KVM_EXIT_ARM_NISV] = decode_nisv,
	[KVM_EXIT_IOAPIC_EOI] = decode_eoi,
};

void keg_exit_decode(struct kvm_run *run, struct keg_exit *exit)
{
	uint32_t reason = run->exit_reason;

	exit->reason = reason;
	if (reason < sizeof(decoders) / sizeof(decoders[0]) && decoders[reason])
		decoders[reason](run, exit);
}
