/* SPDX-License-Identifier: MIT */
/* What the program says of the machine's architecture: one file for each, chosen by the build. */
#ifndef KEG_CLI_MACHINE_H
#define KEG_CLI_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <keg/host.h>

/*
 * Why there is no KVM, as this machine's processor and modules tell: one sentence that says what to
 * do, ending with `otherwise`. `root` as in access_explain().
 */
void machine_explain_no_kvm(
	const char *path, const char *root, const char *otherwise, char *text, size_t size);

/* The word that makes Linux use the machine's serial port as its console. */
extern const char machine_serial_console[];

/* Prints what the architecture has of its own: in short, or with every detail. */
void machine_print(struct keg_host *host, bool all);

/* Adds the same to a JSON object. 0, or -1 if there is no memory. */
int machine_json(struct keg_host *host, json_t *object);

#endif
