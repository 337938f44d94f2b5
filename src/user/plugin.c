/* SPDX-License-Identifier: MIT */
/* Functions that the host offers to the program, and what running tasks ask of a plugin. */
#include "user/plugin.h"

#include <stdlib.h>

#include "base/error.h"
#include "user/process.h"
#include "user/space.h"

struct keg_plugin *keg_plugin_of(struct keg_user *user)
{
	if (!user->plugin)
		user->plugin = calloc(1, sizeof(*user->plugin));
	if (!user->plugin)
		keg_fail(ENOMEM, "out of memory for a plugin");
	return user->plugin;
}

void keg_plugin_destroy(struct keg_user *user)
{
	if (!user->plugin)
		return;
	keg_mark_state_free(user->plugin->mark);
	free(user->plugin->xstate);
	free(user->plugin);
	user->plugin = NULL;
}

int keg_user_offer(
	struct keg_user *user, uint32_t number, keg_user_function *function, void *context)
{
	if (number >= KEG_OFFERS)
		return keg_fail(
			EINVAL, "function %u: 0 to %d can be offered", number, KEG_OFFERS - 1);
	if (!keg_plugin_of(user))
		return -ENOMEM;
	user->plugin->offers[number] = (struct keg_offer){function, context};
	return 0;
}

/* Ends the run where it is. Lock held. Others are kicked, the task itself only has to look. */
static void hold(struct keg_task *task, uint32_t end)
{
	struct keg_user *user = task->process->user;
	struct keg_plugin *plugin = user->plugin;

	if (user->task_count > 1) {
		keg_user_halt(user, end);
	} else {
		user->end = user->end ? user->end : end;
		user->stopping = true;
	}
	plugin->held = true;
	plugin->called |= atomic_exchange(&task->attention, 1) != 0;
}

static int64_t call_returns(struct keg_task *task, uint64_t result)
{
	struct keg_user *user = task->process->user;
	struct keg_plugin *plugin = user->plugin;

	if (!plugin->calling || task != user->first_task ||
		task->cpu->regs.rip != keg_stub_syscall_end(&plugin->stub))
		return -ENOSYS;
	plugin->result = result;
	plugin->returned = true;
	pthread_mutex_lock(&user->lock);
	hold(task, KEG_USER_RETURNED);
	pthread_mutex_unlock(&user->lock);
	return 0;
}

int64_t keg_plugin_serve(struct keg_task *task, uint64_t number, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	const struct keg_offer *offer;

	if (!user->plugin || number < KEG_USER_HOST_CALL || number > KEG_CALL_RETURN)
		return -ENOSYS;
	if (number == KEG_CALL_RETURN)
		return call_returns(task, args[0]);
	offer = &user->plugin->offers[number - KEG_USER_HOST_CALL];
	return offer->function ? offer->function(offer->context, user, args) : -ENOSYS;
}

bool keg_plugin_trap(struct keg_task *task)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	struct keg_plugin *plugin = user->plugin;
	struct keg_user_registers *regs = &task->cpu->regs;
	bool there, mine, copied;
	uint64_t at = regs->rip - 1;
	uint8_t byte = 0;

	if (!plugin)
		return false;
	pthread_mutex_lock(&user->lock);
	there = plugin->armed_in && at == plugin->reach_at;
	mine = there && plugin->armed && process == user->first;
	/* In a copy of it that a fork made, the program goes on as if nothing had been there. */
	copied = there && process->space != plugin->armed_in;
	byte = plugin->reach_byte;
	if (mine)
		hold(task, KEG_USER_REACHED);
	pthread_mutex_unlock(&user->lock);
	if (copied && keg_space_poke(process->space, at, &byte, 1))
		return false;
	if (mine || copied)
		regs->rip = at;
	return mine || copied;
}

bool keg_plugin_holds(const struct keg_task *task)
{
	const struct keg_user *user = task->process->user;

	/* The first task, whose own this is. */
	return !task->has_thread && user->plugin && user->plugin->held;
}

bool keg_plugin_ended(const struct keg_user *user)
{
	return user->plugin && user->plugin->ended;
}

bool keg_plugin_binds(const struct keg_process *process)
{
	const struct keg_user *user = process->user;

	return user->plugin && user->plugin->mark && process == user->first;
}

void keg_plugin_replaced(const struct keg_process *process)
{
	struct keg_user *user = process->user;
	struct keg_plugin *plugin = user->plugin;

	if (!plugin || process != user->first)
		return;
	pthread_mutex_lock(&user->lock);
	plugin->stub = (struct keg_stub){0};
	plugin->armed = false;
	plugin->armed_in = NULL;
	pthread_mutex_unlock(&user->lock);
}

bool keg_plugin_keeps(struct keg_task *task)
{
	struct keg_process *process = task->process;
	struct keg_user *user = process->user;
	bool keeps;

	pthread_mutex_lock(&user->lock);
	keeps = user->plugin && user->plugin->mark && task == user->first_task && !user->dying;
	if (keeps && !process->exiting)
		keg_process_end(process, task->exit_status);
	while (keeps && process->task_count > 1) {
		pthread_cond_wait(&user->changed, &user->lock);
		keeps = !user->dying;
	}
	if (keeps) {
		user->plugin->ended = true;
		keg_user_halt(user, KEG_USER_EXITED);
		task->resting = true;
		user->resting++;
		pthread_cond_broadcast(&user->changed);
	}
	pthread_mutex_unlock(&user->lock);
	return keeps;
}

int keg_plugin_at_rest(struct keg_user *user)
{
	if (!user->first)
		return keg_fail(EINVAL, "the sandbox has no program: keg_user_load() loads one");
	if (user->running)
		return keg_fail(EBUSY, "the program is running");
	if (!user->first_task)
		return keg_fail(EINVAL, "the program has ended");
	return 0;
}

int keg_plugin_alone(struct keg_user *user)
{
	if (user->process_count > 1 || user->task_count > 1)
		return keg_fail(EBUSY, "the program has %u processes and %u threads: one can be",
			user->process_count, user->task_count);
	return 0;
}
