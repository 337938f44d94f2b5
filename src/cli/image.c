/* SPDX-License-Identifier: MIT */
/* Reading files whose size nobody can be trusted to tell. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

static int too_large(const char *path, const struct image_limit *limit)
{
	cli_error(
		"%s has more than %" PRIu64 " MiB, %s", path, limit->bytes >> 20, limit->otherwise);
	return -1;
}

/* Makes room for one byte more than there is; a regular file's size is a first guess. */
static int grow(struct image *image, size_t *capacity, size_t wanted)
{
	void *bytes = realloc(image->bytes, wanted);

	if (!bytes) {
		cli_error("out of memory for an image of %zu bytes", wanted);
		return -1;
	}
	image->bytes = bytes;
	*capacity = wanted;
	return 0;
}

static int read_all(int fd, const char *path, const struct image_limit *limit, size_t guess,
	struct image *image)
{
	size_t capacity = 0;
	ssize_t count = 1;

	if (grow(image, &capacity, guess + 1) != 0)
		return -1;
	while (count != 0) {
		if (image->count == capacity && grow(image, &capacity, 2 * capacity) != 0)
			return -1;
		count = read(fd, (char *)image->bytes + image->count, capacity - image->count);
		if (count < 0 && errno != EINTR) {
			cli_error("cannot read %s: %s", path, strerror(errno));
			return -1;
		}
		if (count > 0)
			image->count += (size_t)count;
		if (image->count > limit->bytes)
			return too_large(path, limit);
	}
	if (!image->count) {
		cli_error("%s is empty", path);
		return -1;
	}
	return 0;
}

static int read_open(int fd, const char *path, const struct image_limit *limit, struct image *image)
{
	enum { GUESS = 65536 };
	struct stat st;

	if (fstat(fd, &st) != 0) {
		cli_error("cannot look at %s: %s", path, strerror(errno));
		return -1;
	}
	if (S_ISDIR(st.st_mode)) {
		cli_error("%s is a directory", path);
		return -1;
	}
	if (!S_ISREG(st.st_mode))
		return read_all(fd, path, limit, GUESS, image);
	if ((uint64_t)st.st_size > limit->bytes)
		return too_large(path, limit);
	return read_all(fd, path, limit, (size_t)st.st_size, image);
}

int image_read(const char *path, const struct image_limit *limit, struct image *image)
{
	bool input = strcmp(path, "-") == 0;
	int fd = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int rc;

	*image = (struct image){0};
	if (fd < 0) {
		cli_error("cannot open %s: %s", path, strerror(errno));
		return -1;
	}
	rc = read_open(fd, input ? "standard input" : path, limit, image);
	if (!input)
		close(fd);
	return rc;
}

void image_release(struct image *image)
{
	free(image->bytes);
	*image = (struct image){0};
}
