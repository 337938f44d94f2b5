/* SPDX-License-Identifier: MIT */
/* What scenarios need of x86-64. */
#include "fault/rig.h"

#include <keg/irq.h>

/* KVM API, 4.68: an MSR, IA32_SYSENTER_CS; Linux 6.18 and later. */
const uint64_t rig_register = KVM_REG_X86 | KVM_REG_SIZE_U64 | 2ULL << 32 | 0x174;

int rig_declare_irqchip(struct rig *rig)
{
	return keg_vm_create_irqchip(rig->vm);
}

int rig_finish_irqchip(struct rig *rig)
{
	(void)rig;
	return 0;
}

uint32_t rig_irq_line(void)
{
	return 5;
}

uint32_t rig_irqchip_id(void)
{
	return KVM_IRQCHIP_IOAPIC;
}

struct guest_code rig_power_off(void)
{
	static const uint8_t code[] = {
		0x66, 0xba, 0xf8, 0x03, /* mov $0x3f8, %dx */
		0xb0, 0x2e,             /* mov $'.', %al */
		0xee,                   /* out %al, %dx */
		0x66, 0xba, 0x04, 0x06, /* mov $0x604, %dx */
		0x66, 0xb8, 0x00, 0x20, /* mov $0x2000, %ax */
		0x66, 0xef,             /* out %ax, %dx */
		0xf4,                   /* hlt */
	};

	return (struct guest_code){code, sizeof(code)};
}

struct guest_code rig_halt(void)
{
	static const uint8_t code[] = {
		0xfa, /* cli */
		0xf4, /* hlt */
	};

	return (struct guest_code){code, sizeof(code)};
}
