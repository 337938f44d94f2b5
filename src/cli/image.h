/* SPDX-License-Identifier: MIT */
/* Files that a guest is loaded from. */
#ifndef KEG_CLI_IMAGE_H
#define KEG_CLI_IMAGE_H

#include <stddef.h>
#include <stdint.h>

struct image {
	void *bytes;
	size_t count;
};

/*
 * Reads a whole file, or what comes through a pipe; "-" is standard input. More than `limit` bytes
 * are refused. 0, or -1 after a complaint. image_release() in either case.
 */
int image_read(const char *path, uint64_t limit, struct image *image);
void image_release(struct image *image);

#endif
