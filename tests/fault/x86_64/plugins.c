/* SPDX-License-Identifier: MIT */
/* Programs as sets of functions: run to a point, marked, called, reset, cloned, and interrupted. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <keg/user.h>

#include "base/error.h"
#include "users.h"

static int begin(struct rig *rig)
{
	return users_begin(rig, NULL);
}

static uint64_t change_at, rest_at;

static int find(struct rig *rig)
{
	int rc = keg_user_symbol(users.user, "change", &change_at);

	(void)rig;
	return rc ? rc : keg_user_symbol(users.user, "rest", &rest_at);
}

static int64_t answer(void *context, struct keg_user *user, const uint64_t arguments[6])
{
	(void)context;
	(void)user;
	return (int64_t)arguments[0];
}

static int offer(struct rig *rig)
{
	(void)rig;
	return keg_user_offer(users.user, 1, answer, NULL);
}

static int run_to(struct rig *rig)
{
	(void)rig;
	return users_judge(keg_user_run_to(users.user, rest_at, &users.stop), KEG_USER_REACHED);
}

static int mark(struct rig *rig)
{
	(void)rig;
	return keg_user_mark(users.user);
}

static int call(struct rig *rig)
{
	const uint64_t one = 1;
	uint64_t result = 0;
	int rc = keg_user_call(users.user, change_at, &one, 1, 1000000000, &result, &users.stop);

	(void)rig;
	return users_judge(rc, KEG_USER_RETURNED);
}

static int reset(struct rig *rig)
{
	(void)rig;
	return keg_user_reset(users.user);
}

static int use_memory(struct rig *rig)
{
	uint64_t at;
	int rc = keg_user_allocate(users.user, 100000, &at);

	(void)rig;
	if (!rc)
		rc = keg_user_write(users.user, at, "x", 1);
	return rc ? rc : keg_user_free(users.user, at, 100000);
}

static int make_clone(struct rig *rig)
{
	(void)rig;
	keg_user_destroy(users.clone);
	users.clone = NULL;
	return keg_user_clone(users.user, &users.clone);
}

static int call_clone(struct rig *rig)
{
	const uint64_t two = 2;
	uint64_t result = 0;
	int rc = keg_user_call(users.clone, change_at, &two, 1, 0, &result, &users.stop);

	(void)rig;
	if (!rc && !fault_has_fired() && users.stop.end == KEG_USER_RETURNED && result != 4)
		rc = RIG_WRONG("a clone is not as it was: %llu", (unsigned long long)result);
	rc = users_judge(rc, KEG_USER_RETURNED);
	return rc ? rc : keg_user_reset(users.clone);
}

static int go_on(struct rig *rig)
{
	(void)rig;
	return users_judge(keg_user_run(users.user, &users.stop), KEG_USER_EXITED);
}

/* A sandbox with its program; and one that has none yet. */
#define BEGUN                                                                                      \
	FAULT_STEP("open", rig_open_host, FAULT_SETUP), FAULT_STEP("begin", begin, FAULT_SETUP)
#define MADE    BEGUN, FAULT_STEP("make", users_make, FAULT_SETUP)
#define CREATED BEGUN, FAULT_STEP("create", users_create, FAULT_SETUP)

static const struct fault_step symbols_steps[] = {
	MADE,
	FAULT_STEP("find", find, FAULT_FORGIVING),
};

static const struct fault_step plugin_steps[] = {
	MADE,
	FAULT_STEP("find", find, FAULT_SETUP),
	FAULT_STEP("offer", offer, 0),
	FAULT_STEP("run to", run_to, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("mark", mark, FAULT_FORGIVING),
	FAULT_STEP("call", call, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("reset", reset, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("memory", use_memory, FAULT_FORGIVING),
	FAULT_STEP("call again", call, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("clone", make_clone, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("call clone", call_clone, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("mark again", mark, FAULT_FORGIVING),
	FAULT_STEP("run", go_on, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("reset after", reset, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

/* ---- A clone of what rests, with no mark; interrupted ---- */

static int interrupted(struct rig *rig)
{
	int rc = keg_user_interrupt(users.user);

	(void)rig;
	return rc ? rc : users_judge(keg_user_run(users.user, &users.stop), KEG_USER_INTERRUPTED);
}

static int run_clone(struct rig *rig)
{
	(void)rig;
	return users_judge(keg_user_run(users.clone, &users.stop), KEG_USER_EXITED);
}

static const struct fault_step clone_steps[] = {
	MADE,
	FAULT_STEP("interrupted", interrupted, FAULT_FORGIVING),
	FAULT_STEP("clone", make_clone, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("run clone", run_clone, FAULT_FORGIVING | FAULT_NOT_AGAIN),
	FAULT_STEP("run", go_on, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

/* ---- A program with an interpreter, and a library of its own ---- */

static int bind_program(struct rig *rig)
{
	int rc = keg_user_bind_program(users.user, users_file("fault-linked"));

	(void)rig;
	/* By /proc it finds where it is, and so the library. */
	return rc ? rc : keg_user_bind_system(users.user);
}

static int load_program(struct rig *rig)
{
	const char *const words[] = {"linked", NULL};

	(void)rig;
	return keg_user_load(users.user, users_file("fault-linked"), words, NULL);
}

/* Its exit status is what the library says. */
static int run_program(struct rig *rig)
{
	int rc = keg_user_run(users.user, &users.stop);

	(void)rig;
	if (!rc && users.stop.end == KEG_USER_EXITED && users.stop.status == 41)
		users.stop.status = 0;
	return users_judge(rc, KEG_USER_EXITED);
}

static const struct fault_step program_steps[] = {
	CREATED,
	FAULT_STEP("bind", bind_program, FAULT_SETUP),
	FAULT_STEP("load", load_program, FAULT_FORGIVING),
	FAULT_STEP("run", run_program, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

/* What is not there, as it seems, is not bound. */
static const struct fault_step bind_steps[] = {
	CREATED,
	FAULT_STEP("bind", bind_program, FAULT_FORGIVING),
};

/* ---- Giving things up, which is for good: in a process of its own ---- */

enum outcome { UNHARMED, WITHOUT, TOLD, SILENT };

/* With a fault of its own. */
static enum outcome try_confining(const struct fault *fault)
{
	static const struct fault background = {.call = FAULT_CALL_syscall,
		.error = ENOSYS,
		.mode = FAULT_FROM_THEN_ON,
		.request = 1};
	int rc;

	keg_fail(ECANCELED, "%s", "");
	fault_set(fault, &background);
	fault_arm(true);
	rc = keg_user_confine(users.user);
	fault_arm(false);
	if (!fault_has_fired())
		return rc ? SILENT : UNHARMED;
	if (!rc)
		return WITHOUT;
	return *keg_error_message() ? TOLD : SILENT;
}

/* Each call of a kind in turn, until there are no more. */
static int confine_without(enum fault_call call, int error)
{
	int status = 0;

	for (unsigned int n = 1; n < 200; n++) {
		const struct fault fault = {.call = call, .n = n, .error = error};
		pid_t child = fork();

		if (child == 0)
			_exit((int)try_confining(&fault));
		if (child < 0 || waitpid(child, &status, 0) != child)
			return keg_fail(EAGAIN, "there is no other process");
		if (!WIFEXITED(status) || WEXITSTATUS(status) == SILENT)
			return RIG_WRONG("confining, call %u of %d: status 0x%x", n, (int)call,
				(unsigned int)status);
		if (WEXITSTATUS(status) == UNHARMED)
			return 0;
	}
	return RIG_WRONG("confining does not end");
}

static int confine(struct rig *rig)
{
	static const struct {
		enum fault_call call;
		int error;
	} faults[] = {
		{FAULT_CALL_fstat, ENOMEM},
		{FAULT_CALL_strdup, ENOMEM},
		{FAULT_CALL_openat, EMFILE},
		{FAULT_CALL_syscall, EPERM},
		{FAULT_CALL_close, EINTR},
	};
	int rc = 0;

	(void)rig;
	for (size_t i = 0; !rc && i < sizeof(faults) / sizeof(faults[0]); i++)
		rc = confine_without(faults[i].call, faults[i].error);
	return rc;
}

/* With a temporary folder, for there is more to be kept then. */
static const struct fault_step confine_steps[] = {
	CREATED,
	FAULT_STEP("bind", users_bind, FAULT_FORGIVING),
	FAULT_STEP("load", users_load, FAULT_SETUP),
	FAULT_STEP("confine", confine, FAULT_SETUP),
};

static const struct fault_scenario scenarios[] = {
	RUN("symbols", symbols_steps),
	RUN("plugin", plugin_steps),
	RUN("clone", clone_steps),
	FAULT_SCENARIO("bind", bind_steps, .brief = true, .prepare = users_keep_folders),
	RUN("program", program_steps),
	RUN("confine", confine_steps, .background_call = FAULT_CALL_syscall,
		.background_error = ENOSYS, .background_request = SYS_fsopen),
};

const struct fault_suite fault_plugins = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
