/* SPDX-License-Identifier: MIT */
/* Finding free pages that follow one another: the lowest, so that machines need few slots. */
#include "user/pages_inside.h"

void keg_bits_fill(uint64_t *bits, uint32_t first, uint32_t count, bool value)
{
	while (count > 0) {
		const uint32_t shift = first % 64;
		const uint32_t part = count < 64 - shift ? count : 64 - shift;
		const uint64_t mask = (part == 64 ? UINT64_MAX : (1ull << part) - 1) << shift;

		if (value)
			bits[first / 64] |= mask;
		else
			bits[first / 64] &= ~mask;
		first += part;
		count -= part;
	}
}

uint32_t keg_bits_find(const uint64_t *bits, uint32_t from, uint32_t end, bool value)
{
	while (from < end) {
		const uint64_t word = (value ? bits[from / 64] : ~bits[from / 64]) >> from % 64;

		if (word != 0) {
			from += (uint32_t)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from += 64 - from % 64;
	}
	return end;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

keg_page keg_pages_find_run(struct keg_pages *pages, uint32_t count)
{
	uint32_t first = keg_bits_find(pages->taken, pages->hint, pages->total, false);

	pages->hint = first;
	while (first < pages->total && pages->total - first >= count) {
		const uint32_t limit = smaller(pages->total, first + count);
		const uint32_t end = keg_bits_find(pages->taken, first, limit, true);

		if (end - first >= count)
			return first;
		first = keg_bits_find(pages->taken, end, pages->total, false);
	}
	return 0;
}

keg_page keg_pages_find_large(struct keg_pages *pages)
{
	uint32_t first = (pages->hint + KEG_LARGE - 1) / KEG_LARGE * KEG_LARGE;

	for (; first < pages->total; first += KEG_LARGE) {
		const uint32_t end = first + KEG_LARGE;

		if (keg_bits_find(pages->taken, first, end, true) == end)
			return first;
	}
	return 0;
}
