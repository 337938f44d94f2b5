/* SPDX-License-Identifier: MIT */
/* An object and its pages: read when they are asked for, written back when they may have changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "user/object_inside.h"

int keg_object_create(
	struct keg_pages *pages, int fd, const struct stat *stat, struct keg_object **made)
{
	struct keg_object *object = calloc(1, sizeof(*object));

	if (!object || pthread_mutex_init(&object->lock, NULL)) {
		free(object);
		return keg_fail(ENOMEM, "mapping a file");
	}
	object->references = 1;
	object->pages = pages;
	object->fd = fd;
	if (stat) {
		object->stat = *stat;
		object->count = ((uint64_t)stat->st_size + KEG_PAGE - 1) >> KEG_PAGE_SHIFT;
	}
	*made = object;
	return 0;
}

int keg_object_anonymous(struct keg_pages *pages, uint64_t bytes, struct keg_object **object)
{
	const int result = keg_object_create(pages, -1, NULL, object);

	if (result == 0)
		(*object)->count = (bytes >> KEG_PAGE_SHIFT) + (bytes % KEG_PAGE != 0);
	return result;
}

uint32_t keg_object_free(struct keg_object *object)
{
	uint32_t count = 0;

	for (size_t i = 0; i < object->leaf_count; i++) {
		struct keg_object_leaf *leaf = object->leaves[i];

		for (uint32_t k = 0; k < KEG_LEAF; k++) {
			count += leaf->at[k] != 0;
			keg_pages_release(object->pages, leaf->at[k], leaf->at[k] != 0);
		}
		free(leaf);
	}
	free(object->leaves);
	pthread_mutex_destroy(&object->lock);
	if (object->fd >= 0)
		close(object->fd);
	free(object);
	return count;
}

const struct stat *keg_object_stat(const struct keg_object *object)
{
	return object->fd >= 0 ? &object->stat : NULL;
}

/* ---- Leaves ---- */

/* Where the leaf that begins at `first` is, or belongs. */
static size_t leaf_place(const struct keg_object *object, uint64_t first)
{
	size_t low = 0, high = object->leaf_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (object->leaves[middle]->first < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct keg_object_leaf *add_leaf(struct keg_object *object, uint64_t first, size_t place)
{
	struct keg_object_leaf *leaf;

	if (object->leaf_count == object->leaf_room) {
		const size_t room = object->leaf_room ? 2 * object->leaf_room : 8;
		struct keg_object_leaf **more =
			reallocarray(object->leaves, room, sizeof(struct keg_object_leaf *));

		if (!more)
			return NULL;
		object->leaves = more;
		object->leaf_room = room;
	}
	leaf = calloc(1, sizeof(*leaf));
	if (!leaf)
		return NULL;
	leaf->first = first;
	memmove(&object->leaves[place + 1], &object->leaves[place],
		(object->leaf_count - place) * sizeof(struct keg_object_leaf *));
	object->leaves[place] = leaf;
	object->leaf_count++;
	return leaf;
}

struct keg_object_leaf *keg_object_leaf(struct keg_object *object, uint64_t index, bool make)
{
	const uint64_t first = index / KEG_LEAF * KEG_LEAF;
	const size_t place = leaf_place(object, first);

	if (place < object->leaf_count && object->leaves[place]->first == first)
		return object->leaves[place];
	return make ? add_leaf(object, first, place) : NULL;
}

/* ---- Reading ---- */

/* Reads what there is of the file; what is behind its end stays zero. */
static int read_pages(struct keg_object *object, uint64_t index, uint32_t count, keg_page first)
{
	uint8_t *to = keg_pages_at(object->pages, first);
	const size_t length = (size_t)count << KEG_PAGE_SHIFT;
	size_t done = 0;

	while (object->fd >= 0 && done < length) {
		const ssize_t got = pread(object->fd, to + done, length - done,
			(off_t)(index << KEG_PAGE_SHIFT) + (off_t)done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -EIO;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return 0;
}

/* The file may have grown, or shrunk, since it was mapped; only a shared mapping follows it. */
static void look_again(struct keg_object *object)
{
	struct stat now;

	if (object->shared && object->fd >= 0 && fstat(object->fd, &now) == 0)
		object->count = ((uint64_t)now.st_size + KEG_PAGE - 1) >> KEG_PAGE_SHIFT;
}

/* New pages for a gap in a leaf: as many as follow one another, half as many if need be … */
static int fill_gap(
	struct keg_object *object, struct keg_object_leaf *leaf, uint32_t at, uint32_t *count)
{
	keg_page first = 0;
	int result;

	while (keg_pages_take_memory(object->pages, *count, false, &first) != 0) {
		if (*count == 1)
			return -ENOMEM;
		*count /= 2;
	}
	result = read_pages(object, leaf->first + at, *count, first);
	if (result != 0) {
		keg_pages_release(object->pages, first, *count);
		return result;
	}
	for (uint32_t i = 0; i < *count; i++)
		leaf->at[at + i] = first + i;
	return 0;
}

static int get_locked(struct keg_object *object, uint64_t index, uint32_t *count, keg_page *first)
{
	const uint32_t at = (uint32_t)(index % KEG_LEAF);
	struct keg_object_leaf *leaf;
	uint32_t most = *count, have = 0;

	if (index >= object->count)
		look_again(object);
	if (index >= object->count)
		return -ENXIO;
	if (most > object->count - index)
		most = (uint32_t)(object->count - index);
	if (most > KEG_LEAF - at)
		most = KEG_LEAF - at;
	leaf = keg_object_leaf(object, index, true);
	if (!leaf)
		return -ENOMEM;
	if (leaf->at[at] == 0) {
		uint32_t gap = 1;
		int result;

		while (gap < most && leaf->at[at + gap] == 0)
			gap++;
		result = fill_gap(object, leaf, at, &gap);
		if (result != 0)
			return result;
	}
	while (have < most && leaf->at[at + have] == leaf->at[at] + have)
		have++;
	keg_pages_hold(object->pages, leaf->at[at], have);
	*first = leaf->at[at];
	*count = have;
	return 0;
}

int keg_object_get(struct keg_object *object, uint64_t index, uint32_t *count, keg_page *first)
{
	int result;

	if (*count == 0)
		return -EINVAL;
	pthread_mutex_lock(&object->lock);
	result = get_locked(object, index, count, first);
	pthread_mutex_unlock(&object->lock);
	return result;
}

void keg_object_refresh(struct keg_object *object, uint64_t index, uint64_t count)
{
	const uint64_t end = index + count;

	pthread_mutex_lock(&object->lock);
	for (size_t i = leaf_place(object, index / KEG_LEAF * KEG_LEAF);
		i < object->leaf_count && object->leaves[i]->first < end; i++) {
		const struct keg_object_leaf *leaf = object->leaves[i];

		for (uint32_t k = 0; k < KEG_LEAF; k++)
			if (leaf->at[k] != 0 && leaf->first + k >= index && leaf->first + k < end)
				read_pages(object, leaf->first + k, 1, leaf->at[k]);
	}
	pthread_mutex_unlock(&object->lock);
}

/* ---- Writing back ---- */

void keg_object_mark_written(struct keg_object *object, uint64_t index, uint32_t count)
{
	pthread_mutex_lock(&object->lock);
	for (uint64_t i = index; i < index + count && object->fd >= 0; i++) {
		struct keg_object_leaf *leaf = keg_object_leaf(object, i, false);

		if (leaf)
			leaf->written |= 1ull << i % KEG_LEAF;
	}
	pthread_mutex_unlock(&object->lock);
}

/* A page, as far as the file goes: writing never makes it longer. */
static int write_page(struct keg_object *object, uint64_t index, keg_page page, uint64_t size)
{
	const uint64_t offset = index << KEG_PAGE_SHIFT;
	const uint8_t *from = keg_pages_at(object->pages, page);
	size_t left = KEG_PAGE;

	if (!from || offset >= size)
		return 0;
	if (left > size - offset)
		left = (size_t)(size - offset);
	for (size_t done = 0; done < left;) {
		const ssize_t put =
			pwrite(object->fd, from + done, left - done, (off_t)(offset + done));

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		done += (size_t)put;
	}
	return 0;
}

static int write_leaf(struct keg_object *object, const struct keg_object_leaf *leaf, uint64_t index,
	uint64_t end, uint64_t size)
{
	int result = 0;

	for (uint32_t k = 0; k < KEG_LEAF; k++) {
		const uint64_t i = leaf->first + k;
		int one = 0;

		if (i >= index && i < end && leaf->written >> k & 1 && leaf->at[k] != 0)
			one = write_page(object, i, leaf->at[k], size);
		if (result == 0)
			result = one;
	}
	return result;
}

int keg_object_write_back(struct keg_object *object, uint64_t index, uint64_t count)
{
	const uint64_t end = count > UINT64_MAX - index ? UINT64_MAX : index + count;
	struct stat now;
	int result = 0;

	if (object->fd < 0 || !object->shared)
		return 0;
	if (fstat(object->fd, &now) != 0)
		return -EIO;
	pthread_mutex_lock(&object->lock);
	for (size_t i = leaf_place(object, index / KEG_LEAF * KEG_LEAF);
		i < object->leaf_count && object->leaves[i]->first < end; i++) {
		const int one = object->leaves[i]->written
					? write_leaf(object, object->leaves[i], index, end,
						  (uint64_t)now.st_size)
					: 0;

		if (result == 0)
			result = one;
	}
	pthread_mutex_unlock(&object->lock);
	return result;
}
