/* SPDX-License-Identifier: MIT */
/* The address space's edges: keg's own pages, page tables, and what lies beyond. */
#include "hostile.h"

/* src/user/machine.h, KEG_USER_TOP, and src/user/entry.c */
#define TOP    0x7fffffffe000ul
#define OPEN   0x7ffffffff000ul
#define STRICT 0xffff800000000000ul

static const uint64_t keg_pages[] = {TOP, OPEN, STRICT, STRICT + PAGE, STRICT + 2 * PAGE};
#define KEG_PAGES (sizeof(keg_pages) / sizeof(keg_pages[0]))

static void jump(void *to)
{
	/* If it is an entry, it makes a call that fails, and goes on at an undefined instruction.
	 */
	__asm__ volatile("lea 1f(%%rip), %%rcx; mov $0x202, %%r11d; jmp *%0; 1: ud2" ::"r"(to),
			 "a"(SYS_getpid)
			 : "rcx", "r11", "memory");
}

static void load(void *from)
{
	(void)*(volatile uint8_t *)from;
}

static void store(void *to)
{
	*(volatile uint8_t *)to = 0xcc;
}

static void jumps(void)
{
	for (size_t i = 0; i < KEG_PAGES; i++)
		for (uint64_t at = 0; at < PAGE; at += at < 0x10 || at / 64 == 4 ? 1 : 61)
			MUST(trapped(jump, (void *)(keg_pages[i] + at)) != 0);
}

static void stores(void)
{
	for (size_t i = 0; i < KEG_PAGES; i++)
		for (uint64_t at = 0; at < PAGE; at += at < 0x20 ? 1 : 61)
			MUST(trapped(store, (void *)(keg_pages[i] + at)) == SIGSEGV);
}

/* The open layout's page may be read: it has nothing in it but its instruction. */
static void loads(void)
{
	for (size_t i = 0; i < KEG_PAGES; i++)
		for (uint64_t at = 0; at < PAGE; at += 61)
			MUST(trapped(load, (void *)(keg_pages[i] + at)) != 0 ||
				keg_pages[i] == OPEN);
}

static void edges(void)
{
	for (int bit = 12; bit < 64; bit++) {
		uint64_t at = 1ull << bit;

		for (int64_t off = -1; off <= 1; off++) {
			trapped(load, (void *)(at + (uint64_t)off));
			trapped(jump, (void *)(at + (uint64_t)off));
			if (at >= TOP || at < 0x10000)
				MUST(trapped(store, (void *)(at + (uint64_t)off)) == SIGSEGV);
		}
	}
	for (int bit = 39; bit < 64; bit++) {
		trapped(load, (void *)(UINT64_MAX << bit));
		trapped(store, (void *)(UINT64_MAX << bit));
		trapped(jump, (void *)(UINT64_MAX << bit));
	}
}

/* The last instruction of the lower half: SYSCALL with nothing behind it. */
static void call_at_the_top(void)
{
	uint8_t *last = mmap((void *)(TOP - PAGE), PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	MUST(last == (void *)(TOP - PAGE));
	memcpy(last + PAGE - 2, "\x0f\x05", 2);
	MUST(trapped(jump, last + PAGE - 2) == SIGSEGV);
	memcpy(last + PAGE - 3, "\x90\x90\x0f", 3);
	MUST(trapped(jump, last + PAGE - 3) == SIGSEGV);
	_exit(0);
}

static void at_the_top(void)
{
	on_other_stack(call_at_the_top);
}

static const int map_flags[] = {0, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_FIXED | MAP_GROWSDOWN,
	MAP_POPULATE | MAP_FIXED, MAP_SHARED | MAP_FIXED, MAP_HUGETLB | MAP_FIXED, MAP_32BIT};

static bool is_mine(long result, uint64_t length)
{
	return result < 0 || ((uint64_t)result >= 0x10000 && (uint64_t)result + length <= TOP);
}

static void map_there(void)
{
	static const uint64_t lengths[] = {1, PAGE, 2 * PAGE, 1 << 21, 1ull << 46, 1ull << 47,
		1ull << 63, UINT64_MAX - PAGE, UINT64_MAX};

	for (size_t i = 0; i < KEG_PAGES * 3; i++) {
		uint64_t at = keg_pages[i / 3] + (i % 3) * PAGE - PAGE;

		for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
			for (size_t k = 0; k < sizeof(map_flags) / sizeof(map_flags[0]); k++) {
				int flags = map_flags[k];

				if (!(flags & MAP_SHARED))
					flags |= MAP_PRIVATE;
				if (at + lengths[j] <= TOP && at < TOP && flags & MAP_POPULATE)
					continue;
				MUST(is_mine(raw(SYS_mmap, (long)at, (long)lengths[j], PROT_READ,
						     flags | MAP_ANONYMOUS, -1, 0),
					(lengths[j] + PAGE - 1) & ~(PAGE - 1)));
			}
		}
	}
	_exit(0);
}

static void maps(void)
{
	on_other_stack(map_there);
}

static void unmaps(void)
{
	for (size_t i = 0; i < KEG_PAGES; i++) {
		uint64_t at = keg_pages[i];

		MUST(raw(SYS_munmap, (long)at, PAGE, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_munmap, (long)(at - PAGE), 2 * PAGE, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_mprotect, (long)at, PAGE, 7, 0, 0, 0) < 0);
		MUST(raw(SYS_madvise, (long)at, PAGE, MADV_DONTNEED, 0, 0, 0) < 0);
		MUST(raw(SYS_mremap, (long)at, PAGE, 2 * PAGE, MREMAP_MAYMOVE, 0, 0) < 0);
		MUST(raw(SYS_msync, (long)at, PAGE, MS_SYNC, 0, 0, 0) < 0);
		raw(SYS_mlock, (long)at, PAGE, 0, 0, 0, 0);
	}
	/* System calls, and faults, go on as before. */
	MUST(raw(SYS_getpid, 0, 0, 0, 0, 0, 0) > 0);
	MUST(trapped(load, NULL) == SIGSEGV);
}

static void moves(void)
{
	char *own = pages(4);

	for (size_t i = 0; i < KEG_PAGES; i++) {
		for (int64_t off = -3; off <= 0; off++) {
			uint64_t at = keg_pages[i] + (uint64_t)off * (int64_t)PAGE;

			MUST(is_mine(raw(SYS_mremap, (long)own, 4 * PAGE, 4 * PAGE,
					     MREMAP_MAYMOVE | MREMAP_FIXED, (long)at, 0),
				4 * PAGE));
		}
	}
	for (int bit = 12; bit < 64; bit++) {
		raw(SYS_mremap, (long)own, PAGE, 1l << bit, 0, 0, 0);
		raw(SYS_mremap, (long)own, 1l << bit, PAGE, MREMAP_MAYMOVE, 0, 0);
		raw(SYS_mremap, (long)own, PAGE, -(1l << bit), MREMAP_MAYMOVE, 0, 0);
	}
	raw(SYS_mremap, (long)own, 0, PAGE, MREMAP_MAYMOVE, 0, 0);
	raw(SYS_mremap, (long)own, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		(long)own + (long)PAGE, 0);
}

static void breaks(void)
{
	for (int bit = 0; bit < 64; bit++) {
		raw(SYS_brk, 1l << bit, 0, 0, 0, 0, 0);
		raw(SYS_brk, -(1l << bit), 0, 0, 0, 0, 0);
	}
	for (size_t i = 0; i < KEG_PAGES; i++)
		MUST((uint64_t)raw(SYS_brk, (long)keg_pages[i], 0, 0, 0, 0, 0) < TOP);
}

static void unmap_all(void *context)
{
	(void)context;
	raw(SYS_munmap, 0, (long)TOP, 0, 0, 0, 0);
	raw(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* Everything goes, the code that does it as well. */
static void unmaps_everything(void)
{
	int status = in_child(unmap_all, NULL, 1000);

	MUST(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	unmap_all(NULL);
}

const struct hostile hostile_layout[] = {
	{"keg-pages-jumps", jumps, EXITS, 0},
	{"keg-pages-stores", stores, EXITS, 0},
	{"keg-pages-loads", loads, EXITS, 0},
	{"address-edges", edges, EXITS, 0},
	{"last-instruction", at_the_top, EXITS, 0},
	{"keg-pages-maps", maps, EXITS, 0},
	{"keg-pages-unmaps", unmaps, EXITS, 0},
	{"keg-pages-moves", moves, EXITS, 0},
	{"breaks", breaks, EXITS, 0},
	{"unmaps-everything", unmaps_everything, KILLED, 0},
	{NULL, NULL, 0, 0},
};
