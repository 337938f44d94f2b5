/* SPDX-License-Identifier: MIT */
/* Sandboxes of scenarios. */
#include "users.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

enum { MEMORY = 64 << 20 };
#define TIME_NS 4000000000ull

struct users users;

const char *users_file(const char *name)
{
	static char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *slash;

	path[length > 0 ? length : 0] = 0;
	slash = strrchr(path, '/');
	slash = slash ? slash : path;
	snprintf(slash, 64, "/fault/%s", name);
	return path;
}

static const char *guest(void)
{
	return users_file("fault-guest");
}

/* ---- Temporary folders that are left where they cannot be removed ---- */

static char folders[64];

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	return where->level ? remove(path) : 0;
}

static void remove_folders(void)
{
	if (folders[0])
		nftw(folders, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void end_folders(void)
{
	remove_folders();
	rmdir(folders);
}

void users_keep_folders(void)
{
	strcpy(folders, "/tmp/fault-XXXXXX");
	if (!mkdtemp(folders) || setenv("TMPDIR", folders, 1)) {
		perror("fault: a folder");
		exit(EXIT_FAILURE);
	}
	atexit(end_folders);
}

static void end(struct rig *rig)
{
	(void)rig;
	keg_user_destroy(users.clone);
	keg_user_destroy(users.user);
	if (users.out >= 0)
		close(users.out);
	users = (struct users){.out = -1};
	remove_folders();
}

int users_begin(struct rig *rig, const char *area)
{
	users = (struct users){.area = area};
	rig->end = end;
	users.out = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (users.out < 0 || access(guest(), R_OK)) {
		perror("fault: the guest");
		exit(EXIT_FAILURE);
	}
	return 0;
}

int users_create(struct rig *rig)
{
	const struct keg_user_config config = {
		.size = sizeof(config),
		.flags = users.helper ? KEG_USER_HELPER : 0,
		.memory = users.memory ? users.memory : MEMORY,
		.threads = users.threads,
		.time_ns = TIME_NS,
		.kick_signal = rig->kick_signal,
	};

	return keg_user_create(rig->host, &config, &users.user);
}

int users_bind(struct rig *rig)
{
	int rc = keg_user_bind(users.user, guest(), "/guest", 0);

	(void)rig;
	if (!rc && users.mounts)
		rc = keg_user_bind(users.user, "/etc", "/host", KEG_USER_WRITABLE);
	if (!rc && users.mounts)
		rc = keg_user_bind(users.user, guest(), "/host/passwd/x", 0);
	if (!rc && users.mounts)
		rc = keg_user_bind(users.user, "/", "/root", 0);
	return rc ? rc : keg_user_bind_empty(users.user, "/tmp", 1 << 20);
}

int users_set_up(struct rig *rig)
{
	int rc = keg_user_bind_system(users.user);

	(void)rig;
	for (int i = 0; !rc && i < 3; i++)
		rc = keg_user_set_stream(users.user, i, users.out);
	if (!rc)
		rc = keg_user_set_directory(users.user, "/tmp");
	if (!rc)
		rc = keg_user_set_network(users.user, users.network);
	return rc;
}

int users_load(struct rig *rig)
{
	const char *const words[] = {"guest", users.area, NULL};
	const char *const variables[] = {"A=b", NULL};

	(void)rig;
	return keg_user_load(users.user, "/guest", words, variables);
}

int users_make(struct rig *rig)
{
	int rc = users_create(rig);

	if (!rc)
		rc = users_bind(rig);
	if (!rc)
		rc = users_set_up(rig);
	return rc ? rc : users_load(rig);
}

int users_judge(int rc, uint32_t expected)
{
	const struct keg_user_stop *stop = &users.stop;

	if (rc)
		return rc;
	if (stop->end == KEG_USER_FAILED)
		return keg_fail(EIO, "%s", stop->what);
	/* What the host refuses may end the program otherwise. */
	if (fault_has_fired())
		return 0;
	if (stop->end != expected || stop->status)
		return RIG_WRONG("the program's area %s ended by %u, status %d, signal %d: %s",
			users.area ? users.area : "", stop->end, stop->status, stop->signal,
			stop->what);
	return 0;
}

int users_run(struct rig *rig)
{
	(void)rig;
	return users_judge(keg_user_run(users.user, &users.stop), KEG_USER_EXITED);
}
