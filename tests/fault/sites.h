/* SPDX-License-Identifier: MIT */
/*
 * Whether all of libkeg was come to. Each place in its code that calls what can fail (calls.def),
 * and each request that it can make of KVM, must have been come to while calls were made to fail:
 * else a scenario is missing.
 *
 * The places are found in the program's machine code; the requests by their names, "KVM_...", which
 * libkeg has for its messages: so the harness writes them without KVM_.
 */
#ifndef KEG_TESTS_FAULT_SITES_H
#define KEG_TESTS_FAULT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Before processes are made that are to note calls for this one too. */
void fault_sites_share(void);

/* A call that returns to `site`; `request` is that of an ioctl, or 0. */
void fault_site_note(const void *site, unsigned long request);

/* A request, without KVM_, or a function of libkeg, that is not for this host: it is not missed. */
void fault_excuse(const char *name);

/*
 * Prints what no call has come to, and returns how many there are. Places are left out, which is
 * said, if they are not `wanted`: a quick sweep does not come to all that follows a failure; and
 * where there is no addr2line or no debugging information to tell libkeg's from others.
 */
size_t fault_sites_check(FILE *out, bool wanted);

/*
 * The architecture's: whether the code at `at` (4 bytes are left, at least, after the first) is a
 * direct call, of what, and where it returns to.
 */
bool fault_is_call(const uint8_t *at, uintptr_t *target, const void **site);

#endif
