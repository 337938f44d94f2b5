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

/* One of a user's is set, changed, removed; xattr(7). */
static void set_and_removed(void)
{
	int fd = open("/tmp/set", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char value[8], names[64];

	CHECK(fd >= 0 && symlink("set", "/tmp/link") == 0);
	if (setxattr("/tmp/set", "user.x", "one", 3, 0) < 0) {
		/* A tmpfs has had none before Linux 6.6. */
		CHECK(errno == EOPNOTSUPP);
		return;
	}
	CHECK(getxattr("/tmp/set", "user.x", value, sizeof(value)) == 3 &&
		!memcmp(value, "one", 3));
	CHECK(listxattr("/tmp/set", names, sizeof(names)) == 7 && !strcmp(names, "user.x"));
	CHECK(setxattr("/tmp/set", "user.x", "two", 3, XATTR_CREATE) < 0 && errno == EEXIST);
	CHECK(setxattr("/tmp/set", "user.y", "two", 3, XATTR_REPLACE) < 0 && errno == ENODATA);
	CHECK(setxattr("/tmp/link", "user.x", "", 0, XATTR_REPLACE) == 0);
	CHECK(fgetxattr(fd, "user.x", value, sizeof(value)) == 0);
	CHECK(fsetxattr(fd, "user.y", "why", 3, XATTR_CREATE) == 0);
	CHECK(fremovexattr(fd, "user.x") == 0);
	CHECK(removexattr("/tmp/set", "user.x") < 0 && errno == ENODATA);
	CHECK(removexattr("/tmp/link", "user.y") == 0);
	CHECK(listxattr("/tmp/set", NULL, 0) == 0);
	CHECK(setxattr("/tmp", "user.dir", "d", 1, 0) == 0 && removexattr("/tmp", "user.dir") == 0);
	close(fd);
}

static void refused(void)
{
	int fd = open("/tmp/set", O_RDWR);
	static char large[65537];

	CHECK(setxattr("/tmp/set", "trusted.x", "y", 1, 0) < 0 && errno == EPERM);
	CHECK(setxattr("/tmp/set", "security.x", "y", 1, 0) < 0 && errno == EPERM);
	CHECK(setxattr("/tmp/set", "system.x", "y", 1, 0) < 0 && errno == EOPNOTSUPP);
	CHECK(setxattr("/tmp/set", "none", "y", 1, 0) < 0 && errno == EOPNOTSUPP);
	CHECK(fsetxattr(fd, "trusted.x", "y", 1, 0) < 0 && errno == EPERM);
	CHECK(fremovexattr(fd, "security.x") < 0 && errno == EPERM);
	CHECK(setxattr("/tmp/set", "user.x", large, sizeof(large), 0) < 0 && errno == E2BIG);
	CHECK(setxattr("/tmp/set", "user.x", "y", 1, 4) < 0 && errno == EINVAL);
	CHECK(setxattr("/tmp/set", "", "y", 1, 0) < 0 && errno == ERANGE);
	CHECK(lsetxattr("/tmp/link", "user.x", "y", 1, 0) < 0 && errno == EPERM);
	CHECK(lremovexattr("/tmp/link", "user.x") < 0 && errno == EPERM);
	CHECK(setxattr("/tmp/none", "user.x", "y", 1, 0) < 0 && errno == ENOENT);
	CHECK(setxattr("/proc/self/status", "user.x", "y", 1, 0) < 0);
	CHECK(setxattr("/proc/self/exe", "user.x", "y", 1, 0) < 0 && errno == EROFS);
	CHECK(fsetxattr(1000, "user.x", "y", 1, 0) < 0 && errno == EBADF);
	CHECK(fsetxattr(1, "user.x", "y", 1, 0) < 0 && errno != EROFS);
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"open files", open_files},
		{"set and removed", set_and_removed},
		{"refused", refused},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
