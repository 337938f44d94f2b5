/* SPDX-License-Identifier: MIT */
/* The names in a directory that keg lists itself: made up, or the host's with mounts in it. */
#ifndef KEG_USER_LISTING_H
#define KEG_USER_LISTING_H

#include "user/files.h"
#include "user/system_files.h"

/* Records as getdents64(2) has them, each with the place of the next one. */
struct keg_listing {
	struct keg_text text;
	size_t first; /* bytes of the records whose names come but once */
};
void keg_listing_add(struct keg_listing *listing, const char *name, size_t length, uint64_t inode,
	unsigned char type);

/* Opens a directory that is made up, or has mounts in it. */
int keg_listing_open(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file);
/* As getdents64(2) of what keg_listing_open() has opened. */
int64_t keg_listing_read(struct keg_file *file, void *to, size_t size);

/* A file that keg makes up, with the contents `fd` (-1: none, O_PATH): takes it over. */
int keg_made_up_file(enum keg_file_kind kind, const struct keg_place *place, int fd, int flags,
	struct keg_file **file);
/* A memory file with the text, at its beginning, that cannot be changed: a descriptor. */
int keg_text_file(const struct keg_text *text);

#endif
