/* SPDX-License-Identifier: MIT */
/*
 * What areas map besides private anonymous memory: the pages of a file, kept once for all processes
 * of a sandbox that map it, and shared anonymous memory.
 *
 * A private mapping of a file reads through a cache that is told apart by device, inode,
 * size and time of last change, so that a library is read once however many programs use it. A
 * shared, writable mapping of a file is written back when it is synced, unmapped, or its process
 * ends, page by page as the dirty bits say; and read(2) and write(2) of that file by the sandbox
 * go through keg_object_sync() first.
 *
 * Threads: any; reference counted.
 */
#ifndef KEG_USER_OBJECT_H
#define KEG_USER_OBJECT_H

#include "user/pages.h"

#include <sys/stat.h>

struct keg_object;
struct keg_object_cache; /* of a sandbox: objects by file, those that nobody maps too, up to a bound
			  */

int keg_object_cache_create(struct keg_pages *pages, struct keg_object_cache **made);
void keg_object_cache_destroy(struct keg_object_cache *cache);

/* The object of an open file; `fd` is duplicated where it is new. -ENODEV not a regular file.
 * `shared`: for MAP_SHARED, never from what a private mapping has cached. */
int keg_object_of_file(
	struct keg_object_cache *cache, int fd, bool shared, struct keg_object **object);
int keg_object_anonymous(struct keg_pages *pages, uint64_t bytes, struct keg_object **object);
void keg_object_hold(struct keg_object *object);
void keg_object_release(struct keg_object *object);
/* Those who hold it now: mappings, and others. */
uint32_t keg_object_references(const struct keg_object *object);

/*
 * Page `index`, read from the file if need be, and up to *count in all as far as they follow one
 * another in the arena: held once each for the caller, and *count is how many. -ENXIO behind the
 * end, -EIO, -ENOMEM
 */
int keg_object_get(struct keg_object *object, uint64_t index, uint32_t *count, keg_page *first);
const struct stat *keg_object_stat(const struct keg_object *object); /* NULL if anonymous */

/* These pages may be written from now on, through a shared mapping. */
void keg_object_mark_written(struct keg_object *object, uint64_t index, uint32_t count);
/* Writes those of the pages to the file that may have been written. -EIO and what pwrite(2) says */
int keg_object_write_back(struct keg_object *object, uint64_t index, uint64_t count);

/*
 * For read(2) and write(2) of a file that may be mapped by MAP_SHARED: before a read what was
 * written to memory is written to the file; after a write or a change of size what was written to
 * the file is read to memory. Costs nothing where no file is mapped so.
 */
int keg_object_before_read(struct keg_object_cache *cache, int fd);
void keg_object_after_write(
	struct keg_object_cache *cache, int fd, uint64_t offset, uint64_t bytes);

#endif
