/* SPDX-License-Identifier: MIT */
/* The descriptors of the host's that a program is given: standard streams. */
#include <fcntl.h>
#include <unistd.h>

#include "base/error.h"
#include "user/files.h"
#include "user/task.h"

#define KEG_STREAMS_MOST 1024

int keg_user_set_stream(struct keg_user *user, int number, int fd)
{
	struct keg_file *file;
	int own, flags, r;

	if (number < 0 || number >= KEG_STREAMS_MOST)
		return keg_fail(EINVAL, "%d is no number for a stream: 0 to %d are", number,
			KEG_STREAMS_MOST - 1);
	flags = fcntl(fd, F_GETFL);
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (flags < 0 || own < 0)
		return keg_fail_errno(errno, "duplicating descriptor %d for a stream", fd);
	/* Whether others do not wait is their affair: the program begins with streams that do. */
	r = keg_file_create(KEG_FILE_STREAM, own, flags & ~O_NONBLOCK, NULL, &file);
	if (r == 0)
		r = keg_files_put_at(user->streams, file, number, false);
	return r < 0 ? keg_fail(-r, "giving the program its stream %d", number) : 0;
}
