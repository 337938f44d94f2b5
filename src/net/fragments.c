/* SPDX-License-Identifier: MIT */
/* Putting datagrams together. Fields are those of RFC 791, section 3.1. */
#include "net/fragments.h"

#include <net/ethernet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
	DATAGRAMS = 4,
	UNIT = 8, /* offsets count in these */
	MOST = 65535,
	UNITS = (MOST + UNIT) / UNIT,
	LEAST_HEADER = 20,
	MOST_HEADER = 60,

	LENGTH = 2,
	IDENTIFICATION = 4,
	FRAGMENT = 6,
	FRAGMENT_MORE = 0x2000,
	FRAGMENT_OFFSET = 0x1fff,
	PROTOCOL = 9,
	CHECKSUM = 10,
	SOURCE = 12,
};

static const int64_t kept_ns = INT64_C(30000000000);

struct keg_datagram {
	bool used;
	int64_t since_ns;
	uint8_t key[11]; /* both addresses, the identification, the protocol */
	uint32_t total;  /* bytes without the header; 0: the last part has not come */
	uint32_t highest;
	uint32_t units; /* how many there are */
	uint32_t header_bytes;
	uint8_t header[ETHER_HDR_LEN + MOST_HEADER]; /* the first part's */
	uint64_t there[UNITS / 64 + 1];
	uint8_t data[UNITS * UNIT];
};

/* What a frame has of a datagram. */
struct part {
	const uint8_t *data;
	uint32_t header_bytes, offset, bytes;
	bool more;
};

int keg_fragments_init(struct keg_fragments *fragments)
{
	/* Large and zeroed: what is not used takes no memory. */
	fragments->datagrams = calloc(DATAGRAMS, sizeof(*fragments->datagrams));
	return fragments->datagrams ? 0 : keg_fail(ENOMEM, "parts of datagrams: out of memory");
}

void keg_fragments_fini(struct keg_fragments *fragments)
{
	free(fragments->datagrams);
	fragments->datagrams = NULL;
}

void keg_fragments_clear(struct keg_fragments *fragments)
{
	for (int i = 0; i < DATAGRAMS; i++)
		fragments->datagrams[i].used = false;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* Of a header that is right with its checksum, 0 (RFC 1071). */
static uint16_t checksum(const uint8_t *header, uint32_t bytes)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < bytes; i += 2)
		sum += get16(header + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~(sum + (sum >> 16));
}

static bool parse(const uint8_t *frame, size_t bytes, struct part *part)
{
	const uint8_t *ip = frame + ETHER_HDR_LEN;
	uint32_t length, fragment;

	if (bytes < ETHER_HDR_LEN + LEAST_HEADER)
		return false;
	part->header_bytes = (ip[0] & 15U) * 4;
	length = get16(ip + LENGTH);
	fragment = get16(ip + FRAGMENT);
	if (ip[0] >> 4 != 4 || part->header_bytes < LEAST_HEADER || length <= part->header_bytes ||
		length > bytes - ETHER_HDR_LEN || checksum(ip, part->header_bytes))
		return false;
	part->data = ip + part->header_bytes;
	part->bytes = length - part->header_bytes;
	part->offset = (fragment & FRAGMENT_OFFSET) * UNIT;
	part->more = fragment & FRAGMENT_MORE;
	return part->offset + part->bytes <= MOST && !(part->more && part->bytes % UNIT);
}

/* The datagram that a part is of: a new one in the place of the oldest if there is none yet. */
static struct keg_datagram *find(struct keg_fragments *fragments, const uint8_t *ip, int64_t now_ns)
{
	struct keg_datagram *found = fragments->datagrams, *one;
	uint8_t key[sizeof(found->key)];

	memcpy(key, ip + SOURCE, 8);
	memcpy(key + 8, ip + IDENTIFICATION, 2);
	key[10] = ip[PROTOCOL];
	for (one = fragments->datagrams; one < fragments->datagrams + DATAGRAMS; one++) {
		if (now_ns - one->since_ns >= kept_ns)
			one->used = false;
		if (one->used && memcmp(one->key, key, sizeof(key)) == 0)
			return one;
		if (found->used && (!one->used || one->since_ns < found->since_ns))
			found = one;
	}
	memset(found, 0, offsetof(struct keg_datagram, data));
	memcpy(found->key, key, sizeof(key));
	found->since_ns = now_ns;
	found->used = true;
	return found;
}

/* Whether the end that a part tells of, or reaches to, goes with those before it. */
static bool fits(struct keg_datagram *datagram, const struct part *part)
{
	const uint32_t end = part->offset + part->bytes;

	if (datagram->highest < end)
		datagram->highest = end;
	if (!part->more && !datagram->total)
		datagram->total = end;
	return !datagram->total ||
	       (datagram->highest <= datagram->total && (part->more || datagram->total == end));
}

/* False if it is there in part: somebody tells two stories. */
static bool put(struct keg_datagram *datagram, const struct part *part)
{
	const uint32_t first = part->offset / UNIT, units = (part->bytes + UNIT - 1) / UNIT;
	uint32_t there = 0;

	for (uint32_t i = first; i < first + units; i++)
		there += (uint32_t)(datagram->there[i / 64] >> i % 64 & 1);
	if (there)
		return there == units; /* the same once more, as networks do it */
	for (uint32_t i = first; i < first + units; i++)
		datagram->there[i / 64] |= UINT64_C(1) << i % 64;
	datagram->units += units;
	memcpy(datagram->data + part->offset, part->data, part->bytes);
	return true;
}

/* As if it had come in one. */
static size_t compose(const struct keg_datagram *datagram, uint8_t *whole)
{
	const uint32_t header_bytes = datagram->header_bytes;
	uint8_t *ip = whole + ETHER_HDR_LEN;

	if (header_bytes + datagram->total > MOST)
		return 0;
	memcpy(whole, datagram->header, ETHER_HDR_LEN + header_bytes);
	put16(ip + LENGTH, header_bytes + datagram->total);
	put16(ip + FRAGMENT, 0);
	put16(ip + CHECKSUM, 0);
	put16(ip + CHECKSUM, checksum(ip, header_bytes));
	memcpy(ip + header_bytes, datagram->data, datagram->total);
	return ETHER_HDR_LEN + header_bytes + datagram->total;
}

size_t keg_fragments_add(struct keg_fragments *fragments, const uint8_t *frame, size_t bytes,
	int64_t now_ns, uint8_t *whole)
{
	struct keg_datagram *datagram;
	struct part part;

	if (!parse(frame, bytes, &part))
		return 0;
	datagram = find(fragments, frame + ETHER_HDR_LEN, now_ns);
	if (!fits(datagram, &part) || !put(datagram, &part)) {
		datagram->used = false;
		return 0;
	}
	if (part.offset == 0) {
		datagram->header_bytes = part.header_bytes;
		memcpy(datagram->header, frame, ETHER_HDR_LEN + part.header_bytes);
	}
	/* The first part is there, too, if all are. */
	if (!datagram->total || datagram->units != (datagram->total + UNIT - 1) / UNIT)
		return 0;
	datagram->used = false;
	return compose(datagram, whole);
}
