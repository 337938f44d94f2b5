/* SPDX-License-Identifier: MIT */
/* A program as a set of functions: what the host offers it, its marked state, calls into it. */
#ifndef KEG_USER_PLUGIN_H
#define KEG_USER_PLUGIN_H

#include <stdint.h>

#include <keg/user.h>

struct keg_task;

#define KEG_OFFERS 256

struct keg_offer {
	keg_user_function *function;
	void *context;
};

struct keg_plugin {
	struct keg_offer offers[KEG_OFFERS];
};

/* A system call with a number beyond Linux's: a function that the host offers; else -ENOSYS. */
int64_t keg_plugin_serve(struct keg_task *task, uint64_t number, const uint64_t args[6]);
void keg_plugin_destroy(struct keg_user *user);

#endif
