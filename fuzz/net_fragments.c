/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes datagrams that come in parts: the input is parts' lengths, places and identifications, or
 * headers as they are. What is whole is a datagram with a right header, and of the bytes sent.
 */
#include "net/fragments.h"

#include <string.h>

#include "fuzzing.h"
#include "net/frames.h"
#include "net/net.h"

enum { FRAME = 14 + 60 + 65535 };

static uint32_t sum_of(const uint8_t *header, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i += 2)
		sum += (uint32_t)header[i] << 8 | header[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* Returns the frame's length, which may be more, or less, than its header says. */
static size_t make_part(struct fuzz_input *input, uint8_t *frame)
{
	uint8_t *ip = frame + 14;
	const uint32_t header = 20 + 4 * (uint32_t)(fuzz_take(input, 1) % 11);
	const uint32_t place = (uint32_t)fuzz_take(input, 2),
		       length = (uint32_t)fuzz_take(input, 2);
	const size_t bytes = 14 + header + fuzz_take(input, 2);
	uint32_t sum;

	memset(frame, 0, 14 + header);
	frame[12] = 8;
	ip[0] = (uint8_t)(0x40 | header / 4);
	ip[2] = (uint8_t)(length >> 8);
	ip[3] = (uint8_t)length;
	ip[5] = fuzz_take(input, 1) & 7;
	ip[6] = (uint8_t)(place >> 8);
	ip[7] = (uint8_t)place;
	sum = sum_of(ip, header) ^ 0xffff;
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	return bytes < FRAME ? bytes : FRAME;
}

static void check_whole(const uint8_t *whole, size_t bytes)
{
	const uint32_t header = (whole[14] & 15U) * 4;

	fuzz_check(bytes > 14 + header && bytes <= KEG_NET_MAX_FRAME - KEG_NET_HEADER);
	fuzz_check(((size_t)whole[16] << 8 | whole[17]) == bytes - 14);
	fuzz_check(!keg_frame_is_fragment(whole, bytes));
	fuzz_check(sum_of(whole + 14, header) == 0xffff);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t frame[FRAME], whole[KEG_NET_MAX_FRAME];
	struct fuzz_input input = {data, size};
	struct keg_fragments fragments;
	int64_t now_ns = 0;

	fuzz_check(!keg_fragments_init(&fragments));
	while (input.left) {
		size_t bytes = make_part(&input, frame);

		now_ns += (int64_t)(fuzz_take(&input, 1) << 25);
		if (!keg_frame_is_fragment(frame, bytes))
			continue;
		bytes = keg_fragments_add(&fragments, frame, bytes, now_ns, whole);
		if (bytes)
			check_whole(whole, bytes);
	}
	keg_fragments_fini(&fragments);
	return 0;
}
