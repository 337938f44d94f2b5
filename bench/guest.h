/* SPDX-License-Identifier: MIT */
/* The guests: a few instructions each, assembled in ARCH/guest.S; both arms run the same. */
#ifndef KEG_BENCH_GUEST_H
#define KEG_BENCH_GUEST_H

/* Where things are in a guest, from the start of its memory. */
#define GUEST_COUNTER 0x2000
#define GUEST_MEMORY  0x8000 /* bytes of it */
#define GUEST_WRITES  4096   /* of guest_writes, a round */
#define GUEST_REGIONS 256    /* that guest_exits visits */
#define GUEST_STRIDE  37     /* regions on from one visit to the next; odd, so it visits all */

/* Outside memory: the regions that guest_exits writes to, GUEST_REGION_BYTES each; the page that
 * guest_writes writes to; and where it says that a round is done. */
#ifdef __x86_64__
#define GUEST_MEMORY_START 0
#define GUEST_REGION_FIRST 0x1000 /* ports */
#define GUEST_REGION_BYTES 1
#define GUEST_PAGE         0x8000
#define GUEST_DONE         0xf4 /* a port */
#else
#define GUEST_MEMORY_START 0x40000000
#define GUEST_REGION_FIRST 0x09000000
#define GUEST_REGION_BYTES 16
#define GUEST_PAGE         0x0a000000
#define GUEST_DONE         0x0b000000
#endif

#ifndef __ASSEMBLER__
#include <stdint.h>

/*
 * Each has an address of its own, for an emulated host was seen to go on with what another guest
 * once had there (QEMU 7.2's TCG, arm64).
 */
struct guest {
	const uint8_t *begin, *end;
	uint32_t offset; /* from the start of memory */
};

/* Writes one byte to each region in turn, for ever. */
extern const struct guest guest_exits;
/* Counts at GUEST_COUNTER, for ever. */
extern const struct guest guest_spin;
/* Writes GUEST_WRITES times to the page, once to GUEST_DONE, and begins again. */
extern const struct guest guest_writes;
#endif

#endif
