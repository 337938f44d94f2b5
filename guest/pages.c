/* SPDX-License-Identifier: MIT */
/* Pages all over memory, and words in each that depend on its address: two addresses that lead to
 * one page are found. */
#include "pages.h"

#include "report.h"

/* Few, because there are hosts on which each of these instructions takes a microsecond. */
enum { PAGES = 256, WORDS = 4, WORD_STEP = PAGE / 4 / WORDS };

static uintptr_t pages[PAGES];
static uint32_t chosen;

/* Every `step`th page of all pieces together; `next` counts from the beginning of a piece. */
static uint32_t step, next;

void pages_begin(uint32_t total)
{
	step = total / PAGES + 1;
}

void pages_add(uintptr_t start, uint32_t count)
{
	for (; next < count && chosen < PAGES; next += step)
		pages[chosen++] = start + (uintptr_t)next * PAGE;
	next -= next < count ? next : count;
}

static uint32_t pattern(uintptr_t page, uint32_t word)
{
	return (uint32_t)(page >> 12) ^ (0x9e3779b9u * (word + 1));
}

void pages_write(uint32_t processor, uint32_t processors)
{
	for (uint32_t i = processor; i < chosen; i += processors) {
		volatile uint32_t *page = (volatile uint32_t *)pages[i];

		for (uint32_t word = 0; word < WORDS; word++)
			page[word * WORD_STEP] = pattern(pages[i], word);
	}
}

uint32_t pages_check(uint32_t processor, uint32_t processors)
{
	uint32_t right = 0;

	for (uint32_t i = (processor + 1) % processors; i < chosen; i += processors) {
		const volatile uint32_t *page = (const volatile uint32_t *)pages[i];

		for (uint32_t word = 0; word < WORDS; word++)
			right += page[word * WORD_STEP] == pattern(pages[i], word);
	}
	return right;
}

void pages_verdict(uint32_t right, uint32_t processors)
{
	verdict(chosen && right == chosen * WORDS, "memory");
	put_number(chosen, 1);
	put(processors > 1 ? " pages, each written by one processor and read by another"
			   : " pages, written and read back");
	if (right != chosen * WORDS) {
		put("; wrong words: ");
		put_number(chosen * WORDS - right, 1);
	}
	put("\n");
}
