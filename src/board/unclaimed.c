/* SPDX-License-Identifier: MIT */
/* The list of addresses that nobody claims. */
#include "board/unclaimed.h"

#include <stdlib.h>

#include "base/error.h"
#include "board/board.h"

/* A guest may try any number of addresses: what does not fit is counted by the bus only. */
static struct keg_unclaimed *find(struct board_unclaimed *unclaimed, bool port, uint64_t address)
{
	struct keg_unclaimed *entry = unclaimed->list;

	for (; entry < unclaimed->list + unclaimed->count; entry++) {
		if (entry->port == port && entry->address == address)
			return entry;
	}
	if (unclaimed->count == BOARD_UNCLAIMED)
		return NULL;
	unclaimed->count++;
	*entry = (struct keg_unclaimed){.port = port, .address = address};
	return entry;
}

static void note(struct board_unclaimed *unclaimed, bool port, uint64_t address, bool write)
{
	struct keg_unclaimed *entry;

	pthread_mutex_lock(&unclaimed->lock);
	entry = find(unclaimed, port, address);
	if (entry && write)
		entry->writes++;
	else if (entry)
		entry->reads++;
	pthread_mutex_unlock(&unclaimed->lock);
}

static void note_port(void *context, uint64_t address, bool write)
{
	note(context, true, address, write);
}

static void note_memory(void *context, uint64_t address, bool write)
{
	note(context, false, address, write);
}

int keg_board_unclaimed_begin(struct keg_board *board)
{
	struct board_unclaimed *unclaimed;
	int rc;

	if (!(board->config.flags & KEG_BOARD_LIST_UNCLAIMED))
		return 0;
	unclaimed = calloc(1, sizeof(*unclaimed));
	if (!unclaimed)
		return keg_fail_errno(ENOMEM, "listing unclaimed addresses");
	rc = pthread_mutex_init(&unclaimed->lock, NULL);
	if (rc) {
		free(unclaimed);
		return keg_fail_errno(rc, "making a lock");
	}
	board->unclaimed = unclaimed;
	keg_bus_watch_unclaimed(board->ports, note_port, unclaimed);
	keg_bus_watch_unclaimed(board->memory, note_memory, unclaimed);
	return 0;
}

void keg_board_unclaimed_end(struct keg_board *board)
{
	if (!board->unclaimed)
		return;
	pthread_mutex_destroy(&board->unclaimed->lock);
	free(board->unclaimed);
	board->unclaimed = NULL;
}

int keg_board_get_unclaimed(struct keg_board *board, size_t index, struct keg_unclaimed *unclaimed)
{
	int rc = -ENOENT;

	if (!board->unclaimed)
		return keg_fail(ENOENT,
			"the board does not list unclaimed addresses: KEG_BOARD_LIST_UNCLAIMED");
	pthread_mutex_lock(&board->unclaimed->lock);
	if (index < board->unclaimed->count) {
		*unclaimed = board->unclaimed->list[index];
		rc = 0;
	}
	pthread_mutex_unlock(&board->unclaimed->lock);
	return rc ? keg_fail(ENOENT, "there are no more unclaimed addresses") : 0;
}
