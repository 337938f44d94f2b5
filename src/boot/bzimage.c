/* SPDX-License-Identifier: MIT */
/*
 * The setup header of a bzImage (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel
 * Header"), field by field.
 */
#include "boot/bzimage.h"

#include <inttypes.h>
#include <string.h>

#include "base/error.h"

enum { SECTOR = 512, PARAGRAPH = 16 };

/* The header ends at 0x202 + the byte at 0x201. */
enum { MAGIC_AT = 0x202, JUMP_OFFSET_AT = 0x201 };

enum {
	OLDEST = 0x0206, /* the first that tells of cmdline_size */
	VERSION_PAYLOAD = 0x0208,
	VERSION_PREF_ADDRESS = 0x020a,
	VERSION_XLOADFLAGS = 0x020c,
};

/* Which field a header has from which protocol on, and where it ends. */
static const struct field {
	const char *name;
	uint16_t since;
	uint16_t end;
} fields[] = {
	{"cmdline_size", OLDEST, 0x23c},
	{"payload_length", VERSION_PAYLOAD, 0x250},
	{"setup_data", 0x0209, 0x258},
	{"init_size", VERSION_PREF_ADDRESS, 0x264},
	{"handover_offset", 0x020b, 0x268},
	{"kernel_info_offset", 0x020f, 0x26c},
};

bool keg_bzimage_is(const void *image, size_t bytes)
{
	const uint32_t magic = KEG_LINUX_MAGIC;

	return bytes >= MAGIC_AT + sizeof(magic) &&
	       memcmp((const unsigned char *)image + MAGIC_AT, &magic, sizeof(magic)) == 0;
}

static int check_version(const struct keg_linux_header *header)
{
	if (header->boot_flag != KEG_LINUX_BOOT_FLAG)
		return keg_fail(
			ENOEXEC, "bzImage: boot_flag is 0x%04x, not 0xaa55", header->boot_flag);
	if (header->header != KEG_LINUX_MAGIC)
		return keg_fail(ENOEXEC, "bzImage: header is 0x%08" PRIx32 ", not 0x%08x (HdrS)",
			header->header, KEG_LINUX_MAGIC);
	if (header->version < OLDEST)
		return keg_fail(ENOTSUP,
			"bzImage: version is %u.%02u: a kernel before 2.6.22; keg needs 2.06",
			header->version >> 8, header->version & 0xff);
	return 0;
}

/* That the header reaches as far as its protocol's fields do, and no further than it may. */
static int check_length(const struct keg_linux_header *header)
{
	unsigned int end = MAGIC_AT + header->jump_offset;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (header->version >= fields[i].since && end < fields[i].end)
			return keg_fail(ENOEXEC,
				"bzImage: jump: the header ends at 0x%x, before the end of %s at "
				"0x%x, which protocol %u.%02u has",
				end, fields[i].name, fields[i].end, header->version >> 8,
				header->version & 0xff);
	}
	if (end > KEG_LINUX_HEADER_END)
		return keg_fail(ENOEXEC,
			"bzImage: jump: the header ends at 0x%x, beyond its room, which ends at "
			"0x%x",
			end, KEG_LINUX_HEADER_END);
	return 0;
}

static int copy_header(struct keg_linux_header *header, const unsigned char *image, size_t bytes)
{
	size_t end = bytes < KEG_LINUX_HEADER_END ? bytes : KEG_LINUX_HEADER_END;
	int rc;

	memset(header, 0, sizeof(*header));
	if (bytes < MAGIC_AT + 6)
		return keg_fail(
			ENOEXEC, "bzImage: the file ends before version, after %zu bytes", bytes);
	memcpy(header, image + KEG_LINUX_HEADER, end - KEG_LINUX_HEADER);
	rc = check_version(header);
	if (!rc)
		rc = check_length(header);
	if (rc)
		return rc;
	if (bytes < MAGIC_AT + (size_t)header->jump_offset)
		return keg_fail(ENOEXEC,
			"bzImage: the file ends within its header, after %zu of %u bytes", bytes,
			MAGIC_AT + header->jump_offset);
	/* What follows the header is code. */
	end = MAGIC_AT + (size_t)header->jump_offset - KEG_LINUX_HEADER;
	memset((unsigned char *)header + end, 0, sizeof(*header) - end);
	return 0;
}

static int find_code(struct keg_bzimage *bzimage, const unsigned char *image, size_t bytes)
{
	const struct keg_linux_header *header = &bzimage->header;
	/* 0 means 4. */
	size_t sectors = header->setup_sects ? header->setup_sects : 4;
	size_t setup = (sectors + 1) * SECTOR;
	uint64_t code = (uint64_t)header->syssize * PARAGRAPH;

	if (setup > bytes)
		return keg_fail(ENOEXEC,
			"bzImage: setup_sects is %zu: the file ends before, after %zu bytes",
			sectors, bytes);
	if (code == 0)
		return keg_fail(ENOEXEC, "bzImage: syssize is 0: there is no kernel");
	if (code > bytes - setup)
		return keg_fail(ENOEXEC,
			"bzImage: syssize is 0x%" PRIx32 ": 0x%" PRIx64
			" bytes after 0x%zx of setup are beyond the end of the file (%zu bytes)",
			header->syssize, code, setup, bytes);
	bzimage->code = image + setup;
	bzimage->code_bytes = (size_t)code;
	return 0;
}

static int find_payload(struct keg_bzimage *bzimage)
{
	const struct keg_linux_header *header = &bzimage->header;

	if (header->version < VERSION_PAYLOAD || header->payload_offset == 0)
		return 0;
	if (header->payload_offset > bzimage->code_bytes ||
		bzimage->code_bytes - header->payload_offset < header->payload_length)
		return keg_fail(ENOEXEC,
			"bzImage: payload_offset 0x%" PRIx32 " + payload_length 0x%" PRIx32
			" is beyond the end of the kernel (0x%zx bytes)",
			header->payload_offset, header->payload_length, bzimage->code_bytes);
	bzimage->payload = bzimage->code + header->payload_offset;
	bzimage->payload_bytes = header->payload_length;
	return 0;
}

static int check_placement(const struct keg_linux_header *header)
{
	if (!(header->loadflags & KEG_LINUX_LOADED_HIGH))
		return keg_fail(ENOTSUP,
			"bzImage: loadflags is 0x%02x: LOADED_HIGH is not set: a zImage",
			header->loadflags);
	if (header->cmdline_size == 0)
		return keg_fail(ENOEXEC, "bzImage: cmdline_size is 0");
	if (header->relocatable_kernel &&
		(header->kernel_alignment == 0 ||
			header->kernel_alignment & (header->kernel_alignment - 1)))
		return keg_fail(ENOEXEC,
			"bzImage: kernel_alignment is 0x%" PRIx32 ": no power of two",
			header->kernel_alignment);
	if (header->version < VERSION_PREF_ADDRESS)
		return 0;
	if (header->relocatable_kernel && header->pref_address % header->kernel_alignment)
		return keg_fail(ENOEXEC,
			"bzImage: pref_address 0x%" PRIx64
			" is no multiple of kernel_alignment 0x%" PRIx32,
			header->pref_address, header->kernel_alignment);
	if (header->init_size == 0)
		return keg_fail(ENOEXEC, "bzImage: init_size is 0");
	return 0;
}

int keg_bzimage_open(struct keg_bzimage *bzimage, const void *image, size_t bytes)
{
	int rc;

	*bzimage = (struct keg_bzimage){.code = NULL};
	rc = copy_header(&bzimage->header, image, bytes);
	if (!rc)
		rc = check_placement(&bzimage->header);
	if (!rc)
		rc = find_code(bzimage, image, bytes);
	if (!rc)
		rc = find_payload(bzimage);
	if (rc)
		return rc;
	if (bzimage->header.version < VERSION_XLOADFLAGS)
		bzimage->header.xloadflags = 0;
	return 0;
}
