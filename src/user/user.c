/* SPDX-License-Identifier: MIT */
/* A sandbox: made, set up, loaded, ended. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/thread.h"
#include "user/ahead.h"
#include "user/commons.h"
#include "user/files.h"
#include "user/futex.h"
#include "user/load.h"
#include "user/mounts.h"
#include "user/netlink.h"
#include "user/plugin.h"
#include "user/policy.h"
#include "user/process.h"
#include "user/shared.h"
#include "user/signals.h"
#include "user/sockets.h"
#include "user/trace.h"
#include "user/transit.h"
#include "user/vdso.h"
#include "user/watch.h"

#define DEFAULT_MEMORY (4ull << 30)

static int read_config(struct keg_user_config *own, const struct keg_user_config *given)
{
	static const struct keg_user_config defaults = {.size = sizeof(defaults)};
	const uint64_t most = 1ull << 42;
	int result;

	if (!given)
		given = &defaults;
	result = keg_config_copy(own, sizeof(*own), given, given->size, "keg_user_config");
	if (result < 0)
		return result;
	if (own->flags & ~(uint64_t)(KEG_USER_STOPS | KEG_USER_UMASK | KEG_USER_HELPER))
		return keg_fail(EINVAL, "flags 0x%llx: an unknown one is set",
			(unsigned long long)own->flags);
	if (own->ignored & KEG_UNBLOCKABLE)
		return keg_fail(EINVAL, "SIGKILL and SIGSTOP cannot be ignored");
	if (own->umask > 0777)
		return keg_fail(EINVAL, "a umask of 0%o: 0 to 0777 are possible", own->umask);
	own->memory = own->memory ? own->memory : DEFAULT_MEMORY;
	own->processes = own->processes ? own->processes : 256;
	own->threads = own->threads ? own->threads : 1024;
	own->files = own->files ? own->files : 1024;
	if (own->memory < 16 << 20 || own->memory > most)
		return keg_fail(EINVAL, "memory of %llu bytes: 16 MiB to 4 TiB are possible",
			(unsigned long long)own->memory);
	if (own->files > 1 << 20 || own->threads > 1 << 16 || own->processes > 1 << 16)
		return keg_fail(EINVAL, "at most 2^20 files, 2^16 threads and 2^16 processes");
	return 0;
}

static int create_parts(struct keg_user *user)
{
	int result = keg_commons_create(user->config.memory, user->kick_signal, &user->commons);

	if (result < 0)
		return result;
	user->pages = user->commons->pages;
	user->objects = user->commons->objects;
	user->lore = &user->commons->lore;
	if (user->config.flags & KEG_USER_HELPER)
		keg_ahead_begin(user);
	result = keg_mounts_create(&user->mounts);
	if (result == 0)
		result = keg_futexes_create(&user->futexes);
	if (result == 0)
		result = keg_files_create(&user->streams);
	if (result < 0)
		return result;
	user->policy = calloc(1, sizeof(*user->policy));
	if (user->policy)
		user->policy->directory = strdup("/");
	if (!user->policy || !user->policy->directory)
		return keg_fail(ENOMEM, "out of memory for a sandbox");
	keg_syscalls_index(user->calls);
	return 0;
}

int keg_user_make(struct keg_user **user)
{
	struct keg_user *made = calloc(1, sizeof(*made));
	int rc;

	if (!made)
		return keg_fail(ENOMEM, "out of memory for a sandbox");
	rc = pthread_mutex_init(&made->lock, NULL);
	if (rc)
		goto out;
	rc = pthread_cond_init(&made->changed, NULL);
	if (rc)
		goto out_lock;
	*user = made;
	return 0;
out_lock:
	pthread_mutex_destroy(&made->lock);
out:
	free(made);
	return keg_fail_errno(rc, "making the lock of a sandbox");
}

int keg_user_create(
	struct keg_host *host, const struct keg_user_config *config, struct keg_user **user)
{
	struct keg_user *made = NULL;
	int result = keg_user_make(&made);

	if (result < 0)
		return result;
	made->host = host;
	result = read_config(&made->config, config);
	if (result == 0) {
		made->kick_signal = made->config.kick_signal;
		result = create_parts(made);
	}
	if (result < 0) {
		keg_user_destroy(made);
		return result;
	}
	*user = made;
	return 0;
}

/* Everything that runs ends; what was never run is taken apart. */
static void end_all(struct keg_user *user)
{
	pthread_mutex_lock(&user->lock);
	user->dying = true;
	keg_user_kick_all(user);
	pthread_cond_broadcast(&user->changed);
	pthread_mutex_unlock(&user->lock);
	/* Its thread is the caller. */
	if (user->first_task)
		keg_task_end(user->first_task, SIGKILL);
	pthread_mutex_lock(&user->lock);
	while (user->task_count)
		pthread_cond_wait(&user->changed, &user->lock);
	while (user->processes)
		keg_process_free(user->processes);
	user->first = NULL;
	pthread_mutex_unlock(&user->lock);
	keg_task_reap(user);
}

static void *end_mounts(void *mounts)
{
	keg_mounts_destroy(mounts);
	return NULL;
}

/* Machines and mounts, each of which waits for the kernel, at the same time if that is wanted. */
static void end_parts(struct keg_user *user)
{
	pthread_t helper;
	bool helped = user->config.flags & KEG_USER_HELPER && user->mounts &&
		      keg_thread_create(&helper, NULL, end_mounts, user->mounts) == 0;

	if (!helped)
		keg_mounts_destroy(user->mounts);
	keg_commons_release(user->commons);
	if (helped)
		pthread_join(helper, NULL);
}

void keg_user_destroy(struct keg_user *user)
{
	if (!user)
		return;
	keg_ahead_end(user);
	keg_watch_destroy(user);
	end_all(user);
	keg_plugin_destroy(user);
	keg_files_release(user->streams);
	keg_transit_destroy(atomic_load(&user->transit));
	keg_sockets_destroy(user->sockets);
	keg_netlinks_destroy(user->netlinks);
	keg_shared_destroy(user->shared);
	keg_futexes_destroy(user->futexes);
	end_parts(user);
	if (user->policy)
		free(user->policy->directory);
	free(user->policy);
	if (user->tracer)
		pthread_mutex_destroy(&user->tracer->lock);
	free(user->tracer);
	pthread_cond_destroy(&user->changed);
	pthread_mutex_destroy(&user->lock);
	free(user);
}

int keg_user_set_directory(struct keg_user *user, const char *guest)
{
	char *copy;

	if (guest[0] != '/')
		return keg_fail(EINVAL, "'%s' is not absolute", guest);
	copy = strdup(guest);
	if (!copy)
		return keg_fail(ENOMEM, "out of memory for a working directory");
	free(user->policy->directory);
	user->policy->directory = copy;
	return 0;
}

int keg_user_set_network(struct keg_user *user, bool allowed)
{
	user->policy->network = allowed;
	return 0;
}

int keg_user_set_syscall(struct keg_user *user, const char *name, int error)
{
	uint64_t number = 0;

	if (error < 0 || error > 4095)
		return keg_fail(EINVAL, "%d is no error number", error);
	if (strcmp(name, "all") == 0) {
		for (int i = 0; i < KEG_SYSCALL_LIMIT; i++)
			user->policy->refused[i] = (int16_t)error;
		return 0;
	}
	while (number < KEG_SYSCALL_LIMIT &&
		!(keg_syscall_name(number) && strcmp(keg_syscall_name(number), name) == 0))
		number++;
	if (number == KEG_SYSCALL_LIMIT)
		return keg_fail(ENOENT, "Linux has no system call '%s'", name);
	user->policy->refused[number] = (int16_t)error;
	return 0;
}

/* By its canonical name. */
static int enter_directory(struct keg_user *user)
{
	const char *path = user->policy->directory;
	char why[64];
	KEG_PLACE struct keg_place place;
	int result = keg_mounts_walk(
		user->first_task, AT_FDCWD, path, KEG_WALK_FOLLOW | KEG_WALK_HOLD, &place);

	if (result == 0 && !place.directory)
		result = -ENOTDIR;
	/* Not ENOENT, which tells of the program. */
	if (result < 0)
		return keg_fail(EINVAL, "the working directory %s: %s", path,
			strerror_r(-result, why, sizeof(why)));
	keg_fs_set_directory(user->first->fs, place.path);
	return 0;
}

/* There is a vCPU: what machines can do is known. */
static int make_vdso(struct keg_commons *commons)
{
	const uint32_t khz = atomic_load(&commons->lore.tsc_khz);

	return khz && !commons->vdso ? keg_vdso_create(commons->pages, khz, &commons->vdso) : 0;
}

static int load_first(struct keg_user *user, const char *path, struct keg_words *arguments,
	struct keg_words *environment)
{
	struct keg_process *process;
	int result = keg_process_first(user, &process);

	if (result < 0)
		return result;
	user->first = process;
	user->first_task = process->tasks;
	result = enter_directory(user);
	if (result == 0)
		result = make_vdso(user->commons);
	if (result < 0)
		return result;
	return keg_load_program(user->first_task, process->space,
		&(struct keg_load){path, path, arguments, environment});
}

/* As if it had not been tried. */
static int undo_load(struct keg_user *user, int result)
{
	char why[512];

	snprintf(why, sizeof(why), "%s", keg_error_message());
	end_all(user);
	user->dying = false;
	return keg_fail(-result, "%s", why);
}

int keg_user_load(struct keg_user *user, const char *path, const char *const argv[],
	const char *const environment[])
{
	struct keg_words arguments = {0}, variables = {0};
	int result;

	if (user->first)
		return keg_fail(EBUSY, "the sandbox has a program already");
	keg_ahead_settled(user);
	result = keg_words_copy(&arguments, argv);
	if (result == 0)
		result = keg_words_copy(&variables, environment);
	if (result == 0)
		result = load_first(user, path, &arguments, &variables);
	/* After a failure more may be shown: rules that were made know nothing of that. */
	if (result < 0)
		keg_ahead_end(user);
	keg_ahead_wait(user);
	keg_words_free(&arguments);
	keg_words_free(&variables);
	return result < 0 && user->first ? undo_load(user, result) : result;
}
