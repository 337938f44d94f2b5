/* SPDX-License-Identifier: MIT */
/* A program as a set of functions: what the host offers it, calls into it, its marked state. */
#ifndef KEG_USER_PLUGIN_H
#define KEG_USER_PLUGIN_H

#include <stdbool.h>
#include <stdint.h>

#include <keg/user.h>

#include "user/machine.h"

struct keg_task;
struct keg_process;
struct keg_space;
struct keg_mark_state; /* mark.c */

#define KEG_OFFERS 256

struct keg_offer {
	keg_user_function *function;
	void *context;
};

/* Where a function that was called comes back to: made only there, by keg's own instructions. */
#define KEG_CALL_RETURN (KEG_USER_HOST_CALL + KEG_OFFERS)

/* keg's instructions in the program's memory, read-only (stub.c). */
struct keg_stub {
	struct keg_space *space; /* that it is in; NULL: none */
	uint64_t at;
	bool restores; /* its entry sets the vector registers to a state that is there */
};

struct keg_plugin {
	struct keg_offer offers[KEG_OFFERS];
	struct keg_stub stub;

	bool calling;  /* keg_user_call() is going on */
	bool returned; /* and has what it waited for: `result` */
	uint64_t result;
	/* The run ends at an instruction that is not to be left for a signal's handler: they wait,
	 * and if there are any (`called`) are looked at when it goes on. */
	bool held, called;

	/* keg_user_run_to(): a breakpoint, in the first process's memory as long as it is armed. */
	bool armed;
	struct keg_space *armed_in;
	uint64_t reach_at;
	uint8_t reach_byte;

	/*
	 * The vector registers (XSAVE's area) of the state at rest, that the program goes on from
	 * when it is run. Calls do not keep them, and need not: to a function they are nothing. So
	 * they are read before the first call, and written before a run after calls.
	 */
	void *xstate;
	size_t xstate_size;
	bool xstate_known; /* xstate is the state at rest */
	bool xstate_stale; /* the vCPU's is another: calls were made, or a reset */
	bool was_reset;    /* and the next call is to begin with xstate, which the stub has */

	struct keg_mark_state *mark; /* NULL: none */
	bool ended;                  /* the program has ended, and is kept for a reset */
};

/* The sandbox's, made if there is none. NULL: -ENOMEM is noted */
struct keg_plugin *keg_plugin_of(struct keg_user *user);
void keg_plugin_destroy(struct keg_user *user);

/* ---- For those who run tasks ---- */

/* A system call with a number beyond Linux's: a function that the host offers, or a call's return;
 * else -ENOSYS. */
int64_t keg_plugin_serve(struct keg_task *task, uint64_t number, const uint64_t args[6]);
/* A breakpoint exception: whether it was keg_user_run_to()'s. */
bool keg_plugin_trap(struct keg_task *task);
/* Whether the task's signals have to wait, for the run ends just here. */
bool keg_plugin_holds(const struct keg_task *task);
/* The task is to end: whether it rests instead, so that a reset can bring it back. Its process's
 * other tasks have ended then. Lock not held. */
bool keg_plugin_keeps(struct keg_task *task);
/* Whether the program is one that has ended and is kept. */
bool keg_plugin_ended(const struct keg_user *user);
/* Whether the process may not become another program: it has a state to come back to. */
bool keg_plugin_binds(const struct keg_process *process);
/* It has become another program. */
void keg_plugin_replaced(const struct keg_process *process);
/* Before the program itself goes on: puts its registers' state in place. */
int keg_plugin_before_run(struct keg_user *user);

/* ---- Between the files of it ---- */

/* The state can be looked at and changed: there is a program, which does not run. -EINVAL, -EBUSY
 */
int keg_plugin_at_rest(struct keg_user *user);
/* Nothing else is in the sandbox than the first process's first task. -EBUSY */
int keg_plugin_alone(struct keg_user *user);
/* Makes sure that xstate is the state at rest. */
int keg_plugin_know_xstate(struct keg_user *user);
/* Makes the stub in the first process's space, if it has none there. */
int keg_stub_make(struct keg_user *user);
/* Puts the state in xstate into the stub, so that calls can begin with it. */
int keg_stub_set_xstate(struct keg_user *user);
uint64_t keg_stub_return(const struct keg_stub *stub); /* a called function returns to */
uint64_t keg_stub_syscall_end(const struct keg_stub *stub);
void keg_mark_state_free(struct keg_mark_state *mark);

#endif
