/* SPDX-License-Identifier: MIT */
/* Symbols of a program, by its sections (System V gABI, chapter 4). */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/elf.h"

enum { BATCH = 64 };
#define STRINGS_MOST (64ull << 20)
#define SYMBOLS_MOST (256ull << 20)

struct symbols {
	const struct keg_image *image;
	Elf64_Shdr table;
	char *strings; /* string_bytes, and an end */
	uint64_t string_bytes;
};

static int read_section(const struct keg_image *image, const Elf64_Ehdr *header, uint32_t index,
	Elf64_Shdr *section)
{
	/* Wraps only if e_shoff is far behind the file's end, where nothing is read. */
	if (header->e_shoff > image->bytes)
		return keg_fail(ENOEXEC, "the section headers lie behind the end of the file");
	return keg_image_read(image, header->e_shoff + (uint64_t)index * sizeof(*section), section,
		sizeof(*section));
}

/* Of this type, and its strings. -ENOENT there is none */
static int find_table(const struct keg_image *image, const Elf64_Ehdr *header, uint32_t type,
	struct symbols *symbols)
{
	Elf64_Shdr *table = &symbols->table, strings;
	int ret;

	for (uint32_t i = 0; i < header->e_shnum; i++) {
		ret = read_section(image, header, i, table);
		if (ret)
			return ret;
		if (table->sh_type != type)
			continue;
		if (table->sh_entsize != sizeof(Elf64_Sym) || table->sh_size > SYMBOLS_MOST)
			return keg_fail(ENOEXEC, "a damaged symbol table");
		if (table->sh_link >= header->e_shnum)
			return keg_fail(ENOEXEC, "a symbol table without strings");
		ret = read_section(image, header, table->sh_link, &strings);
		if (ret)
			return ret;
		if (strings.sh_type != SHT_STRTAB || strings.sh_size > STRINGS_MOST ||
			strings.sh_size > image->bytes)
			return keg_fail(ENOEXEC, "a symbol table with damaged strings");
		symbols->string_bytes = strings.sh_size;
		symbols->strings = calloc(1, strings.sh_size + 1);
		if (!symbols->strings)
			return keg_fail(ENOMEM, "no memory for a program's symbols");
		return keg_image_read(
			image, strings.sh_offset, symbols->strings, (size_t)strings.sh_size);
	}
	return -ENOENT;
}

/* A function or an object of the program's own, by this name. */
static bool is_it(const struct symbols *symbols, const Elf64_Sym *symbol, const char *name)
{
	uint32_t type = ELF64_ST_TYPE(symbol->st_info);

	if (symbol->st_shndx == SHN_UNDEF || symbol->st_name >= symbols->string_bytes)
		return false;
	if (type != STT_FUNC && type != STT_OBJECT && type != STT_NOTYPE)
		return false;
	return !strcmp(symbols->strings + symbol->st_name, name);
}

/* 0; 1 it is not there. A local symbol is taken if there is no other. */
static int search(const struct symbols *symbols, const char *name, uint64_t *at)
{
	uint64_t count = symbols->table.sh_size / sizeof(Elf64_Sym);
	Elf64_Sym some[BATCH];
	int ret = 1;

	if (symbols->table.sh_offset > symbols->image->bytes)
		return keg_fail(ENOEXEC, "the symbols lie behind the end of the file");
	for (uint64_t i = 0; i < count; i += BATCH) {
		uint64_t now = count - i < BATCH ? count - i : BATCH;
		int error =
			keg_image_read(symbols->image, symbols->table.sh_offset + i * sizeof(*some),
				some, (size_t)now * sizeof(*some));

		if (error)
			return error;
		for (uint64_t k = 0; k < now; k++) {
			bool local = ELF64_ST_BIND(some[k].st_info) == STB_LOCAL;

			if ((local && !ret) || !is_it(symbols, &some[k], name))
				continue;
			*at = some[k].st_value;
			ret = 0;
			if (!local)
				return 0;
		}
	}
	return ret;
}

int keg_program_symbol(const struct keg_image *image, const char *name, uint64_t *at)
{
	static const uint32_t types[] = {SHT_SYMTAB, SHT_DYNSYM};
	Elf64_Ehdr header;
	int ret = keg_image_read(image, 0, &header, sizeof(header));

	if (ret)
		return ret;
	if (!header.e_shoff || !header.e_shnum || header.e_shentsize != sizeof(Elf64_Shdr))
		return keg_fail(ENOENT, "the program has no sections to find symbols by");
	for (size_t i = 0; i < 2; i++) {
		struct symbols symbols = {.image = image};

		ret = find_table(image, &header, types[i], &symbols);
		if (!ret)
			ret = search(&symbols, name, at);
		free(symbols.strings);
		if (ret <= 0 && ret != -ENOENT)
			return ret;
	}
	return keg_fail(ENOENT, "the program has no function or object '%s'", name);
}
