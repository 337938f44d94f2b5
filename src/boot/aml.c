/* SPDX-License-Identifier: MIT */
/* The AML encoder. Sections are those of ACPI 6.4. */
#include "boot/aml.h"

#include <errno.h>
#include <string.h>

/* Section 20.3. */
enum {
	ZERO_OP = 0x00,
	ONE_OP = 0x01,
	NAME_OP = 0x08,
	BYTE_PREFIX = 0x0a,
	WORD_PREFIX = 0x0b,
	DWORD_PREFIX = 0x0c,
	STRING_PREFIX = 0x0d,
	QWORD_PREFIX = 0x0e,
	SCOPE_OP = 0x10,
	BUFFER_OP = 0x11,
	PACKAGE_OP = 0x12,
	EXT_OP_PREFIX = 0x5b,
	DEVICE_OP = 0x82, /* after the prefix */
};

/* Section 6.4: the descriptors' first bytes, without the length of the large ones. */
enum {
	IRQ_DESCRIPTOR = 0x22,
	IO_DESCRIPTOR = 0x47,
	END_TAG = 0x79,
	MEMORY32_FIXED = 0x86,
	DWORD_ADDRESS = 0x87,
	WORD_ADDRESS = 0x88,
	EXTENDED_INTERRUPT = 0x89,
	QWORD_ADDRESS = 0x8a,
};

enum { NAME_BYTES = 4 };

static void fail(struct keg_aml *aml, int error)
{
	if (!aml->error)
		aml->error = error;
}

static void put(struct keg_aml *aml, const void *bytes, size_t count)
{
	if (count > aml->size - aml->used)
		fail(aml, ENOSPC);
	if (aml->error)
		return;
	memcpy(aml->bytes + aml->used, bytes, count);
	aml->used += count;
}

/* The low `bytes` bytes of a number. */
static void put_number(struct keg_aml *aml, uint64_t value, unsigned bytes)
{
	uint8_t encoded[8];

	for (unsigned i = 0; i < bytes; i++)
		encoded[i] = (uint8_t)(value >> 8 * i);
	put(aml, encoded, bytes);
}

static void put_byte(struct keg_aml *aml, uint8_t value)
{
	put(aml, &value, 1);
}

/* Puts bytes before those from `start` on. */
static void insert(struct keg_aml *aml, size_t start, const void *bytes, size_t count)
{
	if (count > aml->size - aml->used)
		fail(aml, ENOSPC);
	if (aml->error)
		return;
	memmove(aml->bytes + start + count, aml->bytes + start, aml->used - start);
	memcpy(aml->bytes + start, bytes, count);
	aml->used += count;
}

void keg_aml_init(struct keg_aml *aml, void *bytes, size_t size)
{
	*aml = (struct keg_aml){.bytes = bytes, .size = size};
}

int keg_aml_finish(const struct keg_aml *aml)
{
	if (aml->error)
		return -aml->error;
	return aml->depth ? -EINVAL : (int)aml->used;
}

/* ---- Lengths ---- */

static void begin(struct keg_aml *aml, bool resources)
{
	if (aml->depth == KEG_AML_DEPTH)
		fail(aml, EINVAL);
	if (aml->error)
		return;
	aml->open[aml->depth].start = aml->used;
	aml->open[aml->depth++].resources = resources;
}

/*
 * Section 20.2.4: a length covers itself. In one byte it has 6 bits; else the first byte has the
 * low 4 bits and says how many bytes follow.
 */
static void insert_length(struct keg_aml *aml, size_t start)
{
	size_t length = aml->used - start;
	uint8_t encoded[4];
	unsigned more = 0;

	if (length + 1 < 1 << 6) {
		encoded[0] = (uint8_t)(length + 1);
	} else {
		for (more = 1; more < 3 && (length + 1 + more) >> (4 + 8 * more); more++)
			;
		length += 1 + more;
		if (length >> 28)
			fail(aml, EINVAL);
		encoded[0] = (uint8_t)(more << 6 | (length & 0xf));
		for (unsigned i = 0; i < more; i++)
			encoded[1 + i] = (uint8_t)(length >> (4 + 8 * i));
	}
	insert(aml, start, encoded, 1 + more);
}

static unsigned encode_integer(uint64_t value, uint8_t encoded[9])
{
	static const struct {
		uint64_t most;
		uint8_t prefix, bytes;
	} forms[] = {
		{UINT8_MAX, BYTE_PREFIX, 1},
		{UINT16_MAX, WORD_PREFIX, 2},
		{UINT32_MAX, DWORD_PREFIX, 4},
		{UINT64_MAX, QWORD_PREFIX, 8},
	};
	unsigned form = 0;

	if (value <= 1) {
		encoded[0] = value ? ONE_OP : ZERO_OP;
		return 1;
	}
	while (value > forms[form].most)
		form++;
	encoded[0] = forms[form].prefix;
	for (unsigned i = 0; i < forms[form].bytes; i++)
		encoded[1 + i] = (uint8_t)(value >> 8 * i);
	return 1U + forms[form].bytes;
}

/* The end tag and the buffer's size (sections 6.4.2.9 and 20.2.5.4). */
static void end_resources(struct keg_aml *aml, size_t start)
{
	uint8_t encoded[9];
	unsigned count;

	put_byte(aml, END_TAG);
	put_byte(aml, 0); /* a checksum of 0 is taken for right */
	count = encode_integer(aml->used - start, encoded);
	insert(aml, start, encoded, count);
}

void keg_aml_end(struct keg_aml *aml)
{
	if (!aml->depth)
		fail(aml, EINVAL);
	if (aml->error)
		return;
	aml->depth--;
	if (aml->open[aml->depth].resources)
		end_resources(aml, aml->open[aml->depth].start);
	insert_length(aml, aml->open[aml->depth].start);
}

/* ---- Objects ---- */

/* Section 20.2.2. */
static void put_name(struct keg_aml *aml, const char *name)
{
	char segment[NAME_BYTES] = {'_', '_', '_', '_'};
	size_t length;

	if (*name == '\\') {
		put_byte(aml, '\\');
		name++;
	}
	length = strlen(name);
	if (!length || length > NAME_BYTES)
		return fail(aml, EINVAL);
	memcpy(segment, name, length);
	put(aml, segment, sizeof(segment));
}

void keg_aml_begin_scope(struct keg_aml *aml, const char *name)
{
	put_byte(aml, SCOPE_OP);
	begin(aml, false);
	put_name(aml, name);
}

void keg_aml_begin_device(struct keg_aml *aml, const char *name)
{
	put_byte(aml, EXT_OP_PREFIX);
	put_byte(aml, DEVICE_OP);
	begin(aml, false);
	put_name(aml, name);
}

void keg_aml_begin_package(struct keg_aml *aml, uint8_t elements)
{
	put_byte(aml, PACKAGE_OP);
	begin(aml, false);
	put_byte(aml, elements);
}

void keg_aml_begin_resources(struct keg_aml *aml)
{
	put_byte(aml, BUFFER_OP);
	begin(aml, true);
}

void keg_aml_name(struct keg_aml *aml, const char *name)
{
	put_byte(aml, NAME_OP);
	put_name(aml, name);
}

void keg_aml_integer(struct keg_aml *aml, uint64_t value)
{
	uint8_t encoded[9];
	unsigned count = encode_integer(value, encoded);

	put(aml, encoded, count);
}

void keg_aml_string(struct keg_aml *aml, const char *text)
{
	put_byte(aml, STRING_PREFIX);
	put(aml, text, strlen(text) + 1);
}

static uint32_t hex_digit(char c)
{
	return (uint32_t)(c >= 'A' ? c - 'A' + 10 : c - '0');
}

/* Section 19.6.36: three letters of 5 bits and four hexadecimal digits, the high byte first. */
void keg_aml_eisa_id(struct keg_aml *aml, const char *id)
{
	uint32_t value = 0;

	if (strlen(id) != 7)
		return fail(aml, EINVAL);
	for (int i = 0; i < 3; i++)
		value = value << 5 | ((uint32_t)id[i] & 0x1f);
	for (int i = 3; i < 7; i++)
		value = value << 4 | hex_digit(id[i]);
	put_byte(aml, DWORD_PREFIX);
	put_number(aml, __builtin_bswap32(value), 4);
}

/* ---- Resource descriptors ---- */

/* Section 6.4.2.5. */
void keg_aml_io(struct keg_aml *aml, uint16_t port, uint8_t ports)
{
	put_byte(aml, IO_DESCRIPTOR);
	put_byte(aml, 1); /* decodes 16 bits */
	put_number(aml, port, 2);
	put_number(aml, port, 2);
	put_byte(aml, 1);
	put_byte(aml, ports);
}

/* Section 6.4.2.1; without its third byte it is edge-triggered, active high. */
void keg_aml_irq(struct keg_aml *aml, uint8_t irq)
{
	put_byte(aml, IRQ_DESCRIPTOR);
	put_number(aml, 1U << irq, 2);
}

/* Section 6.4.3.6. Active high, not shared. */
void keg_aml_interrupt(struct keg_aml *aml, uint32_t gsi, bool edge)
{
	enum { CONSUMER = 1 << 0, EDGE = 1 << 1 };

	put_byte(aml, EXTENDED_INTERRUPT);
	put_number(aml, 6, 2);
	put_byte(aml, edge ? CONSUMER | EDGE : CONSUMER);
	put_byte(aml, 1);
	put_number(aml, gsi, 4);
}

/* Section 6.4.3.4. */
void keg_aml_memory(struct keg_aml *aml, uint32_t address, uint32_t bytes)
{
	put_byte(aml, MEMORY32_FIXED);
	put_number(aml, 9, 2);
	put_byte(aml, 1); /* can be written */
	put_number(aml, address, 4);
	put_number(aml, bytes, 4);
}

/* An address space descriptor (section 6.4.3.5), whose numbers have `bytes` bytes. */
static void put_window(struct keg_aml *aml, uint8_t descriptor, unsigned bytes, uint16_t type,
	uint64_t first, uint64_t last)
{
	enum { MIN_FIXED = 1 << 2, MAX_FIXED = 1 << 3 };

	put_byte(aml, descriptor);
	put_number(aml, 3 + 5 * bytes, 2);
	put_byte(aml, (uint8_t)type);
	put_byte(aml, MIN_FIXED | MAX_FIXED);
	put_byte(aml, (uint8_t)(type >> 8));
	put_number(aml, 0, bytes); /* granularity */
	put_number(aml, first, bytes);
	put_number(aml, last, bytes);
	put_number(aml, 0, bytes); /* translation */
	put_number(aml, last - first + 1, bytes);
}

/* What kind of window it is, and its own flags in the high byte (section 6.4.3.5.5). */
enum {
	WINDOW_MEMORY = 0 | 1 << 8, /* can be written, not cacheable */
	WINDOW_PORTS = 1 | 3 << 8,  /* all of them, not those of ISA only */
	WINDOW_BUSES = 2,
};

void keg_aml_bus_window(struct keg_aml *aml, uint8_t first, uint8_t last)
{
	put_window(aml, WORD_ADDRESS, 2, WINDOW_BUSES, first, last);
}

void keg_aml_port_window(struct keg_aml *aml, uint16_t first, uint16_t last)
{
	put_window(aml, WORD_ADDRESS, 2, WINDOW_PORTS, first, last);
}

void keg_aml_memory_window(struct keg_aml *aml, uint64_t first, uint64_t last)
{
	if (last <= UINT32_MAX)
		put_window(aml, DWORD_ADDRESS, 4, WINDOW_MEMORY, first, last);
	else
		put_window(aml, QWORD_ADDRESS, 8, WINDOW_MEMORY, first, last);
}
