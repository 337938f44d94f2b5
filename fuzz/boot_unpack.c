/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes unpacking: the first byte of the input chooses the pieces that are read, the second
 * whether the stream's beginning is looked at, the rest is a payload. Its last four bytes, which
 * tell the size, are bounded, so that a round is short.
 */
#include <stdlib.h>
#include <string.h>

#include <keg/error.h>

#include "boot/unpack.h"
#include "fuzzing.h"

enum { MOST = 1 << 20 };

/* Reads to the end, or as far as there is no failure. */
static int read_all(struct keg_unpack *unpack, size_t piece, bool skip)
{
	unsigned char *to = malloc(piece);
	int rc = 0;

	while (!rc && unpack->at < unpack->bytes) {
		uint64_t left = unpack->bytes - unpack->at;

		rc = keg_unpack_read(unpack, skip ? NULL : to, left < piece ? left : piece);
	}
	free(to);
	return rc ? rc : keg_unpack_finish(unpack);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned char *head;
	struct keg_unpack unpack;
	int rc;

	if (size < 2)
		return 0;
	rc = keg_unpack_open(&unpack, data + 2, size - 2, MOST);
	if (!rc && data[1] & 1) {
		rc = keg_unpack_peek(&unpack, &head);
		fuzz_check(rc <= KEG_UNPACK_PEEK);
		rc = rc < 0 ? rc : 0;
	}
	if (!rc) {
		rc = read_all(&unpack, (size_t)1 << (5 + data[0] % 16), data[1] & 2);
		fuzz_check(rc < 0 || unpack.at == unpack.bytes);
	}
	fuzz_check(rc <= 0);
	fuzz_check(rc == 0 || keg_error_message()[0] != 0);
	keg_unpack_close(&unpack);
	return 0;
}
