/* SPDX-License-Identifier: MIT */
/* The generic timer's virtual timer, and the GICv3 that brings its interrupts. */
#include "machine.h"
#include "report.h"

void interrupt_taken(void);

/* Arm IHI 0069, chapter 12: the distributor, and the first processor's redistributor. */
enum {
	GICD_CTLR = 0x08000000,
	GICR_WAKER = 0x080a0014,
	GICR_IGROUPR0 = 0x080b0080,
	GICR_ISENABLER0 = 0x080b0100,
	GICR_IPRIORITYR6 = 0x080b0418,
};
enum { GROUP_1 = 1 << 1, AFFINITY_ROUTING = 1 << 4, PROCESSOR_SLEEP = 1 << 1 };
enum { CHILDREN_ASLEEP = 1 << 2 };

/* The virtual timer's interrupt, private to each processor. */
enum { TIMER_INTID = 27, SPURIOUS = 1020 };

/* Ten ticks of one millisecond; a second is patience enough for the first. */
enum { TICKS = 10, RATE = 1000 };

static volatile uint32_t ticks;
static uint64_t period;

static void gic_init(void)
{
	*word(GICD_CTLR) = AFFINITY_ROUTING | GROUP_1;
	*word(GICR_WAKER) &= ~(uint32_t)PROCESSOR_SLEEP;
	for (int i = 0; i < 1000 && *word(GICR_WAKER) & CHILDREN_ASLEEP; i++)
		;
	*word(GICR_IGROUPR0) = UINT32_MAX;
	*word(GICR_IPRIORITYR6) = 0x80808080;
	*word(GICR_ISENABLER0) = 1u << TIMER_INTID;
	write_register("S3_0_C12_C12_5", 7);  /* ICC_SRE_EL1: registers, not memory */
	write_register("S3_0_C4_C6_0", 0xff); /* ICC_PMR_EL1: all priorities */
	write_register("S3_0_C12_C12_7", 1);  /* ICC_IGRPEN1_EL1 */
}

void interrupt_taken(void)
{
	uint32_t intid = read_register("S3_0_C12_C12_0") & 0xffffff; /* ICC_IAR1_EL1 */

	if (intid >= SPURIOUS)
		return;
	if (intid == TIMER_INTID) {
		ticks++;
		write_register("cntv_tval_el0", period);
	}
	write_register("S3_0_C12_C12_1", intid); /* ICC_EOIR1_EL1 */
}

/* Sleeps until the number of ticks: an interrupt that is masked still ends wfi. */
static void sleep_until(uint32_t wanted)
{
	interrupts_off();
	while (ticks < wanted) {
		__asm__ volatile("wfi" : : : "memory");
		interrupts_on();
		interrupts_off();
	}
}

static void put_milliseconds(uint64_t counts)
{
	uint64_t tenths = counts * 10000 / counter_frequency();

	put(", in ");
	put_number((uint32_t)(tenths / 10), 1);
	put(".");
	put_number((uint32_t)(tenths % 10), 1);
	put(" ms");
}

bool timer_test(void)
{
	uint64_t start = counter();

	gic_init();
	period = counter_frequency() / RATE;
	write_register("cntv_tval_el0", period);
	write_register("cntv_ctl_el0", 1);
	interrupts_on();
	while (!ticks && counter() - start < counter_frequency())
		;
	verdict(ticks != 0, "timer");
	if (!ticks) {
		put("no interrupt from the virtual timer\n");
		return false;
	}
	start = counter();
	sleep_until(ticks + TICKS);
	put_number(TICKS, 1);
	put(" interrupts while halted");
	put_milliseconds(counter() - start);
	put("\n");
	write_register("cntv_ctl_el0", 0);
	return true;
}
