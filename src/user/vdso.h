/* SPDX-License-Identifier: MIT */
/*
 * The time without an exit: a page that tells how the host's clock follows from the time-stamp
 * counter, which every process of a sandbox can read and none can write, and the vDSO's functions.
 *
 * Programs must never see time go back, whichever thread asked, and in whichever way. So the page
 * is brought up to date before a program goes on (after a sleep, say), and each system call that
 * tells the time does so and answers what the page says then. Between, it is a little slow: by less
 * than SLOWNESS of the time since, 12 us at most; and it is valid for so long only.
 *
 * Threads: any.
 */
#ifndef KEG_USER_VDSO_H
#define KEG_USER_VDSO_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "user/pages.h"

struct keg_vdso;
struct keg_space;

/* `khz`: the rate of the time-stamp counter, here and in the machines. -ENOMEM */
int keg_vdso_create(struct keg_pages *pages, uint32_t khz, struct keg_vdso **made);
void keg_vdso_destroy(struct keg_vdso *vdso); /* NULL is allowed */

/* Maps it where there is room: its address. A negative errno */
int64_t keg_vdso_map(struct keg_vdso *vdso, struct keg_space *space);

/* Before a program runs on. Costs nothing if the page is young. */
void keg_vdso_refresh(struct keg_vdso *vdso);

/* What a clock says, if it is one of the page's. No program reads less from the page afterwards. */
bool keg_vdso_read(struct keg_vdso *vdso, clockid_t clock, uint64_t *ns);

#endif
