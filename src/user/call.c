/* SPDX-License-Identifier: MIT */
/* Calling functions of the program, and running it to a point. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/plugin.h"
#include "user/process.h"
#include "user/space.h"
#include "user/time.h"
#include "user/watch.h"

enum {
	ARGUMENTS_MOST = 6,
	RED_ZONE = 128,          /* below rsp, that leaf functions use (AMD64 psABI 3.2.2) */
	DIRECTION_FLAG = 1 << 10 /* is clear on entry (3.2.1) */
};

int keg_plugin_know_xstate(struct keg_user *user)
{
	struct keg_plugin *plugin = user->plugin;
	struct keg_cpu *cpu = user->first_task->cpu;
	int ret;

	if (plugin->xstate_known)
		return 0;
	if (!plugin->xstate) {
		plugin->xstate_size = keg_cpu_xstate_size(keg_space_machine(user->first->space));
		plugin->xstate = calloc(1, plugin->xstate_size);
		if (!plugin->xstate)
			return keg_fail(ENOMEM, "out of memory for vector registers");
	}
	ret = keg_cpu_get_xstate(cpu, plugin->xstate, plugin->xstate_size);
	if (ret)
		return ret;
	plugin->xstate_known = true;
	plugin->xstate_stale = plugin->was_reset = false;
	return 0;
}

static int put_xstate(struct keg_user *user)
{
	struct keg_plugin *plugin = user->plugin;
	int ret = keg_cpu_set_xstate(user->first_task->cpu, plugin->xstate, plugin->xstate_size);

	if (!ret)
		plugin->xstate_stale = plugin->was_reset = false;
	return ret;
}

int keg_plugin_before_run(struct keg_user *user)
{
	struct keg_plugin *plugin = user->plugin;
	int ret = 0;

	if (!plugin || !user->first_task)
		return 0;
	if (plugin->xstate_known && plugin->xstate_stale)
		ret = put_xstate(user);
	plugin->xstate_known = ret != 0;
	plugin->held = false;
	return ret;
}

/* Registers as a function finds them that is called where the program rests. */
static int enter(struct keg_user *user, uint64_t function, const uint64_t *arguments, size_t count)
{
	struct keg_plugin *plugin = user->plugin;
	struct keg_user_registers *regs = &user->first_task->cpu->regs;
	uint64_t back = keg_stub_return(&plugin->stub), values[ARGUMENTS_MOST] = {0};
	int ret = 0;

	if (count)
		memcpy(values, arguments, count * sizeof(*values));
	regs->rdi = values[0];
	regs->rsi = values[1];
	regs->rdx = regs->r10 = values[2];
	regs->rcx = values[3];
	regs->r8 = values[4];
	regs->r9 = values[5];
	regs->rax = 0;
	regs->rip = regs->r11 = function;
	regs->rflags &= ~(uint64_t)DIRECTION_FLAG;
	regs->rsp = ((regs->rsp - RED_ZONE) & -16ull) - sizeof(back);
	if (plugin->was_reset && plugin->stub.restores)
		regs->rip = plugin->stub.at;
	else if (plugin->was_reset)
		ret = put_xstate(user);
	if (ret)
		return ret;
	ret = keg_space_poke(plugin->stub.space, regs->rsp, &back, sizeof(back));
	return ret ? keg_fail_errno(-ret, "the stack at 0x%llx", (unsigned long long)regs->rsp) : 0;
}

/* When the call has to be over: its own limit, and the sandbox's. */
static int limit(struct keg_user *user, uint64_t time_ns)
{
	uint64_t all = user->config.time_ns, now;

	if (!time_ns && !all)
		return 0;
	now = keg_now_ns();
	if (all) {
		uint64_t left = all > user->ran_ns ? all - user->ran_ns : 0;

		time_ns = !time_ns || left < time_ns ? left : time_ns;
	}
	return keg_watch_set(user, time_ns > UINT64_MAX - now ? UINT64_MAX : now + time_ns);
}

static void leave(struct keg_user *user, struct keg_user_registers *saved, uint64_t *result,
	struct keg_user_stop *stop)
{
	struct keg_plugin *plugin = user->plugin;
	struct keg_cpu *cpu = user->first_task->cpu;

	/* What it has done to the bases of fs and gs stays, as it would in any program. */
	saved->fs_base = cpu->regs.fs_base;
	saved->gs_base = cpu->regs.gs_base;
	cpu->regs = *saved;
	*result = plugin->result;
	plugin->returned = false;
	if (plugin->called)
		atomic_store(&user->first_task->attention, 1);
	plugin->called = false;
	/* It was interrupted too late: the next one is. */
	if (stop->end == KEG_USER_INTERRUPTED) {
		pthread_mutex_lock(&user->lock);
		user->interrupted = true;
		pthread_mutex_unlock(&user->lock);
	}
	stop->end = KEG_USER_RETURNED;
}

static int prepare(struct keg_user *user, size_t count)
{
	int ret = keg_plugin_at_rest(user);

	if (ret)
		return ret;
	if (count > ARGUMENTS_MOST)
		return keg_fail(EINVAL, "%zu arguments: %d can be", count, ARGUMENTS_MOST);
	if (!keg_plugin_of(user))
		return -ENOMEM;
	if (user->plugin->ended)
		return keg_fail(EINVAL, "the program has ended: keg_user_reset() brings it back");
	ret = keg_stub_make(user);
	return ret ? ret : keg_plugin_know_xstate(user);
}

int keg_user_call(struct keg_user *user, uint64_t function, const uint64_t *arguments, size_t count,
	uint64_t time_ns, uint64_t *result, struct keg_user_stop *stop)
{
	struct keg_user_registers saved;
	struct keg_plugin *plugin;
	int ret = prepare(user, count);

	if (ret)
		return ret;
	plugin = user->plugin;
	saved = user->first_task->cpu->regs;
	ret = enter(user, function, arguments, count);
	if (!ret)
		ret = limit(user, time_ns);
	if (ret) {
		user->first_task->cpu->regs = saved;
		return keg_fail_within(
			ret, "calling a function at 0x%llx", (unsigned long long)function);
	}
	plugin->calling = true;
	plugin->returned = plugin->held = plugin->was_reset = false;
	plugin->xstate_stale = true;
	keg_user_go(user, stop);
	keg_watch_set(user, 0);
	plugin->calling = plugin->held = false;
	if (plugin->returned)
		leave(user, &saved, result, stop);
	return 0;
}

static int arm(struct keg_user *user, uint64_t address)
{
	static const uint8_t breakpoint = 0xcc; /* int3 */
	struct keg_plugin *plugin = user->plugin;
	struct keg_space *space = user->first->space;
	int ret = keg_space_peek(space, &plugin->reach_byte, address, 1);

	if (!ret)
		ret = keg_space_poke(space, address, &breakpoint, 1);
	if (ret)
		return keg_fail(-ret, "nothing is at 0x%llx that could be reached",
			(unsigned long long)address);
	plugin->reach_at = address;
	plugin->armed_in = space;
	plugin->armed = true;
	return 0;
}

int keg_user_run_to(struct keg_user *user, uint64_t address, struct keg_user_stop *stop)
{
	struct keg_plugin *plugin;
	int ret = keg_plugin_at_rest(user);

	if (ret)
		return ret;
	if (!keg_plugin_of(user))
		return -ENOMEM;
	plugin = user->plugin;
	if (user->first_task->cpu->regs.rip == address) {
		*stop = (struct keg_user_stop){.end = KEG_USER_REACHED,
			.rip = address,
			.rsp = user->first_task->cpu->regs.rsp};
		return 0;
	}
	ret = arm(user, address);
	if (ret)
		return ret;
	ret = keg_user_run(user, stop);
	plugin->armed = false;
	/* Not in another program's memory, that it may have executed. */
	if (user->first_task && user->first->space == plugin->armed_in)
		keg_space_poke(plugin->armed_in, address, &plugin->reach_byte, 1);
	if (plugin->called && user->first_task)
		atomic_store(&user->first_task->attention, 1);
	plugin->called = false;
	return ret;
}
