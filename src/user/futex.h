/* SPDX-License-Identifier: MIT */
/*
 * Futexes, keg's own: a word is in guest memory, and may move when a page is copied, so waiters
 * are found by what keg_space_futex_key() says, not by the host's address.
 */
#ifndef KEG_USER_FUTEX_H
#define KEG_USER_FUTEX_H

#include <stdbool.h>
#include <stdint.h>

struct keg_task;
struct keg_futexes;

int keg_futexes_create(struct keg_futexes **futexes);
void keg_futexes_destroy(struct keg_futexes *futexes);

/* Wakes waiters at an address of the task's space: for exits (clear_tid, robust lists). How many.
 */
int keg_futex_wake(struct keg_task *task, uint64_t at, uint32_t count, bool is_private);
/* What an ending task owes: the robust list, bounded; then clear_tid. No lock held. */
void keg_futex_task_ends(struct keg_task *task);

#endif
