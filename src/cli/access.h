/* SPDX-License-Identifier: MIT */
/* Why KVM's device cannot be opened on this machine, and what to do about it. */
#ifndef KEG_CLI_ACCESS_H
#define KEG_CLI_ACCESS_H

#include <stddef.h>

#define ACCESS_DEFAULT_PATH "/dev/kvm"

/*
 * Writes one sentence about `error` (an errno) from opening the device `path`; "" if there is
 * nothing to say beyond the error itself. `root` is put before the paths of /proc, /sys and /run
 * that are looked at: "" but in tests.
 */
void access_explain(const char *path, int error, const char *root, char *text, size_t size);

/* "crw-rw---- root:kvm", or "" if the file cannot be looked at. */
void access_mode(const char *path, char *text, size_t size);

/* The module that seems to serve KVM here: "kvm_intel"; "" if none is to be seen. */
const char *access_module(const char *root);

#endif
