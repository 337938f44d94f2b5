/* SPDX-License-Identifier: MIT */
/* Threads that serve a channel's requests: those that may wait, where no ring can take them. */
#ifndef KEG_BLOCK_POOL_H
#define KEG_BLOCK_POOL_H

#include "block/inside.h"

struct keg_pool;

/* Its threads are made when there is work for them: at most as many as `depth` can use. */
int keg_pool_open(struct keg_disk *disk, uint32_t depth, struct keg_pool **made);
void keg_pool_close(struct keg_pool *pool); /* when nothing is in flight; NULL is allowed */

void keg_pool_submit(struct keg_pool *pool, struct keg_disk_request *request);

/* What is done since the last call, linked by `next`, with results; NULL if nothing is. */
struct keg_disk_request *keg_pool_reap(struct keg_pool *pool);

/* An eventfd, non-blocking, that is signalled when something is done: reap then. */
int keg_pool_fd(const struct keg_pool *pool);

#endif
