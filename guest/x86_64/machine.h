/* SPDX-License-Identifier: MIT */
/* The parts of a PC that the default guest touches, and the parts of the guest. */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- Instructions ---- */

static inline void out8(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void out16(uint16_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t in8(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid answer;

	__asm__ volatile("cpuid"
			 : "=a"(answer.eax), "=b"(answer.ebx), "=c"(answer.ecx), "=d"(answer.edx)
			 : "0"(leaf), "2"(0));
	return answer;
}

/* Adds to a number that all processors share; what it was before. */
static inline uint32_t add_shared(volatile uint32_t *number, uint32_t value)
{
	__asm__ volatile("lock xaddl %0, %1" : "+r"(value), "+m"(*number) : : "memory");
	return value;
}

static inline void interrupts_on(void)
{
	__asm__ volatile("sti" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("cli" : : : "memory");
}

/* Sleeps until an interrupt: none is taken between the two instructions. Off again afterwards. */
static inline void wait_for_interrupt(void)
{
	__asm__ volatile("sti; hlt; cli" : : : "memory");
}

/* ---- The local APIC (Intel SDM volume 3, chapter "APIC") ---- */

enum apic_register {
	APIC_SPURIOUS = 0xf0,
	APIC_COMMAND = 0x300,
	APIC_LVT_TIMER = 0x320,
	APIC_TIMER_INITIAL = 0x380,
	APIC_TIMER_CURRENT = 0x390,
	APIC_TIMER_DIVIDE = 0x3e0,
};

static inline volatile uint32_t *apic(enum apic_register offset)
{
	return (volatile uint32_t *)(0xfee00000u + offset);
}

/* ---- start.S ---- */

enum { VECTOR_TIMER = 0x40, VECTOR_WAKE = 0x41, VECTOR_SPURIOUS = 0xff };

extern volatile uint32_t ticks;      /* timer interrupts so far */
extern volatile uint32_t processors; /* that run, the first included */
extern uint32_t stacks;              /* where the other processors' stacks begin */
extern const uint32_t exception_stubs[32];
extern const char trampoline[], trampoline_end[];
extern uint32_t stack_count; /* how many there are, the first processor's included */
void timer_stub(void);
void wake_stub(void);
void spurious_stub(void);

/* Where a processor that is started begins: a page number below 1 MiB. */
enum { TRAMPOLINE_PAGE = 8, STACK_BYTES = 1024 };

/* ---- The guest's parts ---- */

void interrupts_init(void);
void load_idt(void);

/* Tells of the processor and the hypervisor. */
void cpu_report(void);

/* Reads the Multiboot information: tells of the memory, and chooses the pages to test. */
void memory_init(const uint32_t *info, uint32_t magic);
/* How many processors there are, as the command line says; 0 if it does not. */
uint32_t memory_cpus(void);

/* Starts the timer, which then goes on; false if it gives no interrupts. */
bool timer_test(void);

/* Starts the other processors, and has all do the memory test. */
void smp_test(uint32_t expected, bool timer);

void io_report(void); /* the real-time clock */
void io_test(void);

_Noreturn void power_off(void);
_Noreturn void debug_exit(uint8_t value);

#endif
