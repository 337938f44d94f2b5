/* SPDX-License-Identifier: MIT */
/* Packing, for the tests of unpacking. */
#include "pack.h"

#include <stdlib.h>
#include <string.h>

#if KEG_HAS_ZLIB
#include <zlib.h>
#endif
#if KEG_HAS_LZMA
#include <lzma.h>
#endif
#if KEG_HAS_LZ4
#include <lz4.h>
#endif
#if KEG_HAS_ZSTD
#include <zstd.h>
#endif

/* A block with room for `bytes` and the size. Without any library nobody asks for one. */
__attribute__((unused)) static unsigned char *block(size_t bytes)
{
	unsigned char *made = malloc(bytes + 4);

	if (!made)
		abort();
	return made;
}

__attribute__((unused)) static void must(int condition)
{
	if (!condition)
		abort();
}

#if KEG_HAS_ZLIB
static unsigned char *pack_gzip(const void *data, size_t bytes, size_t *packed_bytes)
{
	z_stream stream = {.next_in = (unsigned char *)(uintptr_t)data, .avail_in = (uInt)bytes};
	unsigned char *packed;

	must(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
	stream.avail_out = (uInt)deflateBound(&stream, bytes);
	packed = stream.next_out = block(stream.avail_out);
	must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
	*packed_bytes = stream.total_out;
	deflateEnd(&stream);
	return packed;
}
#endif

#if KEG_HAS_LZMA
static unsigned char *pack_xz(const void *data, size_t bytes, size_t *packed_bytes)
{
	size_t room = lzma_stream_buffer_bound(bytes), at = 0;
	unsigned char *packed = block(room);

	/* As Linux does: with CRC32, which its own decoder knows. */
	must(lzma_easy_buffer_encode(1, LZMA_CHECK_CRC32, NULL, data, bytes, packed, &at, room) ==
		LZMA_OK);
	put32(packed + at, (uint32_t)bytes);
	*packed_bytes = at + 4;
	return packed;
}
#endif

#if KEG_HAS_LZ4
enum { LZ4_BLOCK = 8 << 20 };

static unsigned char *pack_lz4(const void *data, size_t bytes, size_t *packed_bytes)
{
	size_t blocks = bytes / LZ4_BLOCK + 1, at = 4;
	unsigned char *packed = block(4 + blocks * (4 + (size_t)LZ4_COMPRESSBOUND(LZ4_BLOCK)));

	memcpy(packed, "\x02\x21\x4c\x18", 4);
	for (size_t done = 0; done < bytes;) {
		size_t now = bytes - done < LZ4_BLOCK ? bytes - done : LZ4_BLOCK;
		int made = LZ4_compress_default((const char *)data + done, (char *)packed + at + 4,
			(int)now, LZ4_COMPRESSBOUND(LZ4_BLOCK));

		must(made > 0);
		put32(packed + at, (uint32_t)made);
		at += 4 + (size_t)made;
		done += now;
	}
	put32(packed + at, (uint32_t)bytes);
	*packed_bytes = at + 4;
	return packed;
}
#endif

#if KEG_HAS_ZSTD
static unsigned char *pack_zstd(const void *data, size_t bytes, size_t *packed_bytes)
{
	size_t room = ZSTD_compressBound(bytes), at;
	unsigned char *packed = block(room);

	at = ZSTD_compress(packed, room, data, bytes, 1);
	must(!ZSTD_isError(at));
	put32(packed + at, (uint32_t)bytes);
	*packed_bytes = at + 4;
	return packed;
}
#endif

const struct packer packers[] = {
#if KEG_HAS_ZLIB
	{"gzip", pack_gzip},
#endif
#if KEG_HAS_LZMA
	{"xz", pack_xz},
#endif
#if KEG_HAS_LZ4
	{"lz4", pack_lz4},
#endif
#if KEG_HAS_ZSTD
	{"zstd", pack_zstd},
#endif
	{NULL, NULL},
};
