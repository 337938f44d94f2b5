/* SPDX-License-Identifier: MIT */
/* Kernels for the tests of the loaders. */
#include "testing.h"

#include <elf.h>

#include "kernel.h"

void put(unsigned char *image, size_t offset, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		image[offset + i] = (unsigned char)(value >> 8 * i);
}

uint64_t get(const unsigned char *image, size_t offset, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)image[offset + i] << 8 * i;
	return value;
}

/* Appends a note, and returns where the next one goes. */
static unsigned char *append_note(
	unsigned char *at, const char *owner, uint32_t type, uint64_t value, uint32_t bytes)
{
	Elf64_Nhdr note = {(uint32_t)strlen(owner) + 1, bytes, type};

	memcpy(at, &note, sizeof(note));
	at += sizeof(note);
	memcpy(at, owner, note.n_namesz);
	at += (note.n_namesz + 3) & ~3u;
	memcpy(at, &value, bytes);
	return at + ((bytes + 3) & ~3u);
}

static uint64_t append_notes(unsigned char *at, unsigned int notes)
{
	unsigned char *start = at;

	at = append_note(at, "GNU", 3, 0x1234, 7);
	if (notes & NOTE_OTHER)
		at = append_note(at, "Xen", 6, 0x5678, 6);
	if (notes & NOTE_PVH)
		at = append_note(at, "Xen", 18, KERNEL_PVH_ENTRY, 8);
	if (notes & NOTE_LINUX)
		at = append_note(at, "Linux", 0x100, 0, 4);
	return (uint64_t)(at - start);
}

/* A byte of the kernel that tells where it is. */
static unsigned char byte_at(size_t offset)
{
	return (unsigned char)(offset * 7 + offset / 4096);
}

void kernel_make_elf(unsigned char *elf, unsigned int notes)
{
	Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = KERNEL_TEXT + 0x100,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	Elf64_Phdr segments[3] = {
		{.p_type = PT_LOAD,
			.p_offset = KERNEL_TEXT_OFFSET,
			.p_vaddr = 0xffffffff80000000 + KERNEL_TEXT,
			.p_paddr = KERNEL_TEXT,
			.p_filesz = KERNEL_TEXT_BYTES,
			.p_memsz = KERNEL_TEXT_BYTES},
		{.p_type = PT_LOAD,
			.p_offset = KERNEL_DATA_OFFSET,
			.p_vaddr = 0xffffffff80000000 + KERNEL_DATA,
			.p_paddr = KERNEL_DATA,
			.p_filesz = KERNEL_DATA_BYTES,
			.p_memsz = KERNEL_MEMORY},
		{.p_type = PT_NOTE, .p_offset = KERNEL_NOTES, .p_align = 4},
	};

	for (size_t i = 0; i < KERNEL_BYTES; i++)
		elf[i] = byte_at(i);
	segments[2].p_filesz = append_notes(elf + KERNEL_NOTES, notes);
	memcpy(elf, &header, sizeof(header));
	memcpy(elf + sizeof(header), segments, sizeof(segments));
}

void kernel_check_loaded(struct keg_mem *mem)
{
	const unsigned char *text = fake_at(mem, KERNEL_TEXT, KERNEL_TEXT_BYTES + 1);
	const unsigned char *data = fake_at(mem, KERNEL_DATA, KERNEL_MEMORY + 1);

	for (size_t i = 0; i < KERNEL_TEXT_BYTES; i++)
		assert_int_equal(text[i], byte_at(KERNEL_TEXT_OFFSET + i));
	assert_int_equal(text[KERNEL_TEXT_BYTES], 0xaa);
	for (size_t i = 0; i < KERNEL_MEMORY; i++)
		assert_int_equal(
			data[i], i < KERNEL_DATA_BYTES ? byte_at(KERNEL_DATA_OFFSET + i) : 0);
	assert_int_equal(data[KERNEL_MEMORY], 0xaa);
}

unsigned char *kernel_make_bzimage(const void *payload, size_t payload_bytes, size_t *bytes)
{
	size_t code = (BZIMAGE_PAYLOAD_OFFSET + payload_bytes + 15) / 16 * 16;
	unsigned char *image = malloc(BZIMAGE_SETUP + code);

	assert_non_null(image);
	memset(image, 0, BZIMAGE_SETUP);
	memset(image + BZIMAGE_SETUP, 0xcc, code);
	if (payload_bytes)
		memcpy(image + BZIMAGE_SETUP + BZIMAGE_PAYLOAD_OFFSET, payload, payload_bytes);
	put(image, 0x1f1, 4, 1);                      /* setup_sects */
	put(image, 0x1f4, code / 16, 4);              /* syssize */
	put(image, 0x1fe, 0xaa55, 2);                 /* boot_flag */
	put(image, 0x200, 0x6aeb, 2);                 /* jump */
	memcpy(image + 0x202, "HdrS", 4);             /* header */
	put(image, 0x206, 0x020f, 2);                 /* version */
	put(image, 0x211, 1, 1);                      /* loadflags: LOADED_HIGH */
	put(image, 0x214, 0x100000, 4);               /* code32_start */
	put(image, 0x22c, 0x7fffffff, 4);             /* initrd_addr_max */
	put(image, 0x230, 0x200000, 4);               /* kernel_alignment */
	put(image, 0x234, 1, 1);                      /* relocatable_kernel */
	put(image, 0x235, 21, 1);                     /* min_alignment */
	put(image, 0x236, 1, 2);                      /* xloadflags: XLF_KERNEL_64 */
	put(image, 0x238, 2047, 4);                   /* cmdline_size */
	put(image, 0x248, BZIMAGE_PAYLOAD_OFFSET, 4); /* payload_offset */
	put(image, 0x24c, payload_bytes, 4);          /* payload_length */
	put(image, 0x258, BZIMAGE_PREF_ADDRESS, 8);   /* pref_address */
	put(image, 0x260, BZIMAGE_INIT_SIZE, 4);      /* init_size */
	*bytes = BZIMAGE_SETUP + code;
	return image;
}

unsigned char *kernel_make_usual(const struct packer *packer, size_t *bytes)
{
	unsigned char *elf = malloc(KERNEL_BYTES), *payload, *image;
	size_t payload_bytes;

	assert_non_null(elf);
	kernel_make_elf(elf, NOTE_LINUX);
	payload = packer->pack(elf, KERNEL_BYTES, &payload_bytes);
	image = kernel_make_bzimage(payload, payload_bytes, bytes);
	free(payload);
	free(elf);
	return image;
}
