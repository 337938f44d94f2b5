/* SPDX-License-Identifier: MIT */
/* Fuzzes the I/O APIC: the input is what a guest, its devices and its local APICs do. */
#include "dev/ioapic.h"

#include "fuzzing.h"

enum { READ, WRITE, SET, EOI, ENTRY, STEPS };
enum { REMOTE_IRR = 1 << 14, LEVEL = 1 << 15, MASKED = 1 << 16 };

struct other {
	struct keg_ioapic ioapic;
	uint32_t high; /* the lines */
	bool telling;
	uint8_t rises; /* the line that does, while changes are told */
};

/* Messages go to local APICs only, and none from a pin that is being told of. */
static void send(void *context, uint64_t address, uint32_t data)
{
	struct other *other = context;

	fuzz_check((address & ~0xff004ULL) == 0xfee00000);
	fuzz_check((data & ~0xc7ffU) == 0);
	if (!other->telling)
		return;
	for (uint32_t i = 0; i < KEG_IOAPIC_PINS; i++) {
		if (other->ioapic.pins[i].held)
			fuzz_check(other->rises != i);
	}
}

static void set(struct other *other, uint32_t what)
{
	uint32_t pin = (what & 0x1f) % KEG_IOAPIC_PINS;
	bool high = what >> 7;

	other->high = (other->high & ~(1U << pin)) | (uint32_t)high << pin;
	keg_ioapic_set(&other->ioapic, pin, high);
}

static void changed(void *context)
{
	struct other *other = context;
	uint64_t address;
	uint32_t data;
	bool idle;

	for (uint32_t i = 0; i < KEG_IOAPIC_PINS; i++)
		keg_ioapic_get_message(&other->ioapic, i, &address, &data, &idle);
	other->telling = true;
	set(other, other->rises | 0x80U);
	other->telling = false;
}

static void write_register(struct other *other, uint32_t index, uint32_t value)
{
	keg_ioapic_ops.write(&other->ioapic, 0x00, index, 4);
	keg_ioapic_ops.write(&other->ioapic, 0x10, value, 4);
}

static void step(struct other *other, struct fuzz_input *input)
{
	uint32_t what = (uint32_t)fuzz_take(input, 1), bytes = 1U << (what >> 4 & 3);
	uint64_t offset;

	switch (what % STEPS) {
	case READ:
		offset = fuzz_take(input, 1) % (KEG_IOAPIC_SIZE - bytes + 1);
		(void)keg_ioapic_ops.read(&other->ioapic, offset, bytes);
		break;
	case WRITE:
		offset = fuzz_take(input, 1) % (KEG_IOAPIC_SIZE - bytes + 1);
		keg_ioapic_ops.write(&other->ioapic, offset, fuzz_take(input, bytes), bytes);
		break;
	case SET:
		set(other, (uint32_t)fuzz_take(input, 1));
		break;
	case EOI:
		keg_ioapic_eoi(&other->ioapic, (uint8_t)fuzz_take(input, 1));
		break;
	default:
		offset = fuzz_take(input, 1);
		write_register(other, (uint32_t)offset & 0x3f, (uint32_t)fuzz_take(input, 4));
	}
}

/* No level that is high and may be sent waits for anything but its end. */
static void check_pins(const struct other *other)
{
	for (uint32_t i = 0; i < KEG_IOAPIC_PINS; i++) {
		const struct keg_ioapic_pin *pin = &other->ioapic.pins[i];
		bool level = pin->entry & LEVEL && (pin->entry >> 8 & 7) <= 1;

		fuzz_check(!pin->held && !pin->edge);
		fuzz_check(pin->high == (other->high >> i & 1));
		fuzz_check(!(pin->entry & REMOTE_IRR) || level);
		if (level && pin->high && !(pin->entry & MASKED))
			fuzz_check(pin->entry & REMOTE_IRR);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct other other = {0};
	const struct keg_ioapic_output output = {send, changed, &other};

	other.rises = (uint8_t)(fuzz_take(&input, 1) % KEG_IOAPIC_PINS);
	fuzz_check(keg_ioapic_init(&other.ioapic, &output) == 0);
	while (input.left) {
		step(&other, &input);
		check_pins(&other);
	}
	keg_ioapic_fini(&other.ioapic);
	return 0;
}
