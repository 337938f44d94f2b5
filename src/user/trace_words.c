/* SPDX-License-Identifier: MIT */
/* The words of flags and operations, as the manual pages have them. */
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "user/trace_words.h"

#define WORD(name)                                                                                 \
	{                                                                                          \
		name, #name                                                                        \
	}

static const struct keg_word open_flags[] = {WORD(O_RDONLY), WORD(O_WRONLY), WORD(O_RDWR),
	WORD(O_CREAT), WORD(O_EXCL), WORD(O_NOCTTY), WORD(O_TRUNC), WORD(O_APPEND),
	WORD(O_NONBLOCK), WORD(O_DIRECT), WORD(O_NOFOLLOW), WORD(O_NOATIME), WORD(O_CLOEXEC),
	WORD(O_PATH), WORD(O_TMPFILE), WORD(O_DIRECTORY), WORD(O_SYNC), WORD(O_DSYNC),
	{0100000, "O_LARGEFILE"}, {0}};

static const struct keg_word protections[] = {
	WORD(PROT_NONE), WORD(PROT_READ), WORD(PROT_WRITE), WORD(PROT_EXEC), {0}};

static const struct keg_word mappings[] = {WORD(MAP_SHARED), WORD(MAP_PRIVATE),
	WORD(MAP_SHARED_VALIDATE), WORD(MAP_FIXED), WORD(MAP_ANONYMOUS), WORD(MAP_GROWSDOWN),
	WORD(MAP_DENYWRITE), WORD(MAP_LOCKED), WORD(MAP_NORESERVE), WORD(MAP_POPULATE),
	WORD(MAP_STACK), WORD(MAP_HUGETLB), WORD(MAP_FIXED_NOREPLACE), {0}};

static const struct keg_word clones[] = {WORD(CLONE_VM), WORD(CLONE_FS), WORD(CLONE_FILES),
	WORD(CLONE_SIGHAND), WORD(CLONE_VFORK), WORD(CLONE_PARENT), WORD(CLONE_THREAD),
	WORD(CLONE_SYSVSEM), WORD(CLONE_SETTLS), WORD(CLONE_PARENT_SETTID),
	WORD(CLONE_CHILD_CLEARTID), WORD(CLONE_CHILD_SETTID), WORD(CLONE_NEWNS),
	WORD(CLONE_NEWUSER), WORD(CLONE_NEWPID), WORD(CLONE_NEWNET), {17, "SIGCHLD"}, {0}};

static const struct keg_word clocks[] = {WORD(CLOCK_REALTIME), WORD(CLOCK_MONOTONIC),
	WORD(CLOCK_PROCESS_CPUTIME_ID), WORD(CLOCK_THREAD_CPUTIME_ID), WORD(CLOCK_MONOTONIC_RAW),
	WORD(CLOCK_REALTIME_COARSE), WORD(CLOCK_MONOTONIC_COARSE), WORD(CLOCK_BOOTTIME), {0}};

/* FUTEX_WAIT is 0: the operation is a number, its flags are joined to it. */
static const struct keg_word futexes[] = {WORD(FUTEX_WAIT), WORD(FUTEX_WAKE), WORD(FUTEX_REQUEUE),
	WORD(FUTEX_CMP_REQUEUE), WORD(FUTEX_WAKE_OP), WORD(FUTEX_LOCK_PI), WORD(FUTEX_UNLOCK_PI),
	WORD(FUTEX_TRYLOCK_PI), WORD(FUTEX_WAIT_BITSET), WORD(FUTEX_WAKE_BITSET),
	WORD(FUTEX_PRIVATE_FLAG), WORD(FUTEX_CLOCK_REALTIME), {0}};

static const struct keg_words_of all[] = {
	{'F', true, O_ACCMODE, open_flags},
	{'P', true, 0, protections},
	{'M', true, 3, mappings},
	{'C', true, 0xff, clones},
	{'c', false, 0, clocks},
	{'o', true, 0x7f, futexes},
};

const struct keg_words_of *keg_words_for(char letter)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].letter == letter)
			return &all[i];
	}
	return NULL;
}

const char *keg_errno_name(int error)
{
	return strerrorname_np(error);
}
