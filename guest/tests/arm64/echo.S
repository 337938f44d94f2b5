/* SPDX-License-Identifier: MIT */
/* Sends back what it reads from the serial port by interrupts, until it reads a q. */
#include "machine.inc"

/* Arm IHI 0069: the distributor, and the first processor's redistributor. */
#define GICD_CTLR       0x08000000
#define GICD_IGROUPR1   0x08000084
#define GICD_ISENABLER1 0x08000104
#define GICD_IPRIORITYR 0x08000400
#define GICD_IROUTER    0x08006000
#define GICR_WAKER      0x080a0014

/* The PL011's interrupt: shared interrupt 1. */
#define UART_INTID 33

.macro set address, value
	ldr x0, =\address
	ldr w1, =\value
	str w1, [x0]
.endm

_start:
	adr x0, vectors
	msr vbar_el1, x0
	isb
	/* Affinity routing and group 1; the interrupt in it, on, and to processor 0. */
	set GICD_CTLR, 0x12
	set GICR_WAKER, 0
	set GICD_IGROUPR1, 1 << (UART_INTID - 32)
	set GICD_IPRIORITYR + 32, 0x80808080
	ldr x0, =(GICD_IROUTER + 8 * UART_INTID)
	str xzr, [x0]
	set GICD_ISENABLER1, 1 << (UART_INTID - 32)
	/* ICC_SRE_EL1, ICC_PMR_EL1, ICC_IGRPEN1_EL1 */
	mov x0, #7
	msr S3_0_C12_C12_5, x0
	isb
	mov x0, #0xff
	msr S3_0_C4_C6_0, x0
	mov x0, #1
	msr S3_0_C12_C12_7, x0
	isb
	print ready
	/* UARTLCR_H without FIFOs, UARTCR, UARTIMSC: received characters. */
	set UART + 0x2c, 0x60
	set UART + 0x30, 0x301
	set UART + 0x38, 0x50
	mov x19, #0
1:	wfi
	msr daifclr, #2
	isb
	msr daifset, #2
	cbz x19, 1b
	firmware SYSTEM_OFF

interrupt:
	mrs x10, S3_0_C12_C12_0
	mov x11, #UART
	/* Cleared first, so that what comes while the rest is read interrupts again. */
	mov w12, #0x7ff
	str w12, [x11, #0x44]
2:	ldr w12, [x11, #0x18]
	tbnz w12, #4, 3f
	ldr w12, [x11]
	and w12, w12, #0xff
	str w12, [x11]
	cmp w12, #'q'
	b.ne 2b
	mov x19, #1
	b 2b
3:	msr S3_0_C12_C12_1, x10
	eret

ready:
	.asciz "ready\n"

	.balign 2048
vectors:
	.rept 16
	.balign 128
	b interrupt
	.endr
