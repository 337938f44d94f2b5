/* SPDX-License-Identifier: MIT */
/*
 * The physical memory of a sandbox: one arena of pages that all its machines share, so that a
 * fork, a clone and a page of a file that several processes map cost a reference and no copy.
 *
 * A page has a number: its guest-physical address is number * KEG_PAGE in every machine. Page 0 is
 * never given out. Numbers that come back from guest memory (page tables) are hostile: every
 * function here takes any number, and does nothing with one that is not in use.
 *
 * Threads: any; a lock inside. The contents belong to whoever holds the page.
 */
#ifndef KEG_USER_PAGES_H
#define KEG_USER_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/vm.h>

#define KEG_PAGE       4096u
#define KEG_PAGE_SHIFT 12
#define KEG_LARGE      512u /* pages in a large page of 2 MiB */

/* Where KVM may have a page of its own, for local APICs: APM volume 2, 16.3.1. There is no page of
 * an arena's with this address. */
#define KEG_LOCAL_APIC 0xfee00000u

typedef uint32_t keg_page; /* a page's number; 0 is none */

struct keg_pages;

/* An arena of at most `limit` bytes, none of which the host has to back before it is used. */
int keg_pages_create(uint64_t limit, struct keg_pages **made);
void keg_pages_destroy(struct keg_pages *pages); /* NULL is allowed */

/* Asked when pages run short, with no lock of the arena's held: gives back what is kept only in
 * case it is needed, about `wanted` pages; whether it gave any. NULL: nobody is asked any more. */
typedef bool keg_pages_reclaimer(void *context, uint32_t wanted);
void keg_pages_set_reclaimer(struct keg_pages *pages, keg_pages_reclaimer *reclaim, void *context);

/*
 * Takes `count` pages that follow one another, zeroed, each with one reference. With `large` set,
 * count is KEG_LARGE and the first is aligned to it, backed by a huge page where the host has one.
 * The host's memory behind them is populated at once: a machine then maps several for one fault.
 * -ENOMEM the limit is reached; no message is noted for that, it is the guest's ordinary fate.
 */
int keg_pages_take(struct keg_pages *pages, uint32_t count, bool large, keg_page *first);

/*
 * The same for a program's memory, which leaves some pages for tables: what is to be taken away
 * may have to be taken apart first.
 */
int keg_pages_take_memory(struct keg_pages *pages, uint32_t count, bool large, keg_page *first);

/* One reference more, or one less; a page without any is free. What machines remember of a page
 * must be forgotten (below) before its last reference goes, or the machines be gone. */
void keg_pages_hold(struct keg_pages *pages, keg_page first, uint32_t count);
void keg_pages_release(struct keg_pages *pages, keg_page first, uint32_t count);
bool keg_pages_shared(struct keg_pages *pages, keg_page page); /* more than one reference */

/* The host's address of a page; NULL if the number is not one of a page in use. */
void *keg_pages_at(struct keg_pages *pages, keg_page page);

/*
 * Makes all machines forget their translations to these pages: KVM drops what it has mapped, and
 * flushes the processors' TLBs, when the host's mapping changes. Needed whenever a translation
 * is taken away, made read-only, or led elsewhere; not when one is added or widened. The pages stay
 * readable and writable all the while, for any thread and any machine.
 */
void keg_pages_forget(struct keg_pages *pages, keg_page first, uint32_t count);

/*
 * What the host said when it did not let a translation be forgotten: a program may still reach what
 * was taken from it. No page that may be reached so is given out again, and whoever runs programs
 * in the arena has to end them. 0: all is well
 */
int keg_pages_unsound(const struct keg_pages *pages);

/* forget, then release: for what a process gives back while its machine lives. */
void keg_pages_give_back(struct keg_pages *pages, keg_page first, uint32_t count);

/*
 * Makes the pages reachable in a machine. KVM's costs grow with a slot's size, so the
 * arena is cut into chunks, each twice its neighbour, and a machine gets a slot for each that it
 * uses. *chunks is the machine's set of those, zero at first. -ENOMEM and what KVM says
 */
int keg_pages_cover(struct keg_pages *pages, struct keg_vm *vm, uint32_t *chunks, keg_page first,
	uint32_t count);

struct keg_pages_usage {
	uint64_t limit;   /* bytes */
	uint64_t used;    /* bytes with a reference */
	uint64_t highest; /* the most that `used` was */
};
void keg_pages_usage(struct keg_pages *pages, struct keg_pages_usage *usage);

#endif
