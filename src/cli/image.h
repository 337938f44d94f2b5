/* SPDX-License-Identifier: MIT */
/* Files that are read as a whole: what a guest is loaded from, configurations. */
#ifndef KEG_CLI_IMAGE_H
#define KEG_CLI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct image {
	void *bytes;
	size_t count;
};

/* How large a file may be, and how the complaint about a larger one ends. */
struct image_limit {
	uint64_t bytes;
	const char *otherwise;
};

/*
 * Reads a whole file, or what comes through a pipe; "-" is standard input. 0, or -1 after a
 * complaint. image_release() in either case.
 */
int image_read(const char *path, const struct image_limit *limit, struct image *image);
void image_release(struct image *image);

#endif
