/* SPDX-License-Identifier: MIT */
/* The layouts of ACPI's tables (ACPI 6.4, section 5.2), as far as a PC's are made of them. */
#ifndef KEG_BOOT_ACPI_TABLES_H
#define KEG_BOOT_ACPI_TABLES_H

#include <assert.h>
#include <stdint.h>

#define ACPI_OEM_ID       "KEG   "
#define ACPI_OEM_TABLE_ID "KEGPC   "
#define ACPI_CREATOR_ID   "KEG "

/* Texts fill their fields: there is no terminator. */
#define ACPI_PACKED __attribute__((packed))

enum {
	ACPI_ALIGNMENT = 16, /* of the RSDP; others have none */
	ACPI_FACS_ALIGNMENT = 64,
	ACPI_RSDP_FIRST_BYTES = 20, /* those of ACPI 1.0, with a checksum of their own */

	/* Generic addresses. */
	ACPI_SPACE_IO = 1,
	ACPI_ACCESS_BYTE = 1,
	ACPI_ACCESS_WORD = 2,
	ACPI_ACCESS_DWORD = 3,

	/* FADT. */
	ACPI_PM1_EVENT_BYTES = 4,
	ACPI_PM1_CONTROL_BYTES = 2,
	ACPI_PM_TIMER_BYTES = 4,
	ACPI_NO_C2 = 101,  /* microseconds beyond which there is no C2 state */
	ACPI_NO_C3 = 1001, /* the same for C3 */
	ACPI_CMOS_CENTURY = 0x32,

	ACPI_BOOT_LEGACY_DEVICES = 1 << 0,
	ACPI_BOOT_NO_VGA = 1 << 2,
	ACPI_BOOT_NO_ASPM = 1 << 4,
	ACPI_BOOT_NO_RTC = 1 << 5,

	/* The power button is a fixed one without a flag. */
	ACPI_FADT_WBINVD = 1 << 0,
	ACPI_FADT_PROC_C1 = 1 << 2,
	ACPI_FADT_NO_SLEEP_BUTTON = 1 << 5,
	ACPI_FADT_NO_FIXED_RTC = 1 << 6,
	ACPI_FADT_TIMER_32_BITS = 1 << 8,
	ACPI_FADT_RESET_REGISTER = 1 << 10,

	/* MADT. */
	ACPI_MADT_PCAT_COMPAT = 1 << 0,
	ACPI_MADT_ENABLED = 1 << 0,
	ACPI_MADT_ACTIVE_HIGH = 1 << 0,
	ACPI_MADT_LEVEL = 3 << 2,
	ACPI_FIRST_X2APIC = 255, /* of the ids that only an x2APIC can have */
};

/* Section 5.2.5.3. */
struct ACPI_PACKED acpi_rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
	uint8_t extended_checksum, reserved[3];
};
static_assert(sizeof(struct acpi_rsdp) == 36, "table 5.27");

/* Section 5.2.6. */
struct ACPI_PACKED acpi_header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem_id[6], oem_table_id[8];
	uint32_t oem_revision;
	char creator_id[4];
	uint32_t creator_revision;
};
static_assert(sizeof(struct acpi_header) == 36, "table 5.28");

/* Section 5.2.3.2. */
struct ACPI_PACKED acpi_address {
	uint8_t space, bits, offset, access;
	uint64_t address;
};

/* Section 5.2.10. */
struct ACPI_PACKED acpi_facs {
	char signature[4];
	uint32_t length, hardware_signature, waking_vector, global_lock, flags;
	uint64_t x_waking_vector;
	uint8_t version, reserved[31];
};
static_assert(sizeof(struct acpi_facs) == 64, "table 5.35");

/* Section 5.2.9, after the header. */
struct ACPI_PACKED acpi_fadt_body {
	uint32_t facs, dsdt;
	uint8_t reserved, pm_profile;
	uint16_t sci;
	uint32_t smi_command;
	uint8_t acpi_enable, acpi_disable, s4bios, pstate_control;
	uint32_t pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm2_control, pm_timer, gpe0,
		gpe1;
	uint8_t pm1_event_bytes, pm1_control_bytes, pm2_control_bytes, pm_timer_bytes, gpe0_bytes,
		gpe1_bytes, gpe1_base, cst_control;
	uint16_t c2_latency, c3_latency, flush_size, flush_stride;
	uint8_t duty_offset, duty_width, day_alarm, month_alarm, century;
	uint16_t boot_flags;
	uint8_t reserved2;
	uint32_t flags;
	struct acpi_address reset_register;
	uint8_t reset_value;
	uint16_t arm_boot_flags;
	uint8_t minor_version;
	uint64_t x_facs, x_dsdt;
	struct acpi_address x_pm1a_event, x_pm1b_event, x_pm1a_control, x_pm1b_control,
		x_pm2_control, x_pm_timer, x_gpe0, x_gpe1, sleep_control, sleep_status;
	uint64_t hypervisor;
};
static_assert(sizeof(struct acpi_header) + sizeof(struct acpi_fadt_body) == 276, "table 5.33");

/* Section 5.2.12. */
struct ACPI_PACKED acpi_madt_body {
	uint32_t local_apic_address, flags;
};
struct ACPI_PACKED acpi_madt_local_apic {
	uint8_t type, length, uid, id;
	uint32_t flags;
};
struct ACPI_PACKED acpi_madt_io_apic {
	uint8_t type, length, id, reserved;
	uint32_t address, gsi_base;
};
struct ACPI_PACKED acpi_madt_override {
	uint8_t type, length, bus, source;
	uint32_t gsi;
	uint16_t flags;
};
struct ACPI_PACKED acpi_madt_nmi {
	uint8_t type, length, uid;
	uint16_t flags;
	uint8_t lint;
};
struct ACPI_PACKED acpi_madt_x2apic {
	uint8_t type, length;
	uint16_t reserved;
	uint32_t id, flags, uid;
};
struct ACPI_PACKED acpi_madt_x2apic_nmi {
	uint8_t type, length;
	uint16_t flags;
	uint32_t uid;
	uint8_t lint, reserved[3];
};

/* PCI Firmware 3.2, table 4-2, after the header, with one range of buses. */
struct ACPI_PACKED acpi_mcfg_body {
	uint8_t reserved[8];
	uint64_t address;
	uint16_t segment;
	uint8_t first_bus, last_bus, reserved2[4];
};

#endif
