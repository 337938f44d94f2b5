/* SPDX-License-Identifier: MIT */
/* What was made and not yet given back: memory, mappings, locks, timers, threads, descriptors. */
#ifndef KEG_TESTS_FAULT_HELD_H
#define KEG_TESTS_FAULT_HELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum held_kind { HELD_MEMORY, HELD_LOCK, HELD_TIMER, HELD_THREAD, HELD_LIBRARY };

/* For wrappers: what was made at `site`, and what is given back. Nothing unless they are watched.
 */
void held_add(enum held_kind kind, uintptr_t key, const void *site);
void held_remove(enum held_kind kind, uintptr_t key, const void *site);
void held_map(size_t bytes);
void held_unmap(size_t bytes);

/* Begins to watch, with nothing held but the descriptors that are open now. */
void held_watch(void);

/*
 * Ends watching, and hands out what is wrong, one sentence each, with the place where it was made
 * (NULL if that is not known). Returns how many there were.
 */
typedef void held_handler(void *context, const char *what, const void *site);
size_t held_check(held_handler *handler, void *context);

#endif
