/* SPDX-License-Identifier: MIT */
/* Exits by reason, and where the time went. */
#include <stdlib.h>
#include <string.h>

#include "board/board.h"

/* Where a reason is counted. */
static size_t index_of(uint32_t reason)
{
	if (reason < COUNTED_KVM_EXITS)
		return reason;
	if (reason >= KEG_EXIT_KICKED && reason < KEG_EXIT_KICKED + COUNTED_KEG_EXITS)
		return COUNTED_KVM_EXITS + (reason - KEG_EXIT_KICKED);
	return COUNTED_EXITS - 1;
}

static uint32_t reason_of(size_t index)
{
	if (index < COUNTED_KVM_EXITS)
		return (uint32_t)index;
	if (index < COUNTED_EXITS - 1)
		return KEG_EXIT_KICKED + (uint32_t)(index - COUNTED_KVM_EXITS);
	return UINT32_MAX;
}

void keg_board_count_exit(
	struct board_cpu *cpu, uint32_t reason, uint64_t guest_ns, uint64_t handle_ns)
{
	struct exit_count *exit = &cpu->exits[index_of(reason)];

	exit->count++;
	exit->guest_ns += guest_ns;
	exit->handle_ns += handle_ns;
}

static struct keg_exit_stat sum(const struct keg_board *board, size_t index)
{
	struct keg_exit_stat stat = {.reason = reason_of(index)};

	for (uint32_t i = 0; i < board->cpu_count; i++) {
		const struct exit_count *exit = &board->cpus[i].exits[index];

		stat.count += exit->count;
		stat.guest_ns += exit->guest_ns;
		stat.handle_ns += exit->handle_ns;
	}
	return stat;
}

static int more_frequent_first(const void *a, const void *b)
{
	const struct keg_exit_stat *one = a, *other = b;

	return (one->count < other->count) - (one->count > other->count);
}

void keg_board_get_stats(struct keg_board *board, struct keg_board_stats *stats)
{
	const size_t most = sizeof(stats->exits) / sizeof(stats->exits[0]);

	memset(stats, 0, sizeof(*stats));
	for (size_t i = 0; i < COUNTED_EXITS && stats->exit_kinds < most; i++) {
		struct keg_exit_stat stat = sum(board, i);

		if (stat.count)
			stats->exits[stats->exit_kinds++] = stat;
	}
	qsort(stats->exits, stats->exit_kinds, sizeof(stats->exits[0]), more_frequent_first);
	stats->unclaimed_ports = keg_bus_unclaimed(board->ports);
	stats->unclaimed_memory = keg_bus_unclaimed(board->memory);
	stats->create_ns = board->create_ns;
	stats->run_ns = board->run_ns;
	stats->load_ns = board->load_ns;
	stats->first_entry_ns = atomic_load(&board->first_entry_ns);
}
