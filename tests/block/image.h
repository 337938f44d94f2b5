/* SPDX-License-Identifier: MIT */
/* An image, and a channel to it whose requests are waited for one by one: for tests of disks. */
#ifndef KEG_TESTS_BLOCK_IMAGE_H
#define KEG_TESTS_BLOCK_IMAGE_H

#include "block/disk.h"

struct image {
	char path[40];
	int file; /* the image, past the disk */
	struct keg_disk *disk;
	struct keg_disk_channel *channel;
	int wake[2];
};

enum {
	IMAGE_IN_FLIGHT = 1, /* in place of a result: not answered yet */
};

/* A file of `bytes`, which are all `value`. */
void image_make(struct image *image, uint64_t bytes, uint8_t value);
void image_open(struct image *image, uint32_t flags, uint32_t depth);
void image_close(struct image *image);
void image_remove(struct image *image);

/* Requests with one buffer; they return the answer. */
int image_request(
	struct image *image, enum keg_disk_op op, uint64_t offset, void *buffer, uint64_t bytes);

/* Several at once: begins one, whose answer goes to *answer; waits until all are answered. */
struct image_job {
	struct keg_disk_request request;
	struct iovec iov[8];
	int answer;
};
void image_begin(struct image *image, struct image_job *job);
void image_finish(struct image *image, struct image_job *jobs, size_t count);

#endif
