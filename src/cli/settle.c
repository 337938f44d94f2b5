/* SPDX-License-Identifier: MIT */
/*
 * Before a machine runs, perhaps for days: letting go of what was needed to get here only. The code
 * of libraries is mapped by the kernel in blocks of 64 KiB around each place that was come to, most
 * of it for loading libraries and setting up: a third of what would be resident. The files'
 * pages stay in the page cache, and what is needed again is mapped again.
 */
#include "settle.h"

#include <link.h>
#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

/* Only what cannot be written: so all of it is as the file has it. What is read-only since it was
 * relocated belongs to a segment that can. */
static int let_go(struct dl_phdr_info *object, size_t size, void *context)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start, end;

	(void)size;
	(void)context;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &object->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || segment->p_flags & PF_W)
			continue;
		start = (object->dlpi_addr + segment->p_vaddr) & ~(page - 1);
		end = object->dlpi_addr + segment->p_vaddr + segment->p_memsz;
		/* It is no matter if it stays. */
		madvise((void *)start, end - start, MADV_DONTNEED);
	}
	return 0;
}

void settle(void)
{
	malloc_trim(0);
	dl_iterate_phdr(let_go, NULL);
}
