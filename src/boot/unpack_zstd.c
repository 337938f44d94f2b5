/* SPDX-License-Identifier: MIT */
/* zstd (RFC 8878), with the size after it that Linux appends. */
#include "boot/unpack.h"

#include "base/error.h"

#if KEG_HAS_ZSTD

#include <stdlib.h>
#include <zstd.h>

/* Linux packs with windows of at most 128 MiB (zstd -22 --ultra): 2^27 bytes. */
enum { WINDOW_LOG = 27 };

#define FUNCTIONS(FUNCTION)                                                                        \
	FUNCTION(ZSTD_createDStream)                                                               \
	FUNCTION(ZSTD_DCtx_setParameter)                                                           \
	FUNCTION(ZSTD_decompressStream)                                                            \
	FUNCTION(ZSTD_freeDStream)                                                                 \
	FUNCTION(ZSTD_isError)                                                                     \
	FUNCTION(ZSTD_getErrorName)

struct libzstd {
	FUNCTIONS(KEG_LIBRARY_POINTER)
};

static const struct keg_library library = {
	.name = "libzstd",
	.file = "libzstd.so.1",
	.package = "libzstd1",
	.functions = (const char *const[]){FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

struct zstd {
	void *handle;
	struct libzstd libzstd;
	ZSTD_DStream *stream;
	ZSTD_inBuffer in;
	bool ended;
	unsigned char skipped[KEG_UNPACK_SKIP];
};

static void zstd_close(void *state)
{
	struct zstd *zstd = state;

	if (zstd->handle)
		zstd->libzstd.ZSTD_freeDStream(zstd->stream);
	keg_library_close(zstd->handle);
	free(zstd);
}

static int zstd_open(const unsigned char *packed, size_t bytes, void **state)
{
	struct zstd *zstd = calloc(1, sizeof(*zstd));
	const struct libzstd *libzstd;
	int rc;

	if (!zstd)
		return keg_fail_errno(ENOMEM, "zstd");
	*state = zstd;
	zstd->in = (ZSTD_inBuffer){.src = packed, .size = bytes};
	libzstd = &zstd->libzstd;
	rc = keg_library_open(&library, &zstd->handle, &zstd->libzstd);
	if (rc)
		return rc;
	zstd->stream = libzstd->ZSTD_createDStream();
	if (!zstd->stream || libzstd->ZSTD_isError(libzstd->ZSTD_DCtx_setParameter(
				     zstd->stream, ZSTD_d_windowLogMax, WINDOW_LOG)))
		return keg_fail_errno(ENOMEM, "zstd");
	return 0;
}

static int64_t zstd_read(void *state, unsigned char *to, size_t most)
{
	struct zstd *zstd = state;
	const struct libzstd *libzstd = &zstd->libzstd;
	ZSTD_outBuffer out = {.dst = to, .size = most};
	size_t rc;

	if (!to) {
		out.dst = zstd->skipped;
		out.size = most < sizeof(zstd->skipped) ? most : sizeof(zstd->skipped);
	}
	while (out.pos == 0 && !(zstd->ended && zstd->in.pos == zstd->in.size)) {
		size_t before = zstd->in.pos;

		rc = libzstd->ZSTD_decompressStream(zstd->stream, &out, &zstd->in);
		if (libzstd->ZSTD_isError(rc))
			return keg_fail(ENOEXEC, "zstd: the payload is damaged: %s",
				libzstd->ZSTD_getErrorName(rc));
		zstd->ended = rc == 0;
		if (!zstd->ended && out.pos == 0 && zstd->in.pos == before)
			return keg_fail(ENOEXEC, "zstd: the payload ends too early");
	}
	return (int64_t)out.pos;
}

#endif

const struct keg_unpack_format keg_unpack_zstd = {
	.name = "zstd",
	.magic = {0x28, 0xb5, 0x2f, 0xfd},
	.magic_bytes = 4,
	.trailer = true,
#if KEG_HAS_ZSTD
	.library = &library,
	.open = zstd_open,
	.read = zstd_read,
	.close = zstd_close,
#endif
};
