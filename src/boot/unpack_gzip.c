/* SPDX-License-Identifier: MIT */
/* gzip (RFC 1952): its own last 4 bytes are the unpacked size. */
#include "boot/unpack.h"

#include "base/error.h"

#if KEG_HAS_ZLIB

#define ZLIB_CONST
#include <stdlib.h>
#include <zlib.h>

/* The largest window, and gzip's header and checksum around the data: zlib.h, inflateInit2(). */
enum { WINDOW_BITS = 15, WITH_GZIP = 16 };

/* inflateInit2() is a macro for the one that checks the version. */
#define FUNCTIONS(FUNCTION)                                                                        \
	FUNCTION(inflateInit2_)                                                                    \
	FUNCTION(inflate)                                                                          \
	FUNCTION(inflateEnd)

struct zlib {
	FUNCTIONS(KEG_LIBRARY_POINTER)
};

static const struct keg_library library = {
	.name = "zlib",
	.file = "libz.so.1",
	.package = "zlib1g",
	.functions = (const char *const[]){FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

struct gzip {
	void *handle;
	struct zlib zlib;
	z_stream stream;
	bool ended;
	unsigned char skipped[KEG_UNPACK_SKIP];
};

static int gzip_open(const unsigned char *packed, size_t bytes, void **state)
{
	struct gzip *gzip = calloc(1, sizeof(*gzip));
	int rc;

	if (!gzip)
		return keg_fail_errno(ENOMEM, "gzip");
	*state = gzip;
	rc = keg_library_open(&library, &gzip->handle, &gzip->zlib);
	if (rc)
		return rc;
	gzip->stream.next_in = packed;
	gzip->stream.avail_in = (uInt)bytes;
	if (gzip->stream.avail_in != bytes ||
		gzip->zlib.inflateInit2_(&gzip->stream, WINDOW_BITS + WITH_GZIP, ZLIB_VERSION,
			sizeof(gzip->stream)) != Z_OK)
		return keg_fail_errno(ENOMEM, "gzip");
	return 0;
}

static void gzip_close(void *state)
{
	struct gzip *gzip = state;

	/* It does nothing where there is nothing to end. */
	if (gzip->handle)
		gzip->zlib.inflateEnd(&gzip->stream);
	keg_library_close(gzip->handle);
	free(gzip);
}

static int64_t gzip_read(void *state, unsigned char *to, size_t most)
{
	struct gzip *gzip = state;
	int rc = Z_OK;

	if (!to && most > sizeof(gzip->skipped))
		most = sizeof(gzip->skipped);
	gzip->stream.next_out = to ? to : gzip->skipped;
	gzip->stream.avail_out = (uInt)most;
	while (rc == Z_OK && !gzip->ended && gzip->stream.avail_out == most)
		rc = gzip->zlib.inflate(&gzip->stream, Z_NO_FLUSH);
	if (rc == Z_STREAM_END)
		gzip->ended = true;
	else if (rc == Z_MEM_ERROR)
		return keg_fail_errno(ENOMEM, "gzip");
	else if (rc == Z_BUF_ERROR)
		return keg_fail(ENOEXEC, "gzip: the payload ends too early");
	else if (rc != Z_OK)
		return keg_fail(ENOEXEC, "gzip: the payload is damaged: %s",
			gzip->stream.msg ? gzip->stream.msg : "no gzip data");
	return (int64_t)(most - gzip->stream.avail_out);
}

#endif

const struct keg_unpack_format keg_unpack_gzip = {
	.name = "gzip",
	.magic = {0x1f, 0x8b},
	.magic_bytes = 2,
#if KEG_HAS_ZLIB
	.library = &library,
	.open = gzip_open,
	.read = gzip_read,
	.close = gzip_close,
#endif
};
