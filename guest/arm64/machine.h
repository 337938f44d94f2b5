/* SPDX-License-Identifier: MIT */
/* The parts of the arm64 board that the default guest touches, and the parts of the guest. */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

/* ---- Instructions ---- */

#define read_register(name)                                                                        \
	({                                                                                         \
		uint64_t read_value;                                                               \
		__asm__ volatile("mrs %0, " name : "=r"(read_value) : : "memory");                 \
		read_value;                                                                        \
	})

#define write_register(name, value)                                                                \
	__asm__ volatile("msr " name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")

static inline volatile uint32_t *word(uint64_t address)
{
	return (volatile uint32_t *)address;
}

/* What was written before is seen by all before what is written afterwards. */
static inline void barrier(void)
{
	__asm__ volatile("dsb sy" : : : "memory");
}

/* Wakes all processors that wait, and waits until one does that. */
static inline void send_event(void)
{
	__asm__ volatile("dsb sy\n\tsev" : : : "memory");
}

static inline void wait_for_event(void)
{
	__asm__ volatile("wfe" : : : "memory");
}

static inline void interrupts_on(void)
{
	__asm__ volatile("msr daifclr, #2" : : : "memory");
}

static inline void interrupts_off(void)
{
	__asm__ volatile("msr daifset, #2" : : : "memory");
}

/* ---- Firmware: PSCI (Arm DEN 0022) and the SMC calling convention (Arm DEN 0028) ---- */

#define PSCI_VERSION    0x84000000u
#define PSCI_CPU_OFF    0x84000002u
#define PSCI_CPU_ON     0xc4000003u
#define PSCI_SYSTEM_OFF 0x84000008u
#define PSCI_RESET      0x84000009u
#define VENDOR_UID      0x8600ff01u

struct answer {
	uint64_t x0, x1, x2, x3;
};

struct answer hypercall(uint64_t function, uint64_t a, uint64_t b, uint64_t c);

/* ---- start.S ---- */

extern char image_end[];
extern uint64_t stacks; /* where the other processors' stacks begin */
void processor_start(void);
enum { STACK_BYTES = 1024, MAX_PROCESSORS = 512 };

/* ---- The guest's parts ---- */

/* Calls in which an access may be answered with an abort: 0 then, and *aborted is true. */
uint64_t probe_read(uint64_t address, bool *aborted);
void probe_write(uint64_t address, uint64_t value, bool *aborted);

void cpu_report(void);

/* Finds where memory ends, tells of it, and chooses the pages to test. */
void memory_init(void);

bool timer_test(void);
void timer_interrupt(void);

/* Starts the other processors, and has all do the memory test. `expected` is 0 if nobody said. */
void smp_test(uint32_t expected);
void io_test(void);

/* The generic timer's count, and how much it counts in a second. */
static inline uint64_t counter(void)
{
	__asm__ volatile("isb");
	return read_register("cntvct_el0");
}

static inline uint64_t counter_frequency(void)
{
	return read_register("cntfrq_el0");
}

#endif
