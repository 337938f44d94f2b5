/* SPDX-License-Identifier: MIT */
/* Unpacking on the host: what was packed comes out, in any pieces, and nothing else does. */
#include "testing.h"

#include <errno.h>

#include "boot/unpack.h"
#include "pack.h"

/* More than two blocks of lz4's, so that some of it goes straight to where it is wanted. */
enum { LARGE = 20 << 20, SMALL = 200000 };

static unsigned char *data;

static int make_data(void **state)
{
	uint32_t random = 1;

	(void)state;
	data = malloc(LARGE);
	if (!data)
		return -1;
	/* Half of it packs well. */
	for (size_t i = 0; i < LARGE; i++) {
		random = random * 1664525 + 1013904223;
		data[i] = i / 4096 % 2 ? (unsigned char)(random >> 24) : (unsigned char)(i / 64);
	}
	return 0;
}

static int free_data(void **state)
{
	(void)state;
	free(data);
	return 0;
}

/* Unpacks all of it in pieces of these sizes, over and over; every third is skipped. */
static void unpack_in_pieces(
	const struct packer *packer, size_t bytes, const size_t *pieces, size_t count)
{
	size_t packed_bytes, at = 0;
	unsigned char *packed = packer->pack(data, bytes, &packed_bytes), *out = calloc(1, bytes);
	struct keg_unpack unpack;

	assert_non_null(out);
	assert_ok(keg_unpack_open(&unpack, packed, packed_bytes, bytes));
	assert_int_equal(unpack.bytes, bytes);
	for (size_t i = 0; at < bytes; i++) {
		size_t piece = pieces[i % count] < bytes - at ? pieces[i % count] : bytes - at;

		assert_ok(keg_unpack_read(&unpack, i % 3 == 2 ? NULL : out + at, piece));
		if (i % 3 != 2)
			assert_memory_equal(out + at, data + at, piece);
		at += piece;
	}
	assert_ok(keg_unpack_finish(&unpack));
	keg_unpack_close(&unpack);
	free(out);
	free(packed);
}

static void what_was_packed_comes_out(void **state)
{
	static const size_t pieces[] = {100, 4096, 1, 65536, 70000, 3};
	static const size_t large[] = {1 << 20, 12 << 20, 100};
	static const size_t at_once[] = {LARGE};

	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		unpack_in_pieces(packer, SMALL, pieces, 6);
		unpack_in_pieces(packer, 1, pieces, 6);
		/* The others have no blocks. */
		if (strcmp(packer->name, "lz4") != 0)
			continue;
		unpack_in_pieces(packer, LARGE, large, 3);
		unpack_in_pieces(packer, LARGE, at_once, 1);
	}
}

static void what_was_looked_at_is_read_again(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t packed_bytes;
		unsigned char *packed = packer->pack(data, SMALL, &packed_bytes);
		unsigned char out[1000];
		const unsigned char *head;
		struct keg_unpack unpack;

		assert_ok(keg_unpack_open(&unpack, packed, packed_bytes, SMALL));
		assert_int_equal(keg_unpack_peek(&unpack, &head), KEG_UNPACK_PEEK);
		assert_memory_equal(head, data, KEG_UNPACK_PEEK);
		assert_int_equal(keg_unpack_peek(&unpack, &head), KEG_UNPACK_PEEK);
		assert_ok(keg_unpack_read(&unpack, NULL, KEG_UNPACK_PEEK - 500));
		assert_ok(keg_unpack_read(&unpack, out, sizeof(out)));
		assert_memory_equal(out, data + KEG_UNPACK_PEEK - 500, sizeof(out));
		assert_ok(keg_unpack_finish(&unpack));
		keg_unpack_close(&unpack);
		free(packed);
	}
}

/* Opens and unpacks all of it: what that answers. */
static int unpack_all(const unsigned char *packed, size_t bytes, uint64_t most)
{
	struct keg_unpack unpack;
	int rc = keg_unpack_open(&unpack, packed, bytes, most);

	if (!rc)
		rc = keg_unpack_finish(&unpack);
	keg_unpack_close(&unpack);
	return rc;
}

static void a_payload_that_is_too_large_is_refused_by_its_own_account(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *packed = packer->pack(data, SMALL, &bytes);

		assert_ok(unpack_all(packed, bytes, SMALL));
		assert_fails(unpack_all(packed, bytes, SMALL - 1), ENOEXEC,
			"unpacks to 200000 bytes: more than 199999, the machine's memory");
		free(packed);
	}
}

static void a_payload_that_unpacks_to_more_than_it_says_is_refused(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *packed = packer->pack(data, SMALL, &bytes);

		put32(packed + bytes - 4, SMALL - 1);
		/* gzip's size is a part of gzip, which sees it itself. */
		if (strcmp(packer->name, "gzip") == 0)
			assert_fails(unpack_all(packed, bytes, SMALL), ENOEXEC, "gzip: ");
		else
			assert_fails(unpack_all(packed, bytes, SMALL), ENOEXEC,
				"unpacks to more than the 199999 bytes");
		put32(packed + bytes - 4, SMALL + 1);
		assert_fails(unpack_all(packed, bytes, LARGE), ENOEXEC, packer->name);
		free(packed);
	}
}

static void a_payload_that_ends_early_is_refused(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *packed = packer->pack(data, SMALL, &bytes);

		for (size_t cut = 0; cut < 64; cut++) {
			size_t left = cut < 32 ? cut : bytes - 4 - (cut - 31);
			unsigned char *copy = malloc(left + 4);

			assert_non_null(copy);
			memcpy(copy, packed, left);
			put32(copy + left, SMALL);
			assert_true(unpack_all(copy, left + 4, LARGE) < 0);
			free(copy);
		}
		free(packed);
	}
}

/* With lz4, which has no checksum, damage may also come out as other bytes. */
static void damage_is_never_more_than_a_refusal(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes, refused = 0;
		unsigned char *packed = packer->pack(data, SMALL, &bytes);

		for (size_t at = 0; at < bytes; at += bytes / 150 + 1) {
			packed[at] ^= 0x55;
			refused += unpack_all(packed, bytes, LARGE) < 0;
			packed[at] ^= 0x55;
		}
		assert_ok(unpack_all(packed, bytes, LARGE));
		assert_true(refused > 0);
		free(packed);
	}
}

static void no_more_can_be_read_than_there_is(void **state)
{
	(void)state;
	for (const struct packer *packer = packers; packer->name; packer++) {
		size_t bytes;
		unsigned char *packed = packer->pack(data, SMALL, &bytes);
		struct keg_unpack unpack;

		assert_ok(keg_unpack_open(&unpack, packed, bytes, SMALL));
		assert_fails(keg_unpack_read(&unpack, NULL, SMALL + 1), ENOEXEC,
			"0x30d41 bytes at 0x0 of the unpacked payload are beyond its end, 0x30d40");
		assert_ok(keg_unpack_read(&unpack, NULL, SMALL));
		assert_fails(keg_unpack_read(&unpack, NULL, 1), ENOEXEC, "are beyond its end");
		keg_unpack_close(&unpack);
		free(packed);
	}
}

static void formats_that_are_not_known_or_not_built_in_are_told_apart(void **state)
{
	static const unsigned char bzip2[] = "BZh91AY", nothing[] = "nothing!";

	(void)state;
	assert_string_equal(keg_unpack_identify(bzip2, sizeof(bzip2))->name, "bzip2");
	assert_null(keg_unpack_identify(nothing, sizeof(nothing)));
	assert_null(keg_unpack_identify(bzip2, 2));
	assert_fails(unpack_all(bzip2, sizeof(bzip2), 1), ENOTSUP,
		"packed with bzip2, which this keg lacks");
	assert_fails(
		unpack_all(nothing, sizeof(nothing), 1), ENOTSUP, "in no format that keg knows");
	assert_fails(unpack_all(nothing, 0, 1), ENOTSUP, "in no format that keg knows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_packed_comes_out),
		cmocka_unit_test(what_was_looked_at_is_read_again),
		cmocka_unit_test(a_payload_that_is_too_large_is_refused_by_its_own_account),
		cmocka_unit_test(a_payload_that_unpacks_to_more_than_it_says_is_refused),
		cmocka_unit_test(a_payload_that_ends_early_is_refused),
		cmocka_unit_test(damage_is_never_more_than_a_refusal),
		cmocka_unit_test(no_more_can_be_read_than_there_is),
		cmocka_unit_test(formats_that_are_not_known_or_not_built_in_are_told_apart),
	};

	if (!packers[0].name) {
		fprintf(stderr, "SKIPPED: this keg unpacks no format\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, make_data, free_data);
}
