/* SPDX-License-Identifier: MIT */
/* Sandboxes of scenarios: made, with the program of the folder "guest" in them. */
#ifndef KEG_TESTS_FAULT_USERS_H
#define KEG_TESTS_FAULT_USERS_H

#include <keg/user.h>

#include "fault/fault.h"

/* What steps have made: ended by the rig, clones first. */
struct users {
	struct keg_user *user, *clone;
	const char *area; /* of the program */
	uint32_t threads; /* at a time */
	uint64_t memory;
	bool network, mounts, helper;
	int out; /* its standard output */
	struct keg_user_stop stop;
};
extern struct users users;

/* A file that is built for the scenarios, beside this program. */
const char *users_file(const char *name);

/* For scenarios that leave temporary folders behind: one for them, which is emptied each time. */
void users_keep_folders(void);

/* A step: nothing is there yet. `area` may be NULL. */
int users_begin(struct rig *rig, const char *area);

int users_create(struct rig *rig);
int users_bind(struct rig *rig); /* the program, and /tmp */
int users_set_up(struct rig *rig);
int users_load(struct rig *rig);
int users_make(struct rig *rig); /* all of these */

/* What a run has come to: how KVM failed is what the step fails with. */
int users_judge(int rc, uint32_t expected);
int users_run(struct rig *rig);

/* The scenario of a program. The limit of time is a thread's. */
#define RUN(name, steps, ...)                                                                      \
	FAULT_SCENARIO(name, steps, .threads = true, .brief = true, .large = true,                 \
		.prepare = users_keep_folders, ##__VA_ARGS__)

#endif
