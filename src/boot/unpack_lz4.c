/* SPDX-License-Identifier: MIT */
/*
 * lz4, in the legacy frame that Linux kernels use (LZ4 Frame Format Description, "Legacy frame"):
 * a magic number, then blocks, each with its packed size before it and at most 8 MiB unpacked. A
 * magic number may stand in a size's place: frames follow each other.
 */
#include "boot/unpack.h"

#include "base/error.h"

#define MAGIC                                                                                      \
	{                                                                                          \
		0x02, 0x21, 0x4c, 0x18                                                             \
	}

#if KEG_HAS_LZ4

#include <lz4.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { BLOCK = 8 << 20, SIZE_BYTES = 4, HUGE_PAGE = 2 << 20 };

#define FUNCTIONS(FUNCTION) FUNCTION(LZ4_decompress_safe)

struct liblz4 {
	FUNCTIONS(KEG_LIBRARY_POINTER)
};

static const struct keg_library library = {
	.name = "liblz4",
	.file = "liblz4.so.1",
	.package = "liblz4-1",
	.functions = (const char *const[]){FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

struct lz4 {
	void *handle;
	struct liblz4 liblz4;
	const unsigned char *next, *end;
	int at, have;        /* of the block that was unpacked last */
	unsigned char *data; /* room for a block */
};

static int lz4_open(const unsigned char *packed, size_t bytes, void **state)
{
	struct lz4 *lz4 = malloc(sizeof(*lz4));
	int rc;

	if (!lz4)
		return keg_fail_errno(ENOMEM, "lz4");
	*lz4 = (struct lz4){.next = packed, .end = packed + bytes};
	*state = lz4;
	rc = keg_library_open(&library, &lz4->handle, &lz4->liblz4);
	if (rc)
		return rc;
	lz4->data = aligned_alloc(HUGE_PAGE, BLOCK);
	if (!lz4->data)
		return keg_fail_errno(ENOMEM, "lz4: %d bytes", BLOCK);
	/* All of it is touched at once: by pages of 4 KiB that takes longer than unpacking. It is
	 * no matter if there are no others. */
	madvise(lz4->data, BLOCK, MADV_HUGEPAGE);
	return 0;
}

static void lz4_close(void *state)
{
	struct lz4 *lz4 = state;

	keg_library_close(lz4->handle);
	free(lz4->data);
	free(lz4);
}

/* The packed size of the next block, after which `next` is at its data; 0 at the end. */
static int64_t next_block(struct lz4 *lz4)
{
	static const unsigned char magic[] = MAGIC;
	const unsigned char *at;
	int64_t bytes;

	while (lz4->end - lz4->next >= SIZE_BYTES && memcmp(lz4->next, magic, SIZE_BYTES) == 0)
		lz4->next += SIZE_BYTES;
	if (lz4->next == lz4->end)
		return 0;
	if (lz4->end - lz4->next < SIZE_BYTES)
		return keg_fail(ENOEXEC, "lz4: the payload ends within a block's size");
	at = lz4->next;
	bytes = (int64_t)at[0] | (int64_t)at[1] << 8 | (int64_t)at[2] << 16 | (int64_t)at[3] << 24;
	lz4->next += SIZE_BYTES;
	if (bytes == 0 || bytes > lz4->end - lz4->next)
		return keg_fail(ENOEXEC,
			"lz4: a block of %lld packed bytes, where the payload has %lld left",
			(long long)bytes, (long long)(lz4->end - lz4->next));
	return bytes;
}

/* Unpacks the next block to `to`, which has room for one: how many bytes it has. */
static int unpack_block(struct lz4 *lz4, unsigned char *to)
{
	int64_t packed = next_block(lz4);
	int got;

	if (packed <= 0)
		return (int)packed;
	if (packed > LZ4_COMPRESSBOUND(BLOCK))
		return keg_fail(
			ENOEXEC, "lz4: a block of %lld packed bytes: too large", (long long)packed);
	got = lz4->liblz4.LZ4_decompress_safe(
		(const char *)lz4->next, (char *)to, (int)packed, BLOCK);
	if (got <= 0)
		return keg_fail(ENOEXEC, "lz4: a block of the payload is damaged");
	lz4->next += packed;
	return got;
}

static int64_t lz4_read(void *state, unsigned char *to, size_t most)
{
	struct lz4 *lz4 = state;
	size_t bytes;

	if (lz4->at == lz4->have) {
		/* Straight to where it is wanted, if any block fits there. */
		if (to && most >= BLOCK)
			return unpack_block(lz4, to);
		lz4->at = 0;
		lz4->have = unpack_block(lz4, lz4->data);
		if (lz4->have <= 0) {
			int rc = lz4->have;

			lz4->have = 0;
			return rc;
		}
	}
	bytes = (size_t)(lz4->have - lz4->at);
	if (bytes > most)
		bytes = most;
	if (to)
		memcpy(to, lz4->data + lz4->at, bytes);
	lz4->at += (int)bytes;
	return (int64_t)bytes;
}

#endif

const struct keg_unpack_format keg_unpack_lz4 = {
	.name = "lz4",
	.magic = MAGIC,
	.magic_bytes = 4,
	.trailer = true,
#if KEG_HAS_LZ4
	.library = &library,
	.open = lz4_open,
	.read = lz4_read,
	.close = lz4_close,
#endif
};
