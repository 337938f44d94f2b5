/* SPDX-License-Identifier: MIT */
/* A sandbox's own directories, as root has them, as another user, and as who may mount nothing. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>

#include "testing.h"
#include "user/mount_list.h"

#define NOBODY 65534

enum { BYTES = 1 << 20 };

/* What other users do, a process of its own does: nothing brings root's rights back. */
static int as_nobody(int (*what)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (getuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
			_exit(100);
		/* A process that has changed who it is owns its files in /proc again. */
		prctl(PR_SET_DUMPABLE, 1);
		_exit(what());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* 0, or the line that is not true: there is no cmocka in such a process. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			return __LINE__;                                                           \
	} while (0)

/* How many bytes there is room for, by writing. */
static long room(int directory)
{
	static const char bytes[65536];
	int fd = openat(directory, "full", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	long all = 0;
	ssize_t count;

	while (fd >= 0 && all < 4 * BYTES && (count = write(fd, bytes, sizeof(bytes))) > 0)
		all += count;
	close(fd);
	return all;
}

static int is_a_tmpfs_of_its_size(void)
{
	char *temporary;
	struct statfs fs;
	struct stat st;
	int fd;

	MUST(keg_tmpfs_open(BYTES, &fd, &temporary) == 0);
	MUST(!temporary && fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC);
	MUST(room(fd) == BYTES);
	MUST(fstatat(fd, "full", &st, 0) == 0 && st.st_uid == geteuid());
	MUST(waitpid(-1, NULL, __WALL | WNOHANG) < 0 && errno == ECHILD);
	return close(fd);
}

static void root_has_a_tmpfs(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("SKIP: not root\n");
		skip();
	}
	assert_int_equal(is_a_tmpfs_of_its_size(), 0);
}

/* Whether this host lets users have namespaces; some do not. */
static int may_have_a_namespace(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static void others_have_one_too(void **state)
{
	(void)state;
	if (!as_nobody(may_have_a_namespace)) {
		print_message("SKIP: no user namespaces for users here\n");
		skip();
	}
	assert_int_equal(as_nobody(is_a_tmpfs_of_its_size), 0);
}

/* From here on this process can make no file system. */
static int forbid_mounts(void)
{
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fsopen, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(rules) / sizeof(rules[0]), rules};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Folders that the program has made, and taken its own rights to away from. */
static int is_a_folder_that_goes(void)
{
	static const char *const names[] = {"a", "a/b", "a/b/c", "a/link"};
	char *temporary;
	int fd;

	MUST(forbid_mounts() == 0);
	MUST(keg_tmpfs_open(BYTES, &fd, &temporary) == 0);
	MUST(temporary && access(temporary, F_OK) == 0);
	for (int i = 0; i < 3; i++)
		MUST(mkdirat(fd, names[i], 0700) == 0);
	MUST(symlinkat("/", fd, names[3]) == 0);
	MUST(room(fd) == 4 * BYTES);
	for (int i = 2; i >= 0; i--)
		MUST(fchmodat(fd, names[i], i & 1 ? 0400 : 0, 0) == 0);
	MUST(chmod(temporary, 0) == 0);
	keg_tmpfs_remove(fd, temporary);
	MUST(access(temporary, F_OK) < 0 && errno == ENOENT);
	return close(fd);
}

static void who_may_not_has_a_folder_that_goes(void **state)
{
	(void)state;
	assert_int_equal(as_nobody(is_a_folder_that_goes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_has_a_tmpfs),
		cmocka_unit_test(others_have_one_too),
		cmocka_unit_test(who_may_not_has_a_folder_that_goes),
	};

	return cmocka_run_group_tests_name("a sandbox's own directories", tests, NULL, NULL);
}
