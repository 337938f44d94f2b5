/* SPDX-License-Identifier: MIT */
/*
 * Copying between a program's memory and keg's. The lock is held for reading: nothing that is
 * looked up goes away meanwhile, and pages that lack are made present without it.
 */
#include <string.h>

#include "user/space_inside.h"

enum { TRIES = 64 }; /* for one page, when other threads keep taking it away */

enum way {
	READ,
	WRITE,
};

static const uint64_t to_read = KEG_PTE_PRESENT | KEG_PTE_USER;
static const uint64_t to_write = KEG_PTE_PRESENT | KEG_PTE_USER | KEG_PTE_WRITE;

/* The host's address, if the entry allows it; else NULL. */
static void *host_of(struct keg_space *space, uint64_t at, uint64_t needed)
{
	const uint64_t entry = keg_machine_entry(space->machine, at);
	uint8_t *page;

	if ((entry & needed) != needed)
		return NULL;
	page = keg_pages_at(space->pages, keg_pte_page(entry));
	return page ? page + at % KEG_PAGE : NULL;
}

/* The same after a fault, if need be. The lock is let go for it, and held again afterwards. */
static void *host_now(struct keg_space *space, uint64_t at, uint64_t needed)
{
	const enum keg_touch touch = needed & KEG_PTE_WRITE ? KEG_TOUCH_WRITE : KEG_TOUCH_READ;

	for (int tries = 0; at < KEG_USER_TOP && tries < TRIES; tries++) {
		void *host = host_of(space, at, needed);
		int result;

		if (host)
			return host;
		pthread_rwlock_unlock(&space->lock);
		result = keg_space_fault(space, at, touch);
		pthread_rwlock_rdlock(&space->lock);
		if (result != 0)
			break;
	}
	return NULL;
}

static size_t part_of(uint64_t at, size_t left)
{
	const size_t room = KEG_PAGE - at % KEG_PAGE;

	return left < room ? left : room;
}

/* How many bytes from the start on could be copied. */
static size_t transfer(struct keg_space *space, uint64_t at, void *own, size_t length, enum way way)
{
	const uint64_t needed = way == READ ? to_read : to_write;
	size_t done = 0;

	pthread_rwlock_rdlock(&space->lock);
	while (done < length) {
		const size_t part = part_of(at + done, length - done);
		void *host = host_now(space, at + done, needed);

		if (!host)
			break;
		if (way == READ)
			memcpy((uint8_t *)own + done, host, part);
		else
			memcpy(host, (const uint8_t *)own + done, part);
		done += part;
	}
	pthread_rwlock_unlock(&space->lock);
	return done;
}

int keg_space_read(struct keg_space *space, void *to, uint64_t from, size_t length)
{
	return transfer(space, from, to, length, READ) == length ? 0 : -EFAULT;
}

int keg_space_write(struct keg_space *space, uint64_t to, const void *from, size_t length)
{
	return transfer(space, to, (void *)(uintptr_t)from, length, WRITE) == length ? 0 : -EFAULT;
}

static ssize_t some(size_t done, size_t length)
{
	return done == 0 && length > 0 ? -EFAULT : (ssize_t)done;
}

ssize_t keg_space_read_some(struct keg_space *space, void *to, uint64_t from, size_t length)
{
	return some(transfer(space, from, to, length, READ), length);
}

ssize_t keg_space_write_some(struct keg_space *space, uint64_t to, const void *from, size_t length)
{
	return some(transfer(space, to, (void *)(uintptr_t)from, length, WRITE), length);
}

ssize_t keg_space_read_string(struct keg_space *space, char *to, uint64_t from, size_t size)
{
	size_t done = 0;

	while (done < size) {
		const size_t part = part_of(from + done, size - done);
		const char *end;

		if (transfer(space, from + done, to + done, part, READ) != part)
			return -EFAULT;
		/* Looked for in the copy: what is in the program's memory may have changed since.
		 */
		end = memchr(to + done, '\0', part);
		if (end)
			return end - to;
		done += part;
	}
	return -ENAMETOOLONG;
}

/* ---- Regardless of protection ---- */

static int force(struct keg_space *space, uint64_t at, void *own, size_t length, enum way way)
{
	const enum keg_touch touch = way == READ ? KEG_TOUCH_READ : KEG_TOUCH_WRITE;

	for (size_t done = 0, part; done < length; done += part) {
		struct keg_area *area = keg_areas_at(&space->areas, at + done);
		int result = area ? keg_space_provide(space, area, at + done, touch) : -EFAULT;
		void *host = result == 0 ? host_of(space, at + done, 0) : NULL;

		part = part_of(at + done, length - done);
		if (!host)
			return result == -ENOMEM ? -ENOMEM : -EFAULT;
		if (way == READ)
			memcpy((uint8_t *)own + done, host, part);
		else
			memcpy(host, (const uint8_t *)own + done, part);
	}
	return 0;
}

int keg_space_poke(struct keg_space *space, uint64_t to, const void *from, size_t length)
{
	int result;

	pthread_rwlock_wrlock(&space->lock);
	result = force(space, to, (void *)(uintptr_t)from, length, WRITE);
	pthread_rwlock_unlock(&space->lock);
	return result;
}

int keg_space_peek(struct keg_space *space, void *to, uint64_t from, size_t length)
{
	int result;

	pthread_rwlock_wrlock(&space->lock);
	result = force(space, from, to, length, READ);
	pthread_rwlock_unlock(&space->lock);
	return result;
}

/* ---- Words that threads wait for ---- */

int keg_space_load32(struct keg_space *space, uint64_t at, uint32_t *value)
{
	const uint32_t *host;

	if (at % sizeof(*value) != 0)
		return -EINVAL;
	pthread_rwlock_rdlock(&space->lock);
	host = host_now(space, at, to_read);
	if (host)
		*value = __atomic_load_n(host, __ATOMIC_SEQ_CST);
	pthread_rwlock_unlock(&space->lock);
	return host ? 0 : -EFAULT;
}

int keg_space_exchange32(struct keg_space *space, uint64_t at, uint32_t *expected, uint32_t desired)
{
	int result = -EFAULT;
	uint32_t *host;

	if (at % sizeof(*expected) != 0)
		return -EINVAL;
	pthread_rwlock_rdlock(&space->lock);
	host = host_now(space, at, to_write);
	if (host)
		result = __atomic_compare_exchange_n(
				 host, expected, desired, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
				 ? 0
				 : -EAGAIN;
	pthread_rwlock_unlock(&space->lock);
	return result;
}

int keg_space_futex_key(
	struct keg_space *space, uint64_t at, bool is_private, struct keg_futex_key *key)
{
	const struct keg_area *area;

	*key = (struct keg_futex_key){space, at};
	if (at >= KEG_USER_TOP)
		return -EFAULT;
	if (is_private)
		return 0;
	pthread_rwlock_rdlock(&space->lock);
	area = keg_areas_at(&space->areas, at);
	if (area && area->flags & KEG_AREA_SHARED)
		*key = (struct keg_futex_key){area->object, keg_area_offset(area, at)};
	pthread_rwlock_unlock(&space->lock);
	return area ? 0 : -EFAULT;
}
