/* SPDX-License-Identifier: MIT */
/* Paths out of the sandbox, and paths that are too much. */
#include "hostile.h"

#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>

/* What lies beside the mounts, on the host, begins with this. */
static void must_not_be_canary(int fd)
{
	char text[16] = {0};

	if (fd < 0)
		return;
	MUST(read(fd, text, 6) <= 0 || memcmp(text, "canary", 6) != 0);
	close(fd);
}

static void must_not_lead_out(const char *path)
{
	struct stat st;

	must_not_be_canary(open(path, O_RDONLY | O_NONBLOCK));
	must_not_be_canary(open(path, O_RDWR | O_NONBLOCK));
	MUST(rename(path, "/rw/stolen") < 0);
	MUST(link(path, "/rw/stolen") < 0);
	MUST(linkat(AT_FDCWD, path, AT_FDCWD, "/rw/stolen", AT_SYMLINK_FOLLOW) < 0);
	MUST(unlink(path) < 0);
	MUST(truncate(path, 0) < 0);
	MUST(chmod(path, 0) < 0);
	if (stat(path, &st) == 0)
		MUST(st.st_size != 6);
}

static void upwards(void)
{
	static const char *const ways[] = {"/../canary/canary", "/rw/../../canary/canary",
		"/rw/../canary/canary", "../canary/canary", "../../../../../canary/canary",
		"/rw/./.././//../canary/canary", "/proc/self/root/canary/canary",
		"/proc/self/root/../canary/canary", "/proc/self/cwd/../canary/canary",
		"/proc/self/../../canary/canary", "/proc/self/fd/9/../canary/canary",
		"/proc/self/fd/9/../../canary/canary", "/proc/thread-self/root/../canary/canary",
		"/dev/fd/9/../canary/canary", "/proc/1/root/canary/canary",
		"/tmp/../../canary/canary", "/ro/../canary/canary", "/rw/../rw/../canary/canary"};
	int fd = open("/rw", O_RDONLY | O_DIRECTORY);

	MUST(fd >= 0);
	dup2(fd, 9);
	chdir("/rw");
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		must_not_lead_out(ways[i]);
		must_not_be_canary(openat(9, ways[i], O_RDONLY));
		for (uint64_t resolve = 0; resolve < 64; resolve++) {
			struct open_how how = {.flags = O_RDONLY, .resolve = resolve};

			must_not_be_canary((int)raw(
				SYS_openat2, 9, (long)ways[i], (long)&how, sizeof(how), 0, 0));
		}
	}
}

static void by_links(void)
{
	static const char *const targets[] = {"../canary/canary", "../../canary/canary",
		"/../../canary/canary", "/proc/self/root/../canary/canary",
		"../../../../../../../../../../etc/passwd", "/etc/passwd",
		"/proc/1/root/etc/passwd"};

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		unlink("/rw/link");
		MUST(symlink(targets[i], "/rw/link") == 0);
		must_not_be_canary(open("/rw/link", O_RDONLY));
		MUST(open("/rw/link", O_RDWR | O_CREAT | O_EXCL, 0600) < 0);
		MUST(access("/rw/link", F_OK) < 0);
		MUST(truncate("/rw/link", 0) < 0);
	}
	/* One that the test has left there: an absolute one of the host's. */
	must_not_be_canary(open("/rw/host-link", O_RDONLY));
	must_not_be_canary(open("/rw/host-directory/canary", O_RDONLY));
	MUST(open("/rw/host-directory/new", O_RDWR | O_CREAT, 0600) < 0);
}

static void moved_directories(void)
{
	char text[PATH_MAX];

	MUST(mkdir("/rw/m", 0700) == 0 && mkdir("/rw/m/n", 0700) == 0);
	MUST(chdir("/rw/m/n") == 0);
	MUST(rename("/rw/m/n", "/rw/n") == 0);
	must_not_be_canary(open("../../canary/canary", O_RDONLY));
	must_not_be_canary(open("../canary/canary", O_RDONLY));
	raw(SYS_getcwd, (long)text, sizeof(text), 0, 0, 0, 0);
	rmdir("/rw/n");
	must_not_be_canary(open("../canary/canary", O_RDONLY));
	must_not_be_canary(open("../../canary/canary", O_RDONLY));
	open("new", O_RDWR | O_CREAT, 0600);
	chdir("..");
	chdir("..");
	must_not_be_canary(open("canary/canary", O_RDONLY));
}

static void loops(void)
{
	char name[64], target[64];

	symlink("/rw/loop", "/rw/loop");
	MUST(open("/rw/loop", O_RDONLY) < 0 && errno == ELOOP);
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "/rw/chain%d", i);
		snprintf(target, sizeof(target), "chain%d/../chain%d", i + 1, i + 1);
		symlink(target, name);
	}
	MUST(open("/rw/chain0", O_RDONLY) < 0);
	MUST(open("/rw/chain0/x", O_RDWR | O_CREAT, 0600) < 0);
}

static void long_names(void)
{
	static char path[3 * PATH_MAX];

	for (size_t length = 250; length < 260; length++) {
		memset(path, 'n', sizeof(path));
		memcpy(path, "/rw/", 4);
		path[4 + length] = '\0';
		MUST((open(path, O_RDWR | O_CREAT, 0600) >= 0) == (length <= 255));
	}
	for (size_t length = PATH_MAX - 3; length < sizeof(path) - 1;
		length += length < 4100 ? 1 : 999) {
		memset(path, '/', sizeof(path));
		path[length] = '\0';
		open(path, O_RDONLY);
		memset(path, 'n', length);
		MUST(open(path, O_RDONLY) < 0);
		symlink(path, "/rw/long");
		chdir(path);
		for (size_t i = 0; i < length; i += 2)
			memcpy(path + i, i % 4 ? "./" : "//", 2);
		path[length] = '\0';
		open(path, O_RDONLY);
	}
	MUST(open("", O_RDONLY) < 0);
}

static void deep(void)
{
	int depth = 0;

	MUST(chdir("/tmp") == 0);
	while (depth < 1000 && mkdir("d", 0700) == 0 && chdir("d") == 0)
		depth++;
	for (int i = 0; i < depth; i++) {
		static char text[PATH_MAX];

		if (i % 500 == 0)
			raw(SYS_getcwd, (long)text, sizeof(text), 0, 0, 0, 0);
		if (chdir("..") < 0)
			break;
	}
	must_not_be_canary(open("../canary/canary", O_RDONLY));
}

/* Mount points, and what the sandbox makes up, cannot be moved, replaced or covered. */
static void mount_points(void)
{
	static const char *const points[] = {"/", "/rw", "/ro", "/tmp", "/proc", "/dev",
		"/dev/null", "/proc/self", "/proc/self/exe"};

	for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
		MUST(rmdir(points[i]) < 0);
		MUST(unlink(points[i]) < 0);
		MUST(rename(points[i], "/rw/moved") < 0);
		MUST(rename("/rw", points[i]) < 0);
		MUST(symlink("/rw", points[i]) < 0);
		MUST(chmod(points[i], 0) < 0 || i == 1 || i == 3);
		raw(SYS_chmod, (long)points[i], 0700, 0, 0, 0, 0);
		MUST(raw(SYS_mount, (long)"none", (long)points[i], (long)"tmpfs", 0, 0, 0) < 0);
		MUST(raw(SYS_umount2, (long)points[i], 0, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_chroot, (long)points[i], 0, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_pivot_root, (long)points[i], (long)"/rw", 0, 0, 0, 0) < 0);
	}
}

static void read_only(void)
{
	struct timespec times[2] = {{1, 0}, {1, 0}};
	int fd = open("/ro/file", O_RDONLY);

	MUST(fd >= 0);
	MUST(open("/ro/file", O_RDWR) < 0 && open("/ro/file", O_RDONLY | O_TRUNC) < 0);
	MUST(open("/ro/new", O_RDWR | O_CREAT, 0600) < 0 && mkdir("/ro/new", 0700) < 0);
	MUST(unlink("/ro/file") < 0 && rename("/ro/file", "/rw/file") < 0);
	MUST(link("/ro/file", "/rw/hard") < 0 && link("/ro/file", "/ro/hard") < 0);
	MUST(linkat(fd, "", AT_FDCWD, "/rw/hard", AT_EMPTY_PATH) < 0);
	MUST(linkat(AT_FDCWD, "/proc/self/fd/4", AT_FDCWD, "/rw/hard", AT_SYMLINK_FOLLOW) < 0);
	MUST(chmod("/ro/file", 0777) < 0 && fchmod(fd, 0777) < 0);
	MUST(chown("/ro/file", 1, 1) < 0 && fchown(fd, 1, 1) < 0);
	MUST(utimensat(AT_FDCWD, "/ro/file", times, 0) < 0 && futimens(fd, times) < 0);
	MUST(raw(SYS_fsetxattr, fd, (long)"user.x", (long)"y", 1, 0, 0) < 0);
	MUST(raw(SYS_setxattr, (long)"/ro/file", (long)"user.x", (long)"y", 1, 0, 0) < 0);
	MUST(ftruncate(fd, 0) < 0 && truncate("/ro/file", 0) < 0);
	MUST(write(fd, "x", 1) < 0);
	MUST(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
	for (int flags = 0; flags < 4; flags++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		MUST(flags == 0 || open(path, flags) < 0);
	}
}

const struct hostile hostile_paths[] = {
	{"paths-upwards", upwards, EXITS, 0},
	{"paths-by-links", by_links, EXITS, 0},
	{"paths-of-moved-directories", moved_directories, EXITS, 0},
	{"paths-that-loop", loops, EXITS, 0},
	{"paths-too-long", long_names, EXITS, 0},
	{"paths-too-deep", deep, EXITS, 0},
	{"mount-points", mount_points, EXITS, 0},
	{"read-only-files", read_only, EXITS, 0},
	{NULL, NULL, 0, 0},
};
