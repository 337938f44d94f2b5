/* SPDX-License-Identifier: MIT */
/* Exits in words. */
#include <inttypes.h>
#include <stdio.h>

#include "kvm/vcpu.h"

/* Every reason of the kernel's header, whatever architecture it belongs to, and keg's own. */
static const struct {
	uint32_t reason;
	const char *name;
} names[] = {
	{KVM_EXIT_UNKNOWN, "unknown"},
	{KVM_EXIT_EXCEPTION, "exception"},
	{KVM_EXIT_IO, "io"},
	{KVM_EXIT_HYPERCALL, "hypercall"},
	{KVM_EXIT_DEBUG, "debug"},
	{KVM_EXIT_HLT, "hlt"},
	{KVM_EXIT_MMIO, "mmio"},
	{KVM_EXIT_IRQ_WINDOW_OPEN, "irq-window-open"},
	{KVM_EXIT_SHUTDOWN, "shutdown"},
	{KVM_EXIT_FAIL_ENTRY, "fail-entry"},
	{KVM_EXIT_INTR, "intr"},
	{KVM_EXIT_SET_TPR, "set-tpr"},
	{KVM_EXIT_TPR_ACCESS, "tpr-access"},
	{KVM_EXIT_S390_SIEIC, "s390-sieic"},
	{KVM_EXIT_S390_RESET, "s390-reset"},
	{KVM_EXIT_DCR, "dcr"},
	{KVM_EXIT_NMI, "nmi"},
	{KVM_EXIT_INTERNAL_ERROR, "internal-error"},
	{KVM_EXIT_OSI, "osi"},
	{KVM_EXIT_PAPR_HCALL, "papr-hcall"},
	{KVM_EXIT_S390_UCONTROL, "s390-ucontrol"},
	{KVM_EXIT_WATCHDOG, "watchdog"},
	{KVM_EXIT_S390_TSCH, "s390-tsch"},
	{KVM_EXIT_EPR, "epr"},
	{KVM_EXIT_SYSTEM_EVENT, "system-event"},
	{KVM_EXIT_S390_STSI, "s390-stsi"},
	{KVM_EXIT_IOAPIC_EOI, "ioapic-eoi"},
	{KVM_EXIT_HYPERV, "hyperv"},
	{KVM_EXIT_ARM_NISV, "arm-nisv"},
	{KVM_EXIT_X86_RDMSR, "rdmsr"},
	{KVM_EXIT_X86_WRMSR, "wrmsr"},
	{KVM_EXIT_DIRTY_RING_FULL, "dirty-ring-full"},
	{KVM_EXIT_AP_RESET_HOLD, "ap-reset-hold"},
	{KVM_EXIT_X86_BUS_LOCK, "bus-lock"},
	{KVM_EXIT_XEN, "xen"},
	{KVM_EXIT_RISCV_SBI, "riscv-sbi"},
	{KVM_EXIT_RISCV_CSR, "riscv-csr"},
	{KVM_EXIT_NOTIFY, "notify"},
	{KVM_EXIT_LOONGARCH_IOCSR, "loongarch-iocsr"},
	{KVM_EXIT_MEMORY_FAULT, "memory-fault"},
	{KVM_EXIT_TDX, "tdx"},
	{KEG_EXIT_KICKED, "kicked"},
	{KEG_EXIT_TIMEOUT, "timeout"},
	{KEG_EXIT_STEPPED, "stepped"},
};

const char *keg_exit_name(uint32_t reason)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].reason == reason)
			return names[i].name;
	}
	return NULL;
}

/* KVM_INTERNAL_ERROR_, from 1 on. */
static const char *const suberrors[] = {
	NULL,
	"KVM's emulator does not know an instruction",
	"an interrupt came in the midst of one that cannot be nested",
	"an event could not be delivered",
	"the hardware left the guest for a reason that KVM does not know",
};

static int describe_io(const struct keg_exit *exit, char *text, size_t size)
{
	int used = snprintf(text, size, "port %s of %u byte%s at 0x%x",
		exit->io.write ? "write" : "read", exit->io.bytes, exit->io.bytes == 1 ? "" : "s",
		exit->io.port);

	if (exit->io.count == 1 || used < 0 || (size_t)used >= size)
		return used;
	return used + snprintf(text + used, size - (size_t)used, ", %u times", exit->io.count);
}

static int describe_mmio(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size, "memory-mapped %s of %u byte%s at 0x%" PRIx64,
		exit->mmio.write ? "write" : "read", exit->mmio.bytes,
		exit->mmio.bytes == 1 ? "" : "s", exit->mmio.address);
}

static int describe_unknown(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size,
		"the hardware left the guest for reason 0x%" PRIx64 ", which KVM does not handle",
		exit->hardware.reason);
}

static int describe_fail_entry(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size,
		"the hardware refused to enter the guest on CPU %u, for reason 0x%" PRIx64
		" (usually registers that contradict each other)",
		exit->hardware.cpu, exit->hardware.reason);
}

/* The instruction's bytes, where KVM gives them
 * (KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES). */
static int describe_instruction(const struct keg_exit *exit, char *text, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)&exit->internal.data[1];
	int used;

	if (exit->internal.suberror != KVM_INTERNAL_ERROR_EMULATION || exit->internal.count < 3 ||
		!(exit->internal.data[0] & 1) || bytes[0] > 15)
		return 0;
	used = snprintf(text, size, ": instruction bytes");
	for (unsigned int i = 1; i <= bytes[0] && used > 0 && (size_t)used < size; i++)
		used += snprintf(text + used, size - (size_t)used, " %02x", bytes[i]);
	return used;
}

static int describe_internal(const struct keg_exit *exit, char *text, size_t size)
{
	uint32_t suberror = exit->internal.suberror;
	bool known = suberror && suberror < sizeof(suberrors) / sizeof(suberrors[0]);
	int used = snprintf(text, size, "KVM internal error %u: %s", suberror,
		known ? suberrors[suberror] : "keg knows no words for it");

	if (used < 0 || (size_t)used >= size)
		return used;
	return used + describe_instruction(exit, text + used, size - (size_t)used);
}

static int describe_system_event(const struct keg_exit *exit, char *text, size_t size)
{
	static const char *const types[] = {
		[KVM_SYSTEM_EVENT_SHUTDOWN] = "power-off",
		[KVM_SYSTEM_EVENT_RESET] = "reset",
		[KVM_SYSTEM_EVENT_CRASH] = "crash",
		[KVM_SYSTEM_EVENT_WAKEUP] = "wake-up",
		[KVM_SYSTEM_EVENT_SUSPEND] = "suspend",
	};
	uint32_t type = exit->system_event.type;
	bool known = type < sizeof(types) / sizeof(types[0]) && types[type];

	if (!known)
		return snprintf(text, size, "system event %u", type);
	return snprintf(text, size, "the guest asks for %s", types[type]);
}

static int describe_msr(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size, "%s of MSR 0x%x",
		exit->reason == KEG_EXIT_X86_RDMSR ? "read" : "write", exit->msr.index);
}

static int describe_memory_fault(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size,
		"the guest's access to 0x%" PRIx64 " bytes at 0x%" PRIx64 " cannot be served",
		exit->memory_fault.bytes, exit->memory_fault.address);
}

static int describe_nisv(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size,
		"an access to 0x%" PRIx64 " by an instruction that the hardware does not decode "
		"(syndrome 0x%" PRIx64 ")",
		exit->nisv.address, exit->nisv.syndrome);
}

static int describe_debug(const struct keg_exit *exit, char *text, size_t size)
{
	return snprintf(text, size, "debug exception %u at 0x%" PRIx64, exit->debug.exception,
		exit->debug.pc);
}

static int (*const describers[])(const struct keg_exit *, char *, size_t) = {
	[KVM_EXIT_UNKNOWN] = describe_unknown,
	[KVM_EXIT_IO] = describe_io,
	[KVM_EXIT_MMIO] = describe_mmio,
	[KVM_EXIT_DEBUG] = describe_debug,
	[KVM_EXIT_FAIL_ENTRY] = describe_fail_entry,
	[KVM_EXIT_INTERNAL_ERROR] = describe_internal,
	[KVM_EXIT_SYSTEM_EVENT] = describe_system_event,
	[KVM_EXIT_X86_RDMSR] = describe_msr,
	[KVM_EXIT_X86_WRMSR] = describe_msr,
	[KVM_EXIT_MEMORY_FAULT] = describe_memory_fault,
	[KVM_EXIT_ARM_NISV] = describe_nisv,
};

int keg_exit_describe(const struct keg_exit *exit, char *text, size_t size)
{
	uint32_t reason = exit->reason;
	const char *name = keg_exit_name(reason);

	if (reason < sizeof(describers) / sizeof(describers[0]) && describers[reason])
		return describers[reason](exit, text, size);
	if (reason == KEG_EXIT_SHUTDOWN)
		return snprintf(text, size, "the guest shut down (x86: a triple fault)");
	if (name)
		return snprintf(text, size, "%s", name);
	return snprintf(text, size, "exit reason %u, which this keg does not know", reason);
}
