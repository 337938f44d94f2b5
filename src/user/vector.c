/* SPDX-License-Identifier: MIT */
/* Lists of buffers in the program: iovec. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "user/io.h"
#include "user/space.h"
#include "user/task.h"

void keg_vector_one(struct keg_vector *vector, uint64_t at, uint64_t length)
{
	vector->at = vector->inside;
	vector->count = 1;
	vector->length = length < KEG_IO_MOST ? length : KEG_IO_MOST;
	vector->inside[0] = (struct iovec){(void *)(uintptr_t)at, vector->length};
}

int keg_vector_load(struct keg_vector *vector, struct keg_task *task, uint64_t at, uint64_t count)
{
	vector->at = vector->inside;
	vector->count = 0;
	vector->length = 0;
	if (count > IOV_MAX)
		return -EINVAL;
	if (count > KEG_VECTOR_INSIDE)
		vector->at = calloc(count, sizeof(*vector->at));
	if (!vector->at)
		return -ENOMEM;
	if (keg_space_read(task->process->space, vector->at, at, count * sizeof(*vector->at)) < 0)
		return -EFAULT;
	vector->count = (uint32_t)count;
	for (uint32_t i = 0; i < vector->count; i++) {
		uint64_t room = KEG_IO_MOST - vector->length;

		if (vector->at[i].iov_len > SSIZE_MAX)
			return -EINVAL;
		if (vector->at[i].iov_len > room)
			vector->at[i].iov_len = room;
		vector->length += vector->at[i].iov_len;
	}
	return 0;
}

void keg_vector_free(struct keg_vector *vector)
{
	if (vector->at != vector->inside)
		free(vector->at);
}

/* Copies between keg's memory, read or written, and the vector from byte `begin` on. */
static ssize_t copy(const struct keg_vector *vector, struct keg_task *task, uint64_t begin,
	char *to, const char *from, size_t length)
{
	struct keg_space *space = task->process->space;
	size_t done = 0;

	for (uint32_t i = 0; i < vector->count && done < length; i++) {
		uint64_t at = (uint64_t)(uintptr_t)vector->at[i].iov_base + begin;
		size_t here = vector->at[i].iov_len;
		ssize_t n;

		if (begin >= here) {
			begin -= here;
			continue;
		}
		here -= begin;
		begin = 0;
		if (here > length - done)
			here = length - done;
		n = to ? keg_space_read_some(space, to + done, at, here)
		       : keg_space_write_some(space, at, from + done, here);
		if (n > 0)
			done += (size_t)n;
		if (n < 0 || (size_t)n < here)
			break;
	}
	return done == 0 && length > 0 ? -EFAULT : (ssize_t)done;
}

ssize_t keg_vector_get(const struct keg_vector *vector, struct keg_task *task, uint64_t from,
	void *to, size_t length)
{
	return copy(vector, task, from, to, NULL, length);
}

ssize_t keg_vector_put(const struct keg_vector *vector, struct keg_task *task, uint64_t to,
	const void *from, size_t length)
{
	return copy(vector, task, to, NULL, from, length);
}

int keg_vector_probe(const struct keg_vector *vector, struct keg_task *task)
{
	for (uint32_t i = 0; i < vector->count; i++) {
		if (vector->at[i].iov_len == 0)
			continue;
		return keg_space_fault(task->process->space,
			       (uint64_t)(uintptr_t)vector->at[i].iov_base, KEG_TOUCH_WRITE) < 0
			       ? -EFAULT
			       : 0;
	}
	return 0;
}
