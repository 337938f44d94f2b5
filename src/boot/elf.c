/* SPDX-License-Identifier: MIT */
/*
 * ELF files ("System V Application Binary Interface", chapters 4 and 5; the processor supplements
 * for the machine numbers). Headers are copied from the image before they are checked, because the
 * image may be memory that changes.
 */
#include "boot/elf.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "base/error.h"

bool keg_elf_is(const void *image, size_t bytes)
{
	return bytes >= SELFMAG && memcmp(image, ELFMAG, SELFMAG) == 0;
}

/* What e_type says, for those that cannot be loaded. */
static const char *type_hint(unsigned int type)
{
	static const char *const hints[] = {
		[ET_NONE] = "ET_NONE, no file type",
		[ET_REL] = "ET_REL, an object file: link it",
		[ET_DYN] = "ET_DYN, position-independent: link it at a fixed address, with -static "
			   "-no-pie",
		[ET_CORE] = "ET_CORE, a core dump",
	};

	return type < sizeof(hints) / sizeof(hints[0]) && hints[type] ? hints[type]
								      : "of no known type";
}

static const char *machine_name(unsigned int machine)
{
	static const struct {
		unsigned int machine;
		const char *name;
	} names[] = {
		{EM_386, "32-bit x86"},
		{EM_X86_64, "x86-64"},
		{EM_ARM, "32-bit arm"},
		{EM_AARCH64, "arm64"},
		{EM_RISCV, "RISC-V"},
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].machine == machine)
			return names[i].name;
	}
	return "another machine";
}

static int check_ident(const unsigned char *ident)
{
	if (memcmp(ident, ELFMAG, SELFMAG) != 0)
		return keg_fail(ENOEXEC, "ELF: the file does not begin with 7f 45 4c 46 (ELF)");
	if (ident[EI_CLASS] != ELFCLASS32 && ident[EI_CLASS] != ELFCLASS64)
		return keg_fail(ENOEXEC, "ELF: EI_CLASS is %u, neither 1 (32-bit) nor 2 (64-bit)",
			ident[EI_CLASS]);
	if (ident[EI_DATA] == ELFDATA2MSB)
		return keg_fail(ENOTSUP, "ELF: EI_DATA is 2: a big-endian program");
	if (ident[EI_DATA] != ELFDATA2LSB)
		return keg_fail(
			ENOEXEC, "ELF: EI_DATA is %u, not 1 (little-endian)", ident[EI_DATA]);
	if (ident[EI_VERSION] != EV_CURRENT)
		return keg_fail(ENOEXEC, "ELF: EI_VERSION is %u, not 1", ident[EI_VERSION]);
	return 0;
}

/* The header of a 32-bit file in the 64-bit form. */
static void widen_header(const Elf32_Ehdr *narrow, Elf64_Ehdr *wide)
{
	memcpy(wide->e_ident, narrow->e_ident, EI_NIDENT);
	wide->e_type = narrow->e_type;
	wide->e_machine = narrow->e_machine;
	wide->e_version = narrow->e_version;
	wide->e_entry = narrow->e_entry;
	wide->e_phoff = narrow->e_phoff;
	wide->e_shoff = narrow->e_shoff;
	wide->e_flags = narrow->e_flags;
	wide->e_ehsize = narrow->e_ehsize;
	wide->e_phentsize = narrow->e_phentsize;
	wide->e_phnum = narrow->e_phnum;
	wide->e_shentsize = narrow->e_shentsize;
	wide->e_shnum = narrow->e_shnum;
	wide->e_shstrndx = narrow->e_shstrndx;
}

static int copy_header(struct keg_elf *elf)
{
	unsigned char ident[EI_NIDENT];
	Elf32_Ehdr narrow;
	size_t need;
	int rc;

	if (elf->bytes < sizeof(ident))
		return keg_fail(
			ENOEXEC, "ELF: the file ends within e_ident, after %zu bytes", elf->bytes);
	memcpy(ident, elf->image, sizeof(ident));
	rc = check_ident(ident);
	if (rc)
		return rc;
	elf->is64 = ident[EI_CLASS] == ELFCLASS64;
	need = elf->is64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
	if (elf->bytes < need)
		return keg_fail(ENOEXEC,
			"ELF: the file ends within its header, after %zu of %zu bytes", elf->bytes,
			need);
	if (elf->is64) {
		memcpy(&elf->header, elf->image, sizeof(elf->header));
	} else {
		memcpy(&narrow, elf->image, sizeof(narrow));
		widen_header(&narrow, &elf->header);
	}
	/* The identification that counts is the one that was checked. */
	memcpy(elf->header.e_ident, ident, sizeof(ident));
	return 0;
}

/* That the program is for this machine, and stands alone. */
static int check_program(const struct keg_elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	unsigned int wanted = keg_arch_elf_machine(elf->is64);

	if (header->e_version != EV_CURRENT)
		return keg_fail(ENOEXEC, "ELF: e_version is %" PRIu32 ", not 1", header->e_version);
	if (wanted == EM_NONE)
		return keg_fail(ENOTSUP,
			"ELF: EI_CLASS is 1: a 32-bit program, which this machine cannot run");
	if (header->e_machine != wanted)
		return keg_fail(ENOTSUP,
			"ELF: e_machine is %u: a program for %s; a %d-bit one for this machine has "
			"%u (%s)",
			header->e_machine, machine_name(header->e_machine), elf->is64 ? 64 : 32,
			wanted, machine_name(wanted));
	if (header->e_type != ET_EXEC)
		return keg_fail(ENOTSUP, "ELF: e_type is %u (%s), not 2 (ET_EXEC)", header->e_type,
			type_hint(header->e_type));
	return 0;
}

/* That the table of program headers lies in the file. */
static int check_table(const struct keg_elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	size_t entry = elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);

	if (header->e_phnum == 0)
		return keg_fail(ENOEXEC, "ELF: e_phnum is 0: the file has no program headers");
	if (header->e_phnum > KEG_BOOT_SEGMENTS)
		return keg_fail(ENOEXEC, "ELF: e_phnum is %u: more than %d program headers",
			header->e_phnum, KEG_BOOT_SEGMENTS);
	if (header->e_phentsize != entry)
		return keg_fail(
			ENOEXEC, "ELF: e_phentsize is %u, not %zu", header->e_phentsize, entry);
	if (header->e_phoff > elf->bytes || elf->bytes - header->e_phoff < header->e_phnum * entry)
		return keg_fail(ENOEXEC,
			"ELF: e_phoff 0x%" PRIx64
			" + %u program headers is beyond the end of the file (%zu bytes)",
			header->e_phoff, header->e_phnum, elf->bytes);
	return 0;
}

int keg_elf_open(struct keg_elf *elf, const void *image, size_t bytes)
{
	return keg_elf_open_head(elf, image, bytes, bytes);
}

int keg_elf_open_head(struct keg_elf *elf, const void *image, size_t bytes, uint64_t all_bytes)
{
	int rc;

	*elf = (struct keg_elf){.image = image, .bytes = bytes, .all_bytes = all_bytes};
	rc = copy_header(elf);
	if (!rc)
		rc = check_program(elf);
	if (!rc)
		rc = check_table(elf);
	return rc;
}

static int check_segment(const struct keg_elf *elf, unsigned int index, const Elf64_Phdr *segment)
{
	if (segment->p_type == PT_INTERP)
		return keg_fail(ENOTSUP,
			"ELF: program header %u: PT_INTERP: a program that needs an operating "
			"system; link it with -static",
			index);
	if (segment->p_type != PT_LOAD)
		return 0;
	if (segment->p_filesz > segment->p_memsz)
		return keg_fail(ENOEXEC,
			"ELF: program header %u: p_filesz 0x%" PRIx64
			" is more than p_memsz 0x%" PRIx64,
			index, segment->p_filesz, segment->p_memsz);
	if (segment->p_offset > elf->all_bytes ||
		elf->all_bytes - segment->p_offset < segment->p_filesz)
		return keg_fail(ENOEXEC,
			"ELF: program header %u: p_offset 0x%" PRIx64 " + p_filesz 0x%" PRIx64
			" is beyond the end of the file (%" PRIu64 " bytes)",
			index, segment->p_offset, segment->p_filesz, elf->all_bytes);
	if (segment->p_align & (segment->p_align - 1))
		return keg_fail(ENOEXEC,
			"ELF: program header %u: p_align 0x%" PRIx64 " is no power of two", index,
			segment->p_align);
	if (segment->p_memsz > UINT64_MAX - segment->p_paddr)
		return keg_fail(ENOEXEC,
			"ELF: program header %u: p_paddr 0x%" PRIx64 " + p_memsz 0x%" PRIx64
			" wraps",
			index, segment->p_paddr, segment->p_memsz);
	return 0;
}

int keg_elf_segment(const struct keg_elf *elf, unsigned int index, Elf64_Phdr *segment)
{
	const unsigned char *at =
		elf->image + elf->header.e_phoff + (size_t)index * elf->header.e_phentsize;
	Elf32_Phdr narrow;

	if (elf->is64) {
		memcpy(segment, at, sizeof(*segment));
	} else {
		memcpy(&narrow, at, sizeof(narrow));
		*segment = (Elf64_Phdr){
			.p_type = narrow.p_type,
			.p_flags = narrow.p_flags,
			.p_offset = narrow.p_offset,
			.p_vaddr = narrow.p_vaddr,
			.p_paddr = narrow.p_paddr,
			.p_filesz = narrow.p_filesz,
			.p_memsz = narrow.p_memsz,
			.p_align = narrow.p_align,
		};
	}
	return check_segment(elf, index, segment);
}

static int plan_segment(struct keg_boot_plan *plan, const struct keg_elf *elf, unsigned int index,
	const Elf64_Phdr *segment)
{
	struct keg_boot_part part = {
		.gpa = segment->p_paddr,
		.bytes = segment->p_memsz,
	};

	if (elf->bytes == elf->all_bytes) {
		part.data = elf->image + segment->p_offset;
		part.data_bytes = segment->p_filesz;
	}
	snprintf(part.name, sizeof(part.name), "ELF: program header %u", index);
	return keg_boot_plan_add(plan, &part);
}

/*
 * The entry is a virtual address if a segment holds it as such, whose physical one is wanted:
 * paging is off, or maps addresses to themselves. Linkers write physical ones, too.
 */
static bool entry_in(const Elf64_Phdr *segment, uint64_t entry, bool is_virtual, uint64_t *physical)
{
	uint64_t start = is_virtual ? segment->p_vaddr : segment->p_paddr;

	if (entry < start || entry - start >= segment->p_memsz)
		return false;
	*physical = segment->p_paddr + (entry - start);
	return true;
}

int keg_elf_plan_segments(struct keg_boot_plan *plan, const struct keg_elf *elf)
{
	uint64_t entry = elf->header.e_entry, by_virtual = 0, by_physical = 0;
	bool is_virtual = false, is_physical = false, any = false;

	for (unsigned int i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr segment;
		int rc = keg_elf_segment(elf, i, &segment);

		if (rc)
			return rc;
		if (segment.p_type != PT_LOAD || segment.p_memsz == 0)
			continue;
		rc = plan_segment(plan, elf, i, &segment);
		if (rc)
			return rc;
		any = true;
		is_virtual = is_virtual || entry_in(&segment, entry, true, &by_virtual);
		is_physical = is_physical || entry_in(&segment, entry, false, &by_physical);
	}
	if (!any)
		return keg_fail(ENOEXEC, "ELF: no program header is a PT_LOAD with memory");
	if (!is_virtual && !is_physical)
		return keg_fail(ENOEXEC, "ELF: e_entry 0x%" PRIx64 " lies in no segment", entry);
	plan->entry.pc = is_virtual ? by_virtual : by_physical;
	return 0;
}

int keg_boot_plan_elf(struct keg_boot_plan *plan)
{
	const struct keg_boot_config *config = plan->config;
	struct keg_elf elf;
	int rc = keg_elf_open(&elf, config->image, config->image_bytes);

	if (rc)
		return rc;
	if (elf.is64 != (config->kind == KEG_IMAGE_ELF64))
		return keg_fail(ENOEXEC, "ELF: EI_CLASS is %u: it is not %s",
			elf.header.e_ident[EI_CLASS], keg_image_kind_name(config->kind));
	return keg_elf_plan_segments(plan, &elf);
}
