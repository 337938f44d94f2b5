/* SPDX-License-Identifier: MIT */
/* A sandbox in the state that another one is in. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/commons.h"
#include "user/files.h"
#include "user/futex.h"
#include "user/mounts.h"
#include "user/plugin.h"
#include "user/policy.h"
#include "user/process.h"
#include "user/shared.h"
#include "user/space.h"
#include "user/transit.h"

static int copy_policy(const struct keg_user *of, struct keg_user *user)
{
	struct keg_policy *policy = malloc(sizeof(*policy));

	if (!policy)
		return keg_fail(ENOMEM, "out of memory for a clone");
	*policy = *of->policy;
	policy->directory = strdup(of->policy->directory);
	user->policy = policy;
	return policy->directory ? 0 : keg_fail(ENOMEM, "out of memory for a clone");
}

static int copy_plugin(const struct keg_user *of, struct keg_user *user)
{
	if (!keg_plugin_of(user))
		return -ENOMEM;
	memcpy(user->plugin->offers, of->plugin->offers, sizeof(user->plugin->offers));
	user->plugin->stub.at = of->plugin->stub.at;
	user->plugin->stub.restores = of->plugin->stub.restores;
	return 0;
}

static int copy_parts(const struct keg_user *of, struct keg_user *user)
{
	int ret;

	user->commons = keg_commons_share(of->commons);
	user->pages = user->commons->pages;
	user->objects = user->commons->objects;
	user->lore = &user->commons->lore;
	user->mounts = keg_mounts_share(of->mounts);
	memcpy(user->calls, of->calls, sizeof(user->calls));
	ret = keg_futexes_create(&user->futexes);
	if (!ret)
		ret = keg_files_copy(of->streams, &user->streams);
	if (ret)
		return keg_fail_errno(-ret, "copying what a sandbox has");
	ret = copy_policy(of, user);
	return ret ? ret : copy_plugin(of, user);
}

static void copy_task(const struct keg_task *of, struct keg_task *task)
{
	task->cpu->regs = of->cpu->regs;
	task->cpu->bases_changed = true;
	task->mask = of->mask;
	task->altstack = of->altstack;
	task->altstack_size = of->altstack_size;
	task->altstack_flags = of->altstack_flags;
	task->clear_tid = of->clear_tid;
	task->robust_list = of->robust_list;
	memcpy(task->name, of->name, sizeof(task->name));
}

/* With the vector registers that the program rests with. */
static int make_cpu(struct keg_user *of, struct keg_space *space, struct keg_cpu **cpu)
{
	const struct keg_plugin *plugin = of->plugin;
	int ret = keg_cpu_create(keg_space_machine(space), cpu);

	if (ret)
		return ret;
	ret = keg_cpu_set_xstate(*cpu, plugin->xstate, plugin->xstate_size);
	if (ret)
		keg_cpu_destroy(*cpu);
	return ret;
}

static int copy_process(struct keg_user *of, struct keg_user *user)
{
	struct keg_process *process;
	struct keg_space *space;
	struct keg_task *task;
	struct keg_cpu *cpu;
	int ret = keg_space_clone(of->first->space, &space);

	if (ret)
		return keg_fail_errno(-ret, "copying the program's memory");
	ret = make_cpu(of, space, &cpu);
	if (!ret) {
		ret = keg_process_copy_to(user, of->first, &process);
		if (ret)
			keg_cpu_destroy(cpu);
	}
	if (ret) {
		keg_space_destroy(space);
		return ret;
	}
	process->space = space;
	user->first = process;
	/* What was made so far is the process's, which ends with the sandbox. */
	ret = keg_task_create_on(process, cpu, &task);
	if (ret) {
		keg_process_finish(process);
		return ret;
	}
	user->first_task = task;
	copy_task(of->first_task, task);
	user->plugin->stub.space = of->plugin->stub.space ? space : NULL;
	return 0;
}

static int make(struct keg_user *of, struct keg_user *user)
{
	int ret = copy_parts(of, user);

	if (!ret)
		ret = copy_process(of, user);
	if (!ret && of->plugin->mark)
		ret = keg_user_mark(user);
	return ret;
}

/* The state that a clone has: the marked one, if there is a mark. */
static int come_to_rest(struct keg_user *user)
{
	int ret = keg_plugin_at_rest(user);

	if (!ret && !keg_plugin_of(user))
		ret = -ENOMEM;
	if (!ret && user->plugin->mark)
		ret = keg_user_reset(user);
	if (!ret)
		ret = keg_plugin_alone(user);
	if (!ret && keg_files_are_tied(user->first->files))
		ret = keg_fail(EBUSY, "the program has a file open that is this sandbox's only: "
				      "signalfd(2), pidfd_open(2), a pseudo terminal, "
				      "a socket of netlink(7)");
	if (!ret && !keg_shared_is_empty(user))
		ret = keg_fail(EBUSY, "the program has shared memory of System V: shmget(2)");
	if (!ret && !keg_transit_is_empty(user))
		ret = keg_fail(EBUSY, "the program has sent itself files that it has not received");
	return ret ? ret : keg_plugin_know_xstate(user);
}

int keg_user_clone(struct keg_user *user, struct keg_user **clone)
{
	struct keg_user *made;
	int ret = come_to_rest(user);

	if (ret)
		return ret;
	ret = keg_user_make(&made);
	if (ret)
		return ret;
	made->host = user->host;
	made->config = user->config;
	/* What takes a while to set up and to end it shares. */
	made->config.flags &= ~(uint64_t)KEG_USER_HELPER;
	made->kick_signal = user->kick_signal;
	ret = make(user, made);
	if (ret) {
		keg_user_destroy(made);
		return keg_fail_within(ret, "cloning a sandbox");
	}
	*clone = made;
	return 0;
}
