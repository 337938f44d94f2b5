/* SPDX-License-Identifier: MIT */
/* What `keg info` finds out, and its two ways of telling it. */
#ifndef KEG_CLI_INFO_H
#define KEG_CLI_INFO_H

#include <keg/board.h>
#include <keg/host.h>

#include "kvm_caps.h"

struct info {
	const char *path;
	char mode[80];      /* "crw-rw---- root:kvm" */
	const char *module; /* "kvm_amd", or "" */
	struct keg_host *host;
	bool measured;
	struct keg_guest_speed speed; /* if measured */
};

enum info_detail {
	INFO_BRIEF, /* the machine's KVM and its limits */
	INFO_SCREEN,
	INFO_ALL,
};

/* A capability that makes a difference to who builds on KVM. */
struct info_feature {
	const char *name;                   /* a word */
	bool (*has)(struct keg_host *host); /* or NULL: then by the capability */
	const char *cap;
};

/* Ends with one without a name. */
extern const struct info_feature info_features[];
bool info_has_feature(struct keg_host *host, const struct info_feature *feature);

void info_print(const struct info *info, enum info_detail detail);

/* Writes it to standard output. 0, or -1 after a complaint. */
int info_print_json(const struct info *info);

/* The same, of a device that could not be opened. */
void info_print_json_unusable(const struct info *info, const char *why);

#endif
