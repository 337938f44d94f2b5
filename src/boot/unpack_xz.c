/* SPDX-License-Identifier: MIT */
/* xz, with the size after it that Linux appends. */
#include "boot/unpack.h"

#include "base/error.h"

#if KEG_HAS_LZMA

#include <lzma.h>
#include <stdlib.h>

/* Linux packs with dictionaries of at most 128 MiB (scripts/xz_wrap.sh); the decoder's own comes on
 * top. */
static const uint64_t most_memory = 160ULL << 20;

#define FUNCTIONS(FUNCTION)                                                                        \
	FUNCTION(lzma_stream_decoder)                                                              \
	FUNCTION(lzma_code)                                                                        \
	FUNCTION(lzma_end)

struct liblzma {
	FUNCTIONS(KEG_LIBRARY_POINTER)
};

static const struct keg_library library = {
	.name = "liblzma",
	.file = "liblzma.so.5",
	.package = "liblzma5",
	.functions = (const char *const[]){FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

struct xz {
	void *handle;
	struct liblzma liblzma;
	lzma_stream stream;
	bool ended;
	unsigned char skipped[KEG_UNPACK_SKIP];
};

static int xz_open(const unsigned char *packed, size_t bytes, void **state)
{
	struct xz *xz = calloc(1, sizeof(*xz));
	int rc;

	if (!xz)
		return keg_fail_errno(ENOMEM, "xz");
	*state = xz;
	xz->stream = (lzma_stream)LZMA_STREAM_INIT;
	rc = keg_library_open(&library, &xz->handle, &xz->liblzma);
	if (rc)
		return rc;
	if (xz->liblzma.lzma_stream_decoder(&xz->stream, most_memory, 0) != LZMA_OK)
		return keg_fail_errno(ENOMEM, "xz");
	xz->stream.next_in = packed;
	xz->stream.avail_in = bytes;
	return 0;
}

static void xz_close(void *state)
{
	struct xz *xz = state;

	if (xz->handle)
		xz->liblzma.lzma_end(&xz->stream);
	keg_library_close(xz->handle);
	free(xz);
}

static int64_t xz_read(void *state, unsigned char *to, size_t most)
{
	struct xz *xz = state;
	lzma_ret rc = LZMA_OK;

	if (!to && most > sizeof(xz->skipped))
		most = sizeof(xz->skipped);
	xz->stream.next_out = to ? to : xz->skipped;
	xz->stream.avail_out = most;
	while (rc == LZMA_OK && !xz->ended && xz->stream.avail_out == most)
		rc = xz->liblzma.lzma_code(&xz->stream, LZMA_FINISH);
	if (rc == LZMA_STREAM_END)
		xz->ended = true;
	else if (rc == LZMA_MEM_ERROR)
		return keg_fail_errno(ENOMEM, "xz");
	else if (rc == LZMA_MEMLIMIT_ERROR)
		return keg_fail(ENOEXEC, "xz: the payload wants a dictionary of more than 128 MiB");
	else if (rc == LZMA_BUF_ERROR)
		return keg_fail(ENOEXEC, "xz: the payload ends too early");
	else if (rc != LZMA_OK)
		return keg_fail(ENOEXEC, "xz: the payload is damaged (liblzma says %d)", (int)rc);
	return (int64_t)(most - xz->stream.avail_out);
}

#endif

const struct keg_unpack_format keg_unpack_xz = {
	.name = "xz",
	.magic = {0xfd, '7', 'z', 'X'},
	.magic_bytes = 4,
	.trailer = true,
#if KEG_HAS_LZMA
	.library = &library,
	.open = xz_open,
	.read = xz_read,
	.close = xz_close,
#endif
};
