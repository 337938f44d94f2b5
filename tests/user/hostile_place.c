/* SPDX-License-Identifier: MIT */
/* What hostile programs must not change. */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Memory of this process's that nobody has a reason to change. */
static unsigned char canary[1 << 16];

static void write_file(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	if (walk->level > 0 && remove(path) < 0)
		return -1;
	return 0;
}

static void empty(const char *folder)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void make_streams(struct hostile_place *place)
{
	int pair[2], slave;
	char path[PATH_MAX];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	place->streams[0] = pair[0];
	place->pipe = pair[1];
	snprintf(path, sizeof(path), "%s/said", place->folder);
	place->streams[1] = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	assert_true(place->streams[1] >= 0);
	place->streams[2] = dup(place->streams[1]);
	assert_int_equal(openpty(&place->terminal, &slave, NULL, NULL, NULL), 0);
	place->streams[3] = slave;
}

void hostile_prepare(struct hostile_place *place)
{
	snprintf(place->folder, sizeof(place->folder), "/tmp/keg-hostile-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	snprintf(place->writable, sizeof(place->writable), "%s/rw", place->folder);
	snprintf(place->readable, sizeof(place->readable), "%s/ro", place->folder);
	snprintf(place->canary, sizeof(place->canary), "%s/canary", place->folder);
	assert_int_equal(mkdir(place->writable, 0700), 0);
	assert_int_equal(mkdir(place->readable, 0700), 0);
	assert_int_equal(mkdir(place->canary, 0700), 0);
	write_file(place->canary, "canary", "canary");
	write_file(place->readable, "file", "file");
	make_streams(place);
	for (size_t i = 0; i < sizeof(canary); i++)
		canary[i] = (unsigned char)(i * 31 + 7);
}

void hostile_remove(struct hostile_place *place)
{
	for (int i = 0; i < HOSTILE_STREAMS; i++)
		close(place->streams[i]);
	close(place->pipe);
	close(place->terminal);
	empty(place->folder);
	rmdir(place->folder);
}

static size_t count_threads(void)
{
	DIR *tasks = opendir("/proc/self/task");
	size_t count = 0;

	assert_non_null(tasks);
	for (const struct dirent *entry; (entry = readdir(tasks));)
		count += entry->d_name[0] != '.';
	closedir(tasks);
	return count;
}

/* What the descriptor is, in words; the file's position and flags are part of it. */
static void describe(int fd, char *text, size_t size)
{
	struct stat st;

	*text = '\0';
	if (fstat(fd, &st) == 0)
		snprintf(text, size, "%llx:%llu %x %x", (unsigned long long)st.st_dev,
			(unsigned long long)st.st_ino, st.st_mode & S_IFMT,
			(unsigned)fcntl(fd, F_GETFL));
}

void hostile_before(struct hostile_place *place)
{
	char path[PATH_MAX];

	empty(place->writable);
	chmod(place->writable, 0700);
	assert_int_equal(ftruncate(place->streams[1], 0), 0);
	snprintf(path, sizeof(path), "%s/host-link", place->writable);
	assert_true(symlink(place->canary, path) == 0 || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/host-directory", place->writable);
	assert_true(symlink(place->canary, path) == 0 || errno == EEXIST);
	for (int fd = 0; fd < HOSTILE_FDS; fd++)
		describe(fd, place->fds[fd], sizeof(place->fds[fd]));
	place->threads = count_threads();
}

static void check_folder(const char *folder, const char *name, const char *text)
{
	char path[PATH_MAX], read_text[64] = {0};
	DIR *entries = opendir(folder);
	size_t count = 0;
	int fd;

	assert_non_null(entries);
	for (const struct dirent *entry; (entry = readdir(entries));)
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(entries);
	assert_int_equal(count, 1);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_true(read(fd, read_text, sizeof(read_text) - 1) >= 0);
	close(fd);
	assert_string_equal(read_text, text);
}

static void keep_what_was_said(struct hostile_place *place)
{
	off_t end = lseek(place->streams[1], 0, SEEK_END);
	off_t from = end > 500 ? end - 500 : 0;
	ssize_t length = pread(place->streams[1], place->said, 500, from);

	place->said[length > 0 ? length : 0] = '\0';
}

void hostile_after(struct hostile_place *place)
{
	char now[64];
	int waiting = 0;

	keep_what_was_said(place);
	for (int fd = 0; fd < HOSTILE_FDS; fd++) {
		describe(fd, now, sizeof(now));
		if (strcmp(now, place->fds[fd]))
			fail_msg("descriptor %d was '%s', is '%s'", fd, place->fds[fd], now);
	}
	if (count_threads() != place->threads)
		fail_msg("%zu threads, there were %zu", count_threads(), place->threads);
	check_folder(place->canary, "canary", "canary");
	check_folder(place->readable, "file", "file");
	for (size_t i = 0; i < sizeof(canary); i++)
		assert_int_equal(canary[i], (unsigned char)(i * 31 + 7));
	/* Nothing was typed for whoever reads the terminal next. */
	assert_int_equal(ioctl(place->streams[3], FIONREAD, &waiting), 0);
	assert_int_equal(waiting, 0);
}
