/* SPDX-License-Identifier: MIT */
/* ELF64 programs: their headers, checked (System V gABI, chapters 4 and 5; AMD64 psABI). */
#include "user/elf.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "user/machine.h"

enum {
	HEADERS_MOST = 65536 / sizeof(Elf64_Phdr), /* as Linux */
	LOWEST = 65536,                            /* vm.mmap_min_addr as Linux has it by default */
};
#define ALIGNMENT_MOST (1ull << 40) /* a larger one leaves no place to choose */

bool keg_program_is_elf(const void *start, size_t bytes)
{
	return bytes >= SELFMAG && !memcmp(start, ELFMAG, SELFMAG);
}

static int check_identity(const Elf64_Ehdr *header)
{
	if (!keg_program_is_elf(header, sizeof(*header)))
		return keg_fail(ENOEXEC, "no ELF file");
	if (header->e_ident[EI_CLASS] != ELFCLASS64)
		return keg_fail(ENOEXEC, "no 64-bit ELF file (class %u)",
			(unsigned int)header->e_ident[EI_CLASS]);
	if (header->e_ident[EI_DATA] != ELFDATA2LSB)
		return keg_fail(ENOEXEC, "no little-endian ELF file (data encoding %u)",
			(unsigned int)header->e_ident[EI_DATA]);
	if (header->e_ident[EI_VERSION] != EV_CURRENT || header->e_version != EV_CURRENT)
		return keg_fail(ENOEXEC, "an unknown version of ELF (%u)", header->e_version);
	if (header->e_machine != EM_X86_64)
		return keg_fail(ENOEXEC, "a program for another machine (e_machine %u)",
			(unsigned int)header->e_machine);
	return 0;
}

static int check_header(const Elf64_Ehdr *header)
{
	int ret = check_identity(header);

	if (ret)
		return ret;
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return keg_fail(ENOEXEC, "no program that can be run (e_type %u)",
			(unsigned int)header->e_type);
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return keg_fail(ENOEXEC, "program headers of %u bytes, not %zu",
			(unsigned int)header->e_phentsize, sizeof(Elf64_Phdr));
	if (!header->e_phnum || header->e_phnum > HEADERS_MOST)
		return keg_fail(ENOEXEC, "%u program headers: 1 to %u can be",
			(unsigned int)header->e_phnum, (unsigned int)HEADERS_MOST);
	return 0;
}

static int read_interpreter(
	const struct keg_image *image, const Elf64_Phdr *header, struct keg_program *program)
{
	int ret;

	if (*program->interpreter)
		return 0; /* the first counts, as for Linux */
	if (header->p_filesz < 2 || header->p_filesz > PATH_MAX)
		return keg_fail(ENOEXEC, "the interpreter's name has %llu bytes: 2 to %d can be",
			(unsigned long long)header->p_filesz, PATH_MAX);
	ret = keg_image_read(
		image, header->p_offset, program->interpreter, (size_t)header->p_filesz);
	if (ret)
		return keg_fail_within(ret, "the interpreter's name");
	if (program->interpreter[header->p_filesz - 1])
		return keg_fail(ENOEXEC, "the interpreter's name does not end");
	if (!*program->interpreter)
		return keg_fail(ENOEXEC, "the interpreter's name is empty");
	return 0;
}

static int check_segment(
	const struct keg_image *image, const struct keg_program *program, const Elf64_Phdr *header)
{
	const struct keg_program_segment *last =
		program->segment_count ? &program->segments[program->segment_count - 1] : NULL;
	unsigned long long at = header->p_vaddr;

	if (program->segment_count == KEG_PROGRAM_SEGMENTS)
		return keg_fail(ENOEXEC, "more than %d segments", KEG_PROGRAM_SEGMENTS);
	if (header->p_filesz > header->p_memsz)
		return keg_fail(ENOEXEC,
			"the segment at 0x%llx has more bytes in the file than in memory", at);
	if (at >= KEG_USER_TOP || header->p_memsz > KEG_USER_TOP - at)
		return keg_fail(ENOEXEC, "the segment at 0x%llx of 0x%llx bytes ends above 0x%llx",
			at, (unsigned long long)header->p_memsz, KEG_USER_TOP);
	if (header->p_filesz && (at ^ header->p_offset) % KEG_PAGE)
		return keg_fail(ENOEXEC,
			"the segment at 0x%llx is not at the same place in a page of the file "
			"(0x%llx)",
			at, (unsigned long long)header->p_offset);
	if (header->p_offset > image->bytes || header->p_filesz > image->bytes - header->p_offset)
		return keg_fail(
			ENOEXEC, "the segment at 0x%llx lies behind the end of the file", at);
	if (last && at < last->at + last->memory_bytes)
		return keg_fail(ENOEXEC,
			"the segments at 0x%llx and 0x%llx overlap, or are not in "
			"ascending order",
			(unsigned long long)last->at, at);
	return 0;
}

static void note_alignment(struct keg_program *program, const Elf64_Phdr *header)
{
	uint64_t alignment = header->p_align;

	/* What is no power of two says nothing, as for Linux. */
	if (alignment & (alignment - 1) || alignment <= program->alignment)
		return;
	program->alignment = alignment;
}

static int add_segment(
	const struct keg_image *image, struct keg_program *program, const Elf64_Phdr *header)
{
	int ret;

	if (!header->p_memsz)
		return 0;
	ret = check_segment(image, program, header);
	if (ret)
		return ret;
	note_alignment(program, header);
	program->segments[program->segment_count++] = (struct keg_program_segment){
		.at = header->p_vaddr,
		.memory_bytes = header->p_memsz,
		.file_bytes = header->p_filesz,
		.offset = header->p_offset,
		.protection = (header->p_flags & PF_R ? PROT_READ : 0) |
			      (header->p_flags & PF_W ? PROT_WRITE : 0) |
			      (header->p_flags & PF_X ? PROT_EXEC : 0),
	};
	return 0;
}

static int take_header(
	const struct keg_image *image, struct keg_program *program, const Elf64_Phdr *header)
{
	switch (header->p_type) {
	case PT_LOAD:
		return add_segment(image, program, header);
	case PT_INTERP:
		return read_interpreter(image, header, program);
	case PT_DYNAMIC:
		program->dynamic_offset = header->p_offset;
		program->dynamic_bytes = header->p_filesz;
		return 0;
	case PT_GNU_STACK:
		/* Without one Linux gives 64-bit programs a stack that is not executable. */
		program->executable_stack = header->p_flags & PF_X;
		return 0;
	default:
		return 0;
	}
}

/* What follows from all segments together. */
static int check_program(struct keg_program *program, const Elf64_Ehdr *header)
{
	const struct keg_program_segment *first = program->segments;
	const struct keg_program_segment *last = first + program->segment_count - 1;

	if (!program->segment_count)
		return keg_fail(ENOEXEC, "nothing of it is to be loaded");
	program->start = first->at & -(uint64_t)KEG_PAGE;
	program->end = (last->at + last->memory_bytes + KEG_PAGE - 1) & -(uint64_t)KEG_PAGE;
	if (!program->relocatable && program->start < LOWEST)
		return keg_fail(ENOEXEC, "a segment at 0x%llx, below 0x%x, where nothing can be",
			(unsigned long long)first->at, LOWEST);
	if (program->alignment > ALIGNMENT_MOST)
		return keg_fail(ENOEXEC, "a segment wants an alignment of 0x%llx",
			(unsigned long long)program->alignment);
	if (header->e_entry < program->start || header->e_entry >= program->end)
		return keg_fail(ENOEXEC, "its entry, 0x%llx, is not in it",
			(unsigned long long)header->e_entry);
	for (; first <= last; first++)
		if (header->e_phoff >= first->offset &&
			header->e_phoff - first->offset < first->file_bytes) {
			program->headers = header->e_phoff - first->offset + first->at;
			break;
		}
	return 0;
}

/* Some at a time: one read for all programs that linkers make. */
static int take_headers(
	const struct keg_image *image, const Elf64_Ehdr *header, struct keg_program *program)
{
	enum { BATCH = 32 };
	Elf64_Phdr some[BATCH];
	int ret;

	if (header->e_phoff > image->bytes)
		return keg_fail(ENOEXEC, "the program headers lie behind the end of the file");
	for (uint32_t i = 0; i < header->e_phnum; i += BATCH) {
		uint32_t count = header->e_phnum - i < BATCH ? header->e_phnum - i : BATCH;

		ret = keg_image_read(
			image, header->e_phoff + i * sizeof(*some), some, count * sizeof(*some));
		if (ret)
			return keg_fail_within(ret, "the program headers");
		for (uint32_t k = 0; k < count; k++) {
			ret = take_header(image, program, &some[k]);
			if (ret)
				return ret;
		}
	}
	return 0;
}

int keg_program_read(const struct keg_image *image, struct keg_program *program)
{
	Elf64_Ehdr header;
	int ret;

	*program = (struct keg_program){.alignment = KEG_PAGE};
	ret = keg_image_read(image, 0, &header, sizeof(header));
	if (ret)
		return ret;
	ret = check_header(&header);
	if (ret)
		return ret;
	program->relocatable = header.e_type == ET_DYN;
	program->entry = header.e_entry;
	program->header_count = header.e_phnum;
	ret = take_headers(image, &header, program);
	if (ret)
		return ret;
	return check_program(program, &header);
}

uint64_t keg_program_find(const struct keg_program *program, uint64_t at, uint64_t *offset)
{
	for (uint32_t i = 0; i < program->segment_count; i++) {
		const struct keg_program_segment *segment = &program->segments[i];

		if (at < segment->at || at - segment->at >= segment->file_bytes)
			continue;
		*offset = segment->offset + (at - segment->at);
		return segment->file_bytes - (at - segment->at);
	}
	return 0;
}
