/* SPDX-License-Identifier: MIT */
/* The processor as its registers tell of it, its firmware, and its exceptions. */
#include "machine.h"
#include "report.h"

void synchronous_exception(void);
void unexpected_exception(void);

/* MIDR_EL1.Implementer (Arm ARM, DDI 0487, D17.2.100). */
static const struct {
	uint32_t code;
	const char *name;
} implementers[] = {
	{0x00, "software"},
	{0x41, "Arm"},
	{0x42, "Broadcom"},
	{0x43, "Cavium"},
	{0x46, "Fujitsu"},
	{0x48, "HiSilicon"},
	{0x4e, "NVIDIA"},
	{0x51, "Qualcomm"},
	{0x61, "Apple"},
	{0xc0, "Ampere"},
};

static void put_implementer(uint32_t code)
{
	for (unsigned int i = 0; i < sizeof(implementers) / sizeof(implementers[0]); i++) {
		if (implementers[i].code == code) {
			put(implementers[i].name);
			return;
		}
	}
	put("implementer ");
	put_hex(code);
}

static void firmware_report(void)
{
	uint64_t version = hypercall(PSCI_VERSION, 0, 0, 0).x0;
	struct answer vendor = hypercall(VENDOR_UID, 0, 0, 0);

	fact("hypervisor");
	/* 28b46fb6-2ec5-11e9-a9ca-4b564d003a74, as the kernel's KVM API has it. */
	put((uint32_t)vendor.x0 == 0xb66fb428 && (uint32_t)vendor.x1 == 0xe911c52e ? "KVM"
										   : "unknown");
	put(", PSCI ");
	put_number((uint32_t)version >> 16, 1);
	put(".");
	put_number(version & 0xffff, 1);
	put("\n");
}

void cpu_report(void)
{
	uint32_t midr = (uint32_t)read_register("midr_el1");

	fact("processor");
	put_implementer(midr >> 24);
	put(", part ");
	put_hex(midr >> 4 & 0xfff);
	put(", revision r");
	put_number(midr >> 20 & 0xf, 1);
	put("p");
	put_number(midr & 0xf, 1);
	put("\n");
	firmware_report();
}

/* ---- Exceptions ---- */

/* ESR_EL1.EC: data abort from the same exception level. */
enum { EC_SHIFT = 26, EC_DATA_ABORT = 0x25 };

static volatile bool probing, probe_aborted;

void unexpected_exception(void)
{
	put("\nFAILED: exception ");
	put_hex((uint32_t)read_register("esr_el1"));
	put(" at ");
	put_hex((uint32_t)read_register("elr_el1"));
	put("\n");
	hypercall(PSCI_RESET, 0, 0, 0);
}

/* An access that may abort is stepped over. */
void synchronous_exception(void)
{
	if (!probing || read_register("esr_el1") >> EC_SHIFT != EC_DATA_ABORT)
		unexpected_exception();
	probe_aborted = true;
	write_register("elr_el1", read_register("elr_el1") + 4);
}

uint64_t probe_read(uint64_t address, bool *aborted)
{
	uint64_t value = 0;

	probe_aborted = false;
	probing = true;
	__asm__ volatile("ldr %0, [%1]\n\tdsb sy" : "+r"(value) : "r"(address) : "memory");
	probing = false;
	*aborted = probe_aborted;
	return value;
}

void probe_write(uint64_t address, uint64_t value, bool *aborted)
{
	probe_aborted = false;
	probing = true;
	__asm__ volatile("str %0, [%1]\n\tdsb sy" : : "r"(value), "r"(address) : "memory");
	probing = false;
	*aborted = probe_aborted;
}
