/* SPDX-License-Identifier: MIT */
/*
 * Unpacking a kernel on the host: a stream of which the next bytes are asked for, each format
 * behind one table. No more is unpacked than is asked for, and no more than the caller has allowed.
 */
#ifndef KEG_BOOT_UNPACK_H
#define KEG_BOOT_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/library.h"

/* As much of the stream's beginning as can be looked at before it is read. */
enum { KEG_UNPACK_PEEK = 65536 };

/* A format. What it keeps is its own, between open() and close(). */
struct keg_unpack_format {
	const char *name;
	unsigned char magic[4];
	size_t magic_bytes;
	bool trailer; /* the unpacked size follows the packed data, and is no part of it */
	const struct keg_library *library; /* that unpacks it; NULL: keg was built without */
	/* Loads the library too. What it leaves at `state`, if it fails too, close() gets. */
	int (*open)(const unsigned char *packed, size_t bytes, void **state);
	/* Puts the next 1 to `most` bytes at `to`, or nowhere if that is NULL. How many: 0 at the
	 * end; or a negative errno. */
	int64_t (*read)(void *state, unsigned char *to, size_t most);
	void (*close)(void *state);
};

extern const struct keg_unpack_format keg_unpack_gzip, keg_unpack_xz, keg_unpack_lz4,
	keg_unpack_zstd;

struct keg_unpack {
	const struct keg_unpack_format *format;
	void *state;
	uint64_t at, bytes;  /* of the unpacked stream: the next byte, and how many there are */
	unsigned char *head; /* what was looked at: the first bytes */
	size_t head_bytes;
};

/* The format that packed data begins like, or NULL. keg may be unable to unpack it. */
const struct keg_unpack_format *keg_unpack_identify(const void *packed, size_t bytes);

/* Whether keg can: it was built with the format's library, and that is there. */
bool keg_unpack_can(const struct keg_unpack_format *format);

/*
 * Opens packed data whose last 4 bytes tell the unpacked size, as those of a Linux payload do.
 * keg_unpack_close() follows, whatever this answers. -ENOEXEC the data is damaged, or unpacks to
 * more than `most` bytes by its own account; -ENOTSUP keg cannot unpack the format; -ENOMEM
 */
int keg_unpack_open(struct keg_unpack *unpack, const void *packed, size_t bytes, uint64_t most);
void keg_unpack_close(struct keg_unpack *unpack);

/* The stream's first bytes, which keg_unpack_read() will give once more: how many, or as there. */
int keg_unpack_peek(struct keg_unpack *unpack, const unsigned char **head);

/* Reads exactly `bytes` bytes, or skips them if `to` is NULL. -ENOEXEC damaged, or it ends before;
 * -ENOMEM */
int keg_unpack_read(struct keg_unpack *unpack, void *to, uint64_t bytes);

/* Reads what is left, and checks that the size is what was said. */
int keg_unpack_finish(struct keg_unpack *unpack);

/* For the formats: skipping by means of a buffer, where the library writes in any case. */
enum { KEG_UNPACK_SKIP = 65536 };

#endif
