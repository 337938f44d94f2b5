/* SPDX-License-Identifier: MIT */
/* A program's segments and stack in an address space. */
#ifndef KEG_USER_LOAD_MAP_H
#define KEG_USER_LOAD_MAP_H

#include "user/elf.h"

struct keg_file;
struct keg_space;
struct keg_object_cache;

struct keg_loaded {
	struct keg_file *file;
	struct keg_program plan;
	uint64_t bias; /* added to addresses as they were linked */
	uint64_t at;   /* where its first page is: AT_BASE of an interpreter */
};

/* What RLIMIT_STACK comes to: page aligned, neither nothing nor all of the address space. */
uint64_t keg_load_stack_limit(uint64_t limit);
/* An area that grows down to `limit`, with room at once for `bytes` and a little more. */
int keg_load_map_stack(struct keg_space *space, uint64_t bytes, uint64_t limit, bool executable);

/* Chooses the place, all below `below`, and maps the segments there. -ENOMEM no place */
int keg_load_map(struct keg_space *space, struct keg_object_cache *objects,
	struct keg_loaded *loaded, uint64_t below);

#endif
