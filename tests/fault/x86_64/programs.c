/* SPDX-License-Identifier: MIT */
/* Programs in sandboxes: set up, loaded, and run, an area of system calls each. */
#include <sys/syscall.h>

#include <keg/user.h>

#include "users.h"

static int begin_nothing(struct rig *rig)
{
	return users_begin(rig, NULL);
}

static void hear(void *context, const struct keg_user_syscall *call)
{
	(void)context;
	(void)call;
}

static int trace(struct rig *rig)
{
	int rc = keg_user_set_tracer(users.user, hear, NULL);

	(void)rig;
	/* Another in its place. */
	return rc ? rc : keg_user_set_tracer(users.user, hear, NULL);
}

/* Words that are too long for any program. */
static int load_too_much(struct rig *rig)
{
	static char word[256 << 10];
	const char *const words[] = {"guest", word, NULL};

	(void)rig;
	for (size_t i = 0; i < sizeof(word) - 1; i++)
		word[i] = 'x';
	return rig_expect(keg_user_load(users.user, "/guest", words, NULL), E2BIG);
}

/* What a file is need not be known to hand it over, nor what it is called to load it. */
static const struct fault_step set_up_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("begin", begin_nothing, FAULT_SETUP),
	FAULT_STEP("create", users_create, 0),
	FAULT_STEP("bind", users_bind, 0),
	FAULT_STEP("trace", trace, 0),
	FAULT_STEP("set up", users_set_up, FAULT_FORGIVING),
	FAULT_STEP("load too much", load_too_much, FAULT_FORGIVING),
	FAULT_STEP("load", users_load, FAULT_FORGIVING),
	FAULT_STEP("run", users_run, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

/* The program itself is told of what fails, and may fail then. */
#define STEPS(name)                                                                                \
	static const struct fault_step name##_steps[] = {                                          \
		FAULT_STEP("open", rig_open_host, FAULT_SETUP),                                    \
		FAULT_STEP("begin", begin_##name, FAULT_SETUP),                                    \
		FAULT_STEP("make", users_make, FAULT_SETUP),                                       \
		FAULT_STEP("run", users_run, FAULT_FORGIVING | FAULT_NOT_AGAIN),                   \
	}
#define AREA(name)                                                                                 \
	static int begin_##name(struct rig *rig)                                                   \
	{                                                                                          \
		return users_begin(rig, #name);                                                    \
	}                                                                                          \
	STEPS(name)

AREA(files);
AREA(locks);
AREA(events);
AREA(memory);
AREA(mapped);
AREA(fork);
AREA(execute);
AREA(threads);
AREA(signals);
AREA(timers);
AREA(polls);
AREA(sockets);
AREA(system);
AREA(terminals);

static int begin_paths(struct rig *rig)
{
	int rc = users_begin(rig, "paths");

	users.mounts = true;
	return rc;
}
STEPS(paths);

static int begin_much(struct rig *rig)
{
	int rc = users_begin(rig, "much");

	users.memory = 192 << 20;
	return rc;
}

static int run_halfway(struct rig *rig)
{
	uint64_t at;
	int rc = keg_user_symbol(users.user, "halfway", &at);

	(void)rig;
	if (!rc)
		rc = keg_user_run_to(users.user, at, &users.stop);
	return users_judge(rc, KEG_USER_REACHED);
}

/* What is slow is not what fails. */
static const struct fault_step much_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("begin", begin_much, FAULT_SETUP),
	FAULT_STEP("make", users_make, FAULT_SETUP),
	FAULT_STEP("halfway", run_halfway, FAULT_SETUP),
	FAULT_STEP("run", users_run, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

static int begin_few(struct rig *rig)
{
	int rc = users_begin(rig, "few");

	users.threads = 1;
	return rc;
}
STEPS(few);

static int begin_network(struct rig *rig)
{
	int rc = users_begin(rig, "network");

	users.network = true;
	return rc;
}
STEPS(network);

/* ---- With threads that help: what they cannot do is done without them ---- */

static int begin_helped(struct rig *rig)
{
	int rc = users_begin(rig, NULL);

	users.helper = true;
	return rc;
}

static int bind_helped(struct rig *rig)
{
	int rc = keg_user_bind_program(users.user, users_file("fault-guest"));

	return rc ? rc : users_bind(rig);
}

static const struct fault_step helped_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("begin", begin_helped, FAULT_SETUP),
	FAULT_STEP("create", users_create, FAULT_FORGIVING),
	FAULT_STEP("bind", bind_helped, FAULT_FORGIVING),
	FAULT_STEP("load", users_load, FAULT_FORGIVING),
	FAULT_STEP("run", users_run, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

/* ---- Where there can be no tmpfs: a folder among the host's temporary files ---- */

static const struct fault_step folder_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("begin", begin_paths, FAULT_SETUP),
	FAULT_STEP("create", users_create, FAULT_SETUP),
	FAULT_STEP("bind", users_bind, FAULT_FORGIVING),
	FAULT_STEP("set up", users_set_up, FAULT_FORGIVING),
	FAULT_STEP("load", users_load, FAULT_SETUP),
	FAULT_STEP("run", users_run, FAULT_FORGIVING | FAULT_NOT_AGAIN),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("user", set_up_steps, .threads = true, .large = true,
		.prepare = users_keep_folders),
	RUN("user-helped", helped_steps),
	RUN("user-files", files_steps),
	RUN("user-locks", locks_steps),
	RUN("user-paths", paths_steps),
	RUN("user-events", events_steps),
	RUN("user-memory", memory_steps),
	RUN("user-mapped", mapped_steps),
	RUN("user-much", much_steps),
	RUN("user-fork", fork_steps),
	RUN("user-few", few_steps),
	RUN("user-execute", execute_steps),
	RUN("user-threads", threads_steps),
	RUN("user-signals", signals_steps),
	RUN("user-timers", timers_steps),
	RUN("user-polls", polls_steps),
	RUN("user-sockets", sockets_steps),
	RUN("user-network", network_steps),
	RUN("user-system", system_steps),
	RUN("user-terminals", terminals_steps),
	RUN("user-folder", folder_steps, .background_call = FAULT_CALL_syscall,
		.background_error = ENOSYS, .background_request = SYS_fsopen),
};

const struct fault_suite fault_programs = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
