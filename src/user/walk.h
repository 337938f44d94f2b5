/* SPDX-License-Identifier: MIT */
/* A walk along a path: walk.c goes, walk_look.c looks what is there, place_find.c begins and ends
 * it. */
#ifndef KEG_USER_WALK_H
#define KEG_USER_WALK_H

#include "user/mount_list.h"

struct keg_walk_state {
	struct keg_task *task; /* NULL: while mounts are made */
	struct keg_mounts *mounts;
	struct keg_place *place;
	uint32_t flags;
	bool lenient;  /* what is not there is taken as it is: keg_mounts_target() */
	size_t length; /* of place->path, which has no slash at its end: the root is "" */
	int directory; /* place->path, O_PATH, in the mount that covers it; -1: not opened */
	uint32_t links, steps;
	char *rest;                /* what is still to be walked: in `buffer`, up to its end */
	char buffer[2 * PATH_MAX]; /* links go in front of it */
};

/* walk.c: to the end of walk->rest. */
int keg_walk_run(struct keg_walk_state *walk);
void keg_walk_leave(struct keg_walk_state *walk); /* closes walk->directory */

/* walk_look.c */

/* What is at place->path, whose last component is `last` in walk->directory, if that is open. */
int keg_walk_look(struct keg_walk_state *walk, const char *last);
/* What the mount has to do with the path; the name beneath it. */
const char *keg_walk_in_mount(struct keg_walk_state *walk, const struct keg_mount *mount);
/* What keg_beneath() has found at the path. */
int keg_walk_found(struct keg_walk_state *walk, int fd);
/* Where the link in place leads: at least one character. -EXDEV it is an open file without a path
 */
int keg_walk_read_link(struct keg_walk_state *walk, char to[PATH_MAX]);
/* /proc/PID/fd/N of what has no path any more, or never had: the open file itself. */
int keg_walk_be_descriptor(struct keg_walk_state *walk);

#endif
