/* SPDX-License-Identifier: MIT */
/* Extended attributes as a program finds them. */
#include <fcntl.h>
#include <sys/xattr.h>

#include "check.h"

/* There are none in a new file, and not everything is one. */
static void open_files(void)
{
	int fd = open("/tmp/scratch", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char value[8];

	CHECK(fd >= 0);
	CHECK(flistxattr(fd, NULL, 0) == 0);
	CHECK(fgetxattr(fd, "user.none", value, sizeof(value)) < 0 &&
		(errno == ENODATA || errno == EOPNOTSUPP));
	CHECK(fsetxattr(fd, "system.none", "y", 1, 0) < 0);
	CHECK(flistxattr(1000, NULL, 0) < 0 && errno == EBADF);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"open files", open_files},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
