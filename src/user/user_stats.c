/* SPDX-License-Identifier: MIT */
/* What a sandbox has counted, and who hears of each call. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/task.h"
#include "user/trace.h"

int keg_user_set_tracer(struct keg_user *user, keg_user_tracer *tell, void *context)
{
	struct keg_tracer *tracer = NULL;

	if (user->running)
		return keg_fail(EBUSY, "the sandbox is running");
	if (tell) {
		int rc;

		tracer = calloc(1, sizeof(*tracer));
		if (!tracer)
			return keg_fail(ENOMEM, "out of memory for a tracer");
		rc = pthread_mutex_init(&tracer->lock, NULL);
		if (rc) {
			free(tracer);
			return keg_fail_errno(rc, "making the lock of a tracer");
		}
		tracer->tell = tell;
		tracer->context = context;
	}
	if (user->tracer)
		pthread_mutex_destroy(&user->tracer->lock);
	free(user->tracer);
	user->tracer = tracer;
	return 0;
}

int keg_user_counts(struct keg_user *user, struct keg_user_count *counts, size_t *count)
{
	size_t room = *count;

	*count = 0;
	for (uint64_t i = 0; i < KEG_SYSCALL_LIMIT; i++) {
		if (!atomic_load(&user->counts[i]))
			continue;
		if (*count < room)
			counts[*count] = (struct keg_user_count){
				.number = i,
				.name = keg_syscall_name(i),
				.calls = atomic_load(&user->counts[i]),
				.unserved = atomic_load(&user->unserved[i]),
				.refused = atomic_load(&user->refused[i]),
				.time_ns = atomic_load(&user->spent[i]),
			};
		++*count;
	}
	return *count > room ? keg_fail(E2BIG, "%zu calls were counted", *count) : 0;
}

int keg_user_stats(struct keg_user *user, struct keg_user_stats *stats)
{
	struct keg_user_stats own = {.size = sizeof(own)};
	struct keg_pages_usage usage;

	if (stats->size < sizeof(stats->size) || stats->size > sizeof(own))
		return keg_fail(EINVAL, "keg_user_stats: a size of %zu", stats->size);
	keg_pages_usage(user->pages, &usage);
	own.exits = atomic_load(&user->exits);
	own.faults = atomic_load(&user->faults);
	for (int i = 0; i < KEG_SYSCALL_LIMIT; i++)
		own.syscalls += atomic_load(&user->counts[i]);
	own.memory_used = usage.used;
	own.memory_highest = usage.highest;
	own.memory_limit = usage.limit;
	own.processes = user->processes_made;
	own.threads = user->threads_made;
	own.time_ns = user->ran_ns;
	own.open_layout = atomic_load(&user->lore->open_layout);
	own.terminal_set = atomic_load(&user->terminal_set);
	own.size = stats->size;
	memcpy(stats, &own, stats->size);
	return 0;
}
