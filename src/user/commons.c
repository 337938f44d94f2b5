/* SPDX-License-Identifier: MIT */
/* What a sandbox and its clones have in common. */
#include "user/commons.h"

#include <stdlib.h>

#include "base/error.h"
#include "user/object.h"
#include "user/vdso.h"

int keg_commons_create(uint64_t memory, int kick_signal, struct keg_commons **commons)
{
	struct keg_commons *made = calloc(1, sizeof(*made));
	int result;

	if (!made)
		return keg_fail(ENOMEM, "out of memory for a sandbox");
	made->references = 1;
	made->lore.kick_signal = kick_signal;
	result = keg_pages_create(memory, &made->pages);
	if (result == 0)
		result = keg_object_cache_create(made->pages, &made->objects);
	if (result < 0) {
		keg_object_cache_destroy(made->objects);
		keg_pages_destroy(made->pages);
		free(made);
		return result;
	}
	*commons = made;
	return 0;
}

struct keg_commons *keg_commons_share(struct keg_commons *commons)
{
	atomic_fetch_add(&commons->references, 1);
	return commons;
}

void keg_commons_release(struct keg_commons *commons)
{
	if (!commons || atomic_fetch_sub(&commons->references, 1) != 1)
		return;
	keg_machine_lore_fini(&commons->lore);
	keg_vdso_destroy(commons->vdso);
	keg_object_cache_destroy(commons->objects);
	keg_pages_destroy(commons->pages);
	free(commons);
}
