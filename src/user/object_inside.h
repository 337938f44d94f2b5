/* SPDX-License-Identifier: MIT */
/* What objects are made of: for object.c, object_pages.c and object_cache.c. */
#ifndef KEG_USER_OBJECT_INSIDE_H
#define KEG_USER_OBJECT_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "user/object.h"

/* Pages come by the leaf: a hostile file is sparse, and pays for the leaves it touches only. */
enum { KEG_LEAF = 64 };
struct keg_object_leaf {
	uint64_t first;        /* index of its first page; a multiple of KEG_LEAF */
	uint64_t written;      /* a bit each: may differ from the file */
	keg_page at[KEG_LEAF]; /* 0: not read yet */
};

struct keg_object {
	_Atomic uint32_t references; /* of a cached one: with the cache's lock held */
	struct keg_pages *pages;
	struct keg_object_cache *cache;   /* NULL: anonymous */
	struct keg_object *newer, *older; /* in the cache */
	bool shared;
	int fd; /* -1: anonymous */
	struct stat stat;
	uint64_t count; /* pages; of a shared file: when it was last looked */

	pthread_mutex_t lock;            /* for what follows */
	struct keg_object_leaf **leaves; /* sorted */
	size_t leaf_count, leaf_room;
};

struct keg_object_cache {
	pthread_mutex_t lock;
	struct keg_pages *pages;
	struct keg_object *newest, *oldest;
	uint32_t count, most;    /* objects: each has a descriptor of the host's */
	_Atomic uint32_t shared; /* objects of files that are mapped by MAP_SHARED */
};

int keg_object_create(
	struct keg_pages *pages, int fd, const struct stat *stat, struct keg_object **made);
/* Its pages too; returns how many it had. */
uint32_t keg_object_free(struct keg_object *object);
/* The leaf that holds the page; NULL: there is none, or, with `make`, no memory. Lock held. */
struct keg_object_leaf *keg_object_leaf(struct keg_object *object, uint64_t index, bool make);
/* Reads pages that are there again from the file; lock not held. */
void keg_object_refresh(struct keg_object *object, uint64_t index, uint64_t count);

#endif
