/* SPDX-License-Identifier: MIT */
/* The processor as CPUID tells of it, and its interrupts and exceptions. */
#include "machine.h"
#include "report.h"

void exception_report(const uint32_t *frame);

/* Text that CPUID returns in registers, if there is any, after `before`. */
static void put_registers(const char *before, const uint32_t *registers, unsigned int count)
{
	char text[4 * 12 + 1];
	unsigned int start = 0;

	for (unsigned int i = 0; i < 4 * count; i++)
		text[i] = (char)(registers[i / 4] >> (i % 4 * 8));
	text[4 * count] = 0;
	while (text[start] == ' ')
		start++;
	if (!text[start])
		return;
	put(before);
	put(text + start);
}

static void put_brand(void)
{
	uint32_t words[12];

	if (cpuid(0x80000000).eax < 0x80000004)
		return;
	for (uint32_t i = 0; i < 3; i++) {
		struct cpuid answer = cpuid(0x80000002 + i);

		words[4 * i] = answer.eax;
		words[4 * i + 1] = answer.ebx;
		words[4 * i + 2] = answer.ecx;
		words[4 * i + 3] = answer.edx;
	}
	put_registers(", ", words, 12);
}

void cpu_report(void)
{
	struct cpuid answer = cpuid(0);
	uint32_t vendor[] = {answer.ebx, answer.edx, answer.ecx};

	fact("processor");
	put_registers("", vendor, 3);
	put_brand();
	put("\n");

	fact("hypervisor");
	if (cpuid(1).ecx >> 31) {
		uint32_t signature[3];

		answer = cpuid(0x40000000);
		signature[0] = answer.ebx;
		signature[1] = answer.ecx;
		signature[2] = answer.edx;
		put_registers("", signature, 3);
	} else {
		put("none that tells");
	}
	put("\n");
}

/* ---- Interrupts (Intel SDM volume 3, "Interrupt and exception handling") ---- */

static struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint16_t type;
	uint16_t offset_high;
} gates[256];

static void set_gate(uint32_t vector, uint32_t handler)
{
	gates[vector] = (struct gate){
		.offset_low = (uint16_t)handler,
		.selector = 8,
		.type = 0x8e00, /* present, a 32-bit interrupt gate */
		.offset_high = (uint16_t)(handler >> 16),
	};
}

void load_idt(void)
{
	struct {
		uint16_t limit;
		const void *base;
	} __attribute__((packed)) idt = {sizeof(gates) - 1, gates};

	__asm__ volatile("lidt %0" : : "m"(idt));
	*apic(APIC_SPURIOUS) = 0x100 | VECTOR_SPURIOUS;
}

void interrupts_init(void)
{
	for (uint32_t i = 0; i < 32; i++)
		set_gate(i, exception_stubs[i]);
	set_gate(VECTOR_TIMER, (uint32_t)timer_stub);
	set_gate(VECTOR_WAKE, (uint32_t)wake_stub);
	set_gate(VECTOR_SPURIOUS, (uint32_t)spurious_stub);
	/* Nothing from the two 8259s. */
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	load_idt();
}

/* The frame: the exception's number, its error code if it has one, EIP, CS, EFLAGS. */
void exception_report(const uint32_t *frame)
{
	const uint32_t with_error_code = 1u << 8 | 0x1fu << 10 | 1u << 17 | 1u << 21;
	uint32_t number = frame[0];

	put("\nFAILED: exception ");
	put_number(number, 1);
	put(" at ");
	put_hex(frame[with_error_code >> number & 1 ? 2 : 1]);
	put("\n");
	debug_exit(0x7f);
}
