/* SPDX-License-Identifier: MIT */
/* Unpacking, whatever the format. */
#include "boot/unpack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { TRAILER = 4 };

/* Linux, "The Linux/x86 Boot Protocol", payload_offset: the formats of a kernel. Those without an
 * open() are known by name only. */
static const struct keg_unpack_format bzip2 = {.name = "bzip2", .magic = "BZh", .magic_bytes = 3};
static const struct keg_unpack_format lzma = {
	.name = "lzma", .magic = {0x5d, 0x00, 0x00}, .magic_bytes = 3};
static const struct keg_unpack_format lzo = {.name = "lzo", .magic = "\x89LZO", .magic_bytes = 4};

static const struct keg_unpack_format *const formats[] = {
	&keg_unpack_gzip,
	&keg_unpack_xz,
	&keg_unpack_lz4,
	&keg_unpack_zstd,
	&bzip2,
	&lzma,
	&lzo,
};

const struct keg_unpack_format *keg_unpack_identify(const void *packed, size_t bytes)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (bytes >= formats[i]->magic_bytes &&
			memcmp(packed, formats[i]->magic, formats[i]->magic_bytes) == 0)
			return formats[i];
	}
	return NULL;
}

bool keg_unpack_can(const struct keg_unpack_format *format)
{
	return format->library && keg_library_is_there(format->library);
}

static int check_format(const struct keg_unpack *unpack, size_t bytes)
{
	if (!unpack->format)
		return keg_fail(ENOTSUP, "the payload is packed in no format that keg knows");
	if (!unpack->format->library)
		return keg_fail(ENOTSUP, "the payload is packed with %s, which this keg lacks",
			unpack->format->name);
	if (bytes <= TRAILER)
		return keg_fail(ENOEXEC, "the payload has %zu bytes: too few", bytes);
	return 0;
}

int keg_unpack_open(struct keg_unpack *unpack, const void *packed, size_t bytes, uint64_t most)
{
	const unsigned char *end = (const unsigned char *)packed + bytes;
	uint32_t size;
	int rc;

	*unpack = (struct keg_unpack){.format = keg_unpack_identify(packed, bytes)};
	rc = check_format(unpack, bytes);
	if (rc)
		return rc;
	size = (uint32_t)end[-4] | (uint32_t)end[-3] << 8 | (uint32_t)end[-2] << 16 |
	       (uint32_t)end[-1] << 24;
	if (size > most)
		return keg_fail(ENOEXEC,
			"the payload's last 4 bytes say that it unpacks to %" PRIu32
			" bytes: more than %" PRIu64 ", the machine's memory",
			size, most);
	unpack->bytes = size;
	return unpack->format->open(
		packed, unpack->format->trailer ? bytes - TRAILER : bytes, &unpack->state);
}

void keg_unpack_close(struct keg_unpack *unpack)
{
	if (unpack->state)
		unpack->format->close(unpack->state);
	free(unpack->head);
	*unpack = (struct keg_unpack){.format = NULL};
}

/* Reads exactly `bytes` bytes from the format, past what was looked at. */
static int read_stream(struct keg_unpack *unpack, unsigned char *to, uint64_t bytes)
{
	while (bytes) {
		size_t most = bytes < INT32_MAX ? (size_t)bytes : INT32_MAX;
		int64_t got = unpack->format->read(unpack->state, to, most);

		if (got < 0)
			return (int)got;
		if (got == 0)
			return keg_fail(ENOEXEC,
				"%s: the payload ends %" PRIu64 " bytes before the %" PRIu64
				" that its last 4 bytes tell of",
				unpack->format->name, bytes, unpack->bytes);
		bytes -= (uint64_t)got;
		to = to ? to + got : NULL;
	}
	return 0;
}

int keg_unpack_peek(struct keg_unpack *unpack, const unsigned char **head)
{
	size_t bytes = unpack->bytes < KEG_UNPACK_PEEK ? (size_t)unpack->bytes : KEG_UNPACK_PEEK;
	int rc = 0;

	if (!unpack->head) {
		unpack->head = malloc(bytes ? bytes : 1);
		if (!unpack->head)
			return keg_fail_errno(ENOMEM, "unpacking the kernel");
		rc = read_stream(unpack, unpack->head, bytes);
		if (!rc)
			unpack->head_bytes = bytes;
	}
	*head = unpack->head;
	return rc ? rc : (int)unpack->head_bytes;
}

int keg_unpack_read(struct keg_unpack *unpack, void *to, uint64_t bytes)
{
	unsigned char *at = to;
	uint64_t looked_at;
	int rc;

	if (bytes > unpack->bytes - unpack->at)
		return keg_fail(ENOEXEC,
			"%s: 0x%" PRIx64 " bytes at 0x%" PRIx64
			" of the unpacked payload are beyond its end, 0x%" PRIx64,
			unpack->format->name, bytes, unpack->at, unpack->bytes);
	if (unpack->at < unpack->head_bytes) {
		looked_at = unpack->head_bytes - unpack->at;
		if (looked_at > bytes)
			looked_at = bytes;
		if (at) {
			memcpy(at, unpack->head + unpack->at, looked_at);
			at += looked_at;
		}
		unpack->at += looked_at;
		bytes -= looked_at;
	}
	rc = read_stream(unpack, at, bytes);
	if (!rc)
		unpack->at += bytes;
	return rc;
}

int keg_unpack_finish(struct keg_unpack *unpack)
{
	unsigned char more;
	int64_t got;
	int rc = keg_unpack_read(unpack, NULL, unpack->bytes - unpack->at);

	if (rc)
		return rc;
	/* Where the format has a checksum, it is checked on the way to its end. */
	got = unpack->format->read(unpack->state, &more, 1);
	if (got > 0)
		return keg_fail(ENOEXEC,
			"%s: the payload unpacks to more than the %" PRIu64
			" bytes that its last 4 bytes tell of",
			unpack->format->name, unpack->bytes);
	return (int)got;
}
