/* SPDX-License-Identifier: MIT */
/* Shared memory of System V as a program finds it. */
#include <signal.h>
#include <sys/shm.h>
#include <sys/wait.h>

#include "check.h"

static unsigned long attached(int id)
{
	struct shmid_ds status;

	CHECK(shmctl(id, IPC_STAT, &status) == 0);
	return status.shm_nattch;
}

static void numbers_and_keys(void)
{
	struct shmid_ds status;
	int id = shmget(77, 5000, IPC_CREAT | IPC_EXCL | 0640);

	CHECK(id >= 0 && shmget(77, 100, 0) == id && shmget(77, 5000, IPC_CREAT) == id);
	CHECK(shmget(77, 5001, 0) == -1 && errno == EINVAL);
	CHECK(shmget(77, 5000, IPC_CREAT | IPC_EXCL) == -1 && errno == EEXIST);
	CHECK(shmget(78, 5000, 0) == -1 && errno == ENOENT);
	CHECK(shmget(78, 0, IPC_CREAT) == -1 && errno == EINVAL);
	CHECK(shmctl(id, IPC_STAT, &status) == 0 && status.shm_segsz == 5000);
	CHECK(status.shm_cpid == getpid() && (status.shm_perm.mode & 0777) == 0640);
	CHECK(status.shm_perm.uid == geteuid() && status.shm_perm.__key == 77);
	status.shm_perm.mode = 0600;
	CHECK(shmctl(id, IPC_SET, &status) == 0 && shmctl(id, IPC_STAT, &status) == 0);
	CHECK((status.shm_perm.mode & 0777) == 0600);
	CHECK(shmctl(id, IPC_STAT, (struct shmid_ds *)16) == -1 && errno == EFAULT);
	CHECK(shmctl(id, 999, &status) == -1 && errno == EINVAL);
	CHECK(shmctl(id, IPC_RMID, NULL) == 0);
	CHECK(shmctl(id, IPC_STAT, &status) == -1 && errno == EINVAL);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmget(77, 5000, 0) == -1 && errno == ENOENT);
}

static void attaching(void)
{
	int id = shmget(IPC_PRIVATE, 8192, 0600), status;
	char *one = shmat(id, NULL, 0), *other = shmat(id, NULL, SHM_RDONLY);
	pid_t child;

	CHECK(one != (void *)-1 && other != (void *)-1 && one != other && attached(id) == 2);
	strcpy(one, "hello");
	strcpy(one + 8000, "there");
	CHECK(!strcmp(other, "hello") && !strcmp(other + 8000, "there"));
	CHECK(shmat(id, one + 1, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, one, 0) == (void *)-1 && errno == EINVAL);
	CHECK(shmat(id, one + 100, SHM_RND | SHM_REMAP) == one && attached(id) == 2);
	child = fork();
	if (child == 0) {
		CHECK(attached(id) == 4);
		strcpy(one, "child");
		CHECK(shmdt(other) == 0 && attached(id) == 3);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(!strcmp(one, "child") && attached(id) == 2);
	child = fork();
	if (child == 0) {
		*(volatile char *)other = 'x';
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && WTERMSIG(status) == SIGSEGV);
	CHECK(shmdt(one) == 0 && shmdt(one) == -1 && errno == EINVAL);
	CHECK(shmdt(one + 4096) == -1 && shmdt(NULL) == -1);
	/* It stays for those who are attached, and is found by its number. */
	CHECK(shmctl(id, IPC_RMID, NULL) == 0 && attached(id) == 1);
	one = shmat(id, NULL, 0);
	CHECK(one != (void *)-1 && !strcmp(one, "child") && !strcmp(other, "child"));
	CHECK(shmdt(one) == 0 && shmdt(other) == 0);
	CHECK(shmat(id, NULL, 0) == (void *)-1 && errno == EINVAL);
}

static void too_many(void)
{
	int ids[5000], count = 0;

	while (count < 5000 && (ids[count] = shmget(IPC_PRIVATE, 1 << 20, 0600)) >= 0)
		count++;
	CHECK(count > 50 && count < 5000 && (errno == ENOSPC || errno == ENOMEM));
	while (count > 0)
		CHECK(shmctl(ids[--count], IPC_RMID, NULL) == 0);
	CHECK(shmget(IPC_PRIVATE, 1ull << 50, 0600) == -1);
	CHECK(shmget(IPC_PRIVATE, ~0ull, 0600) == -1);
	/* A number is not given out again at once. */
	count = shmget(IPC_PRIVATE, 1, 0600);
	CHECK(count >= 0 && count != ids[0] && shmctl(count, IPC_RMID, NULL) == 0);
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"numbers and keys", numbers_and_keys},
		{"attaching", attaching},
		{"too many", too_many},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
