/* SPDX-License-Identifier: MIT */
/* What keg info tells of an architecture's own, compared with KVM's answers. */
#ifndef KEG_TESTS_CLI_INFO_MACHINE_H
#define KEG_TESTS_CLI_INFO_MACHINE_H

#include <jansson.h>

#include <keg/host.h>

void machine_json_agrees(struct keg_host *host, const json_t *info);

#endif
