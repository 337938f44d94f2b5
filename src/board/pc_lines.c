/* SPDX-License-Identifier: MIT */
/*
 * The PC's interrupts: lines that devices share, the routes of their pins, and, where the I/O APIC
 * is in this process, what it sends.
 */
#include <string.h>

#include <keg/irq.h>

#include "base/error.h"
#include "board/pc.h"

enum { PIC_PINS = 8, PICS = 2 };

/* ---- Lines ---- */

static void set_line(struct pc_lines *lines, uint32_t gsi, bool high)
{
	if (lines->ioapic)
		keg_ioapic_set(lines->ioapic, gsi, high);
	else
		(void)keg_vm_set_irq_line(lines->board->vm, gsi, high);
}

/* With the lock held, so that levels arrive in the order in which they came about. */
static void set_input(void *context, bool high)
{
	struct pc_input *input = context;
	struct pc_lines *lines = input->lines;
	uint32_t before;

	pthread_mutex_lock(&lines->lock);
	before = lines->high[input->gsi];
	if (high != input->high) {
		input->high = high;
		lines->high[input->gsi] = high ? before + 1 : before - 1;
	}
	if (!before != !lines->high[input->gsi])
		set_line(lines, input->gsi, high);
	pthread_mutex_unlock(&lines->lock);
}

struct keg_irq keg_pc_input_connect(struct pc *pc, struct pc_input *input, uint32_t gsi)
{
	*input = (struct pc_input){.lines = &pc->lines, .gsi = gsi};
	return (struct keg_irq){.set = set_input, .context = input};
}

/* ---- The routes of the pins ---- */

/* What KVM has for its own interrupt controllers: both PICs' pins, and the I/O APIC's. */
static size_t full_pins(struct kvm_irq_routing_entry *pins)
{
	size_t count = 0;

	for (uint32_t gsi = 0; gsi < PIC_PINS * PICS; gsi++) {
		struct kvm_irq_routing_entry *pin = &pins[count++];

		pin->gsi = gsi;
		pin->type = KVM_IRQ_ROUTING_IRQCHIP;
		pin->u.irqchip.irqchip =
			gsi < PIC_PINS ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE;
		pin->u.irqchip.pin = gsi % PIC_PINS;
	}
	for (uint32_t gsi = 0; gsi < PC_GSIS; gsi++) {
		struct kvm_irq_routing_entry *pin = &pins[count++];

		pin->gsi = gsi;
		pin->type = KVM_IRQ_ROUTING_IRQCHIP;
		pin->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		pin->u.irqchip.pin = gsi;
	}
	return count;
}

/* ---- A split irqchip ---- */

static void send_message(void *context, uint64_t address, uint32_t data)
{
	struct pc *pc = context;

	(void)keg_vm_signal_msi(pc->board->vm, address, data);
}

/*
 * KVM looks at the pins' routes to know of which vectors it is to tell the end of interrupt. One
 * that is masked for the moment keeps its own; one that was never used has none.
 */
static void split_pins(struct pc *pc, struct kvm_irq_routing_entry pins[PC_GSIS])
{
	for (uint32_t pin = 0; pin < PC_GSIS; pin++) {
		uint64_t address;
		uint32_t data;
		bool idle;

		keg_ioapic_get_message(&pc->ioapic, pin, &address, &data, &idle);
		keg_board_msi_route(&pins[pin], pin, idle ? 0 : address, idle ? 0 : data);
	}
}

static void pins_changed(void *context)
{
	struct kvm_irq_routing_entry pins[PC_GSIS];
	struct pc *pc = context;

	split_pins(pc, pins);
	(void)keg_board_routes_set_pins(&pc->routes, pins);
}

static int init_split(struct pc *pc)
{
	const struct keg_ioapic_output output = {
		.send = send_message, .changed = pins_changed, .context = pc};
	int rc = keg_ioapic_init(&pc->ioapic, &output);

	if (rc)
		return rc;
	pc->lines.ioapic = &pc->ioapic;
	return keg_vm_split_irqchip(pc->board->vm, PC_GSIS);
}

static int init_full(struct pc *pc)
{
	int rc = keg_vm_create_irqchip(pc->board->vm);

	/* With port 0x61, where its channel 2 is started and looked at. */
	return rc ? rc : keg_vm_create_pit(pc->board->vm, KVM_PIT_SPEAKER_DUMMY);
}

int keg_pc_lines_init(struct pc *pc)
{
	struct kvm_irq_routing_entry pins[PIC_PINS * PICS + PC_GSIS];
	bool split = pc->board->config.flags & KEG_BOARD_SPLIT_IRQCHIP;
	int rc = pthread_mutex_init(&pc->lines.lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making a lock");
	pc->lines.board = pc->board;
	memset(pins, 0, sizeof(pins));
	rc = split ? init_split(pc) : init_full(pc);
	if (!rc && split)
		split_pins(pc, pins);
	if (!rc)
		rc = keg_board_routes_init(&pc->routes, pc->board->vm, pins,
			split ? PC_GSIS : full_pins(pins), PC_GSIS);
	if (rc)
		keg_pc_lines_fini(pc);
	return rc;
}

void keg_pc_lines_fini(struct pc *pc)
{
	if (pc->lines.ioapic)
		keg_ioapic_fini(&pc->ioapic);
	keg_board_routes_fini(&pc->routes);
	pthread_mutex_destroy(&pc->lines.lock);
}
