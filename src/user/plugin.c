/* SPDX-License-Identifier: MIT */
/* Functions that the host offers to the program. */
#include <errno.h>
#include <stdlib.h>

#include "base/error.h"
#include "user/plugin.h"
#include "user/task.h"

int keg_user_offer(
	struct keg_user *user, uint32_t number, keg_user_function *function, void *context)
{
	if (number >= KEG_OFFERS)
		return keg_fail(
			EINVAL, "function %u: 0 to %d can be offered", number, KEG_OFFERS - 1);
	if (!user->plugin)
		user->plugin = calloc(1, sizeof(*user->plugin));
	if (!user->plugin)
		return keg_fail(ENOMEM, "out of memory for a function");
	user->plugin->offers[number] = (struct keg_offer){function, context};
	return 0;
}

int64_t keg_plugin_serve(struct keg_task *task, uint64_t number, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	const struct keg_offer *offer;

	if (!user->plugin || number < KEG_USER_HOST_CALL ||
		number >= KEG_USER_HOST_CALL + KEG_OFFERS)
		return -ENOSYS;
	offer = &user->plugin->offers[number - KEG_USER_HOST_CALL];
	return offer->function ? offer->function(offer->context, user, args) : -ENOSYS;
}

void keg_plugin_destroy(struct keg_user *user)
{
	free(user->plugin);
	user->plugin = NULL;
}
