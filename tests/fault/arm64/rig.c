/* SPDX-License-Identifier: MIT */
/* What scenarios need of arm64. */
#include "fault/rig.h"

#include <keg/arm64.h>
#include <keg/irq.h>

const uint64_t rig_register = KEG_ARM64_CORE_REG(regs.pc);

int rig_declare_irqchip(struct rig *rig)
{
	(void)rig;
	return 0;
}

int rig_finish_irqchip(struct rig *rig)
{
	const struct keg_gicv3_config config = {
		.size = sizeof(config),
		.distributor = 0x08000000,
		.redistributor = 0x080a0000,
	};

	return keg_vm_create_gicv3(rig->vm, &config, &rig->device);
}

uint32_t rig_irq_line(void)
{
	return keg_arm64_irq(KEG_ARM64_IRQ_SPI, 0, 37);
}

uint32_t rig_irqchip_id(void)
{
	return 0;
}

struct guest_code rig_power_off(void)
{
	static const uint32_t code[] = {
		0xd2a12003, /* mov x3, #0x09000000 */
		0x528005c2, /* mov w2, #'.' */
		0xb9000062, /* str w2, [x3] */
		0x52800100, /* mov w0, #8 */
		0x72b08000, /* movk w0, #0x8400, lsl #16: PSCI SYSTEM_OFF */
		0xd4000002, /* hvc #0 */
	};

	return (struct guest_code){code, sizeof(code)};
}

struct guest_code rig_halt(void)
{
	static const uint32_t code[] = {
		0x52800040, /* mov w0, #2 */
		0x72b08000, /* movk w0, #0x8400, lsl #16: PSCI CPU_OFF */
		0xd4000002, /* hvc #0 */
	};

	return (struct guest_code){code, sizeof(code)};
}
