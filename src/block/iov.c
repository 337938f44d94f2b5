/* SPDX-License-Identifier: MIT */
/* Buffers in a row, from whose front bytes are taken. */
#include <string.h>

#include "block/inside.h"

uint32_t keg_iov_window(const struct keg_iov *iov, uint64_t bytes,
	struct iovec window[KEG_IOV_WINDOW], uint64_t *taken)
{
	uint32_t count = 0;

	*taken = 0;
	for (uint32_t i = 0; i < iov->count && count < KEG_IOV_WINDOW && *taken < bytes; i++) {
		uint64_t left = bytes - *taken;

		if (!iov->at[i].iov_len)
			continue;
		window[count] = iov->at[i];
		if (window[count].iov_len > left)
			window[count].iov_len = (size_t)left;
		*taken += window[count++].iov_len;
	}
	return count;
}

void keg_iov_advance(struct keg_iov *iov, uint64_t bytes)
{
	while (iov->count && bytes >= iov->at->iov_len) {
		bytes -= iov->at->iov_len;
		iov->at++;
		iov->count--;
	}
	if (bytes && iov->count) {
		iov->at->iov_base = (char *)iov->at->iov_base + bytes;
		iov->at->iov_len -= (size_t)bytes;
	}
}

/* How much of `bytes` the first buffer has. */
static size_t first_part(const struct keg_iov *iov, size_t bytes)
{
	return iov->at->iov_len < bytes ? iov->at->iov_len : bytes;
}

void keg_iov_read(struct keg_iov *iov, void *to, size_t bytes)
{
	for (size_t done = 0; done < bytes && iov->count;) {
		size_t part = first_part(iov, bytes - done);

		memcpy((char *)to + done, iov->at->iov_base, part);
		keg_iov_advance(iov, part);
		done += part;
	}
}

void keg_iov_write(struct keg_iov *iov, const void *from, size_t bytes)
{
	for (size_t done = 0; done < bytes && iov->count;) {
		size_t part = first_part(iov, bytes - done);

		memcpy(iov->at->iov_base, (const char *)from + done, part);
		keg_iov_advance(iov, part);
		done += part;
	}
}
