/* SPDX-License-Identifier: MIT */
/* An image, and a channel to it whose requests are waited for, for tests of disks. */
#include "image.h"

#include "direct.h"
#include "testing.h"

#include <sys/eventfd.h>

void image_make(struct image *image, uint64_t bytes, uint8_t value)
{
	uint8_t block[4096];

	memset(image, 0, sizeof(*image));
	strcpy(image->path, "/var/tmp/keg-test-disk-XXXXXX");
	image->file = mkstemp(image->path);
	assert_true(image->file >= 0);
	memset(block, value, sizeof(block));
	for (uint64_t at = 0; at < bytes; at += sizeof(block)) {
		size_t part = bytes - at < sizeof(block) ? (size_t)(bytes - at) : sizeof(block);

		assert_int_equal(pwrite(image->file, block, part, (off_t)at), part);
	}
}

void image_open(struct image *image, uint32_t flags, uint32_t depth)
{
	struct keg_disk_config config = {
		.size = sizeof(config),
		.path = image->path,
		.flags = direct_if_there_is(image->path, flags),
	};

	assert_ok(keg_disk_open(&config, &image->disk));
	assert_ok(keg_disk_channel_open(image->disk, depth, &image->channel));
	for (int i = 0; i < 2; i++)
		image->wake[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void image_close(struct image *image)
{
	keg_disk_channel_close(image->channel);
	keg_disk_close(image->disk);
	close(image->wake[0]);
	close(image->wake[1]);
}

void image_remove(struct image *image)
{
	close(image->file);
	unlink(image->path);
}

static void note(struct keg_disk_request *request, int result)
{
	((struct image_job *)request)->answer = result;
}

void image_begin(struct image *image, struct image_job *job)
{
	job->request.done = note;
	job->answer = IMAGE_IN_FLIGHT;
	keg_disk_submit(image->channel, &job->request);
}

void image_finish(struct image *image, struct image_job *jobs, size_t count)
{
	for (size_t i = 0; i < count;) {
		if (jobs[i].answer != IMAGE_IN_FLIGHT)
			i++;
		else
			assert_ok(keg_disk_channel_wait(image->channel, image->wake, true));
	}
}

int image_request(
	struct image *image, enum keg_disk_op op, uint64_t offset, void *buffer, uint64_t bytes)
{
	struct image_job job = {
		.iov = {{buffer, (size_t)bytes}},
		.request = {.op = op, .offset = offset, .bytes = bytes, .iov_count = 1},
	};

	job.request.iov = job.iov;
	image_begin(image, &job);
	image_finish(image, &job, 1);
	return job.answer;
}
