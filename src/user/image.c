/* SPDX-License-Identifier: MIT */
/* A file's bytes, in memory or behind a descriptor. */
#include "user/elf.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

int keg_image_of_file(struct keg_image *image, int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return keg_fail_errno(errno, "looking at a program's file");
	if (!S_ISREG(stat.st_mode))
		return keg_fail(EACCES, "not a regular file: nothing that can be run");
	*image = (struct keg_image){.fd = fd, .bytes = (uint64_t)stat.st_size};
	return 0;
}

static int read_file(const struct keg_image *image, uint64_t offset, unsigned char *to, size_t left)
{
	while (left) {
		ssize_t got = pread(image->fd, to, left, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return keg_fail_errno(errno, "reading a program's file");
		if (!got)
			return keg_fail(ENOEXEC, "the file has become shorter");
		to += got;
		offset += (uint64_t)got;
		left -= (size_t)got;
	}
	return 0;
}

int keg_image_read(const struct keg_image *image, uint64_t offset, void *to, size_t length)
{
	if (offset > image->bytes || length > image->bytes - offset)
		return keg_fail(ENOEXEC, "the file ends at byte %llu: %zu were to be read at %llu",
			(unsigned long long)image->bytes, length, (unsigned long long)offset);
	if (!image->memory)
		return read_file(image, offset, to, length);
	memcpy(to, image->memory + offset, length);
	return 0;
}
