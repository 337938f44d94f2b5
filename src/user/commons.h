/* SPDX-License-Identifier: MIT */
/* What a sandbox and its clones have in common: the arena of pages, the pages of files in it, and
 * what machines learn. It ends with the last of them. */
#ifndef KEG_USER_COMMONS_H
#define KEG_USER_COMMONS_H

#include "user/machine.h"

struct keg_object_cache;
struct keg_vdso;

struct keg_commons {
	_Atomic uint32_t references;
	struct keg_pages *pages;
	struct keg_object_cache *objects;
	struct keg_machine_lore lore;
	struct keg_vdso *vdso; /* vdso.h; NULL: programs ask for the time */
};

int keg_commons_create(uint64_t memory, int kick_signal, struct keg_commons **commons);
struct keg_commons *keg_commons_share(struct keg_commons *commons);
void keg_commons_release(struct keg_commons *commons); /* NULL is allowed */

#endif
