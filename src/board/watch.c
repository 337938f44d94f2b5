/* SPDX-License-Identifier: MIT */
/*
 * Waiting for the end, and seeing one that nothing tells of: every vCPU halted with interrupts off.
 * An in-kernel interrupt controller lets a halted vCPU sleep in KVM_RUN, for ever if need be. So
 * when the vCPUs' threads have used hardly any processor time since the last look, each is kicked
 * once and asked; and the longer they idle, the more rarely.
 */
#include <time.h>

#include "arch/arch.h"
#include "board/board.h"

static const uint64_t ms = 1000000;
static const uint64_t shortest_look = 50 * ms;
static const uint64_t longest_look = 1600 * ms;
static const uint64_t patience = 1000 * ms; /* for answers: a vCPU may be in a slow device */

/* Waits for a change, until `deadline`. False when it has passed. With the lock held. */
static bool wait_until(struct keg_board *board, uint64_t deadline)
{
	const uint64_t second = 1000 * ms;
	const struct timespec until = {
		.tv_sec = (time_t)(deadline / second), .tv_nsec = (long)(deadline % second)};

	return pthread_cond_timedwait(&board->changed, &board->lock, &until) == 0;
}

/* Whether all vCPUs together have used less than a 64th of the time since the last look. */
static bool is_idle(struct keg_board *board, uint64_t elapsed)
{
	uint64_t used = 0;

	for (uint32_t i = 0; i < board->cpu_count; i++) {
		struct board_cpu *cpu = &board->cpus[i];
		struct timespec time = {0};
		uint64_t busy;
		clockid_t clock;

		if (!pthread_getcpuclockid(cpu->thread, &clock))
			clock_gettime(clock, &time);
		busy = (uint64_t)time.tv_sec * 1000 * ms + (uint64_t)time.tv_nsec;
		used += busy - cpu->busy_ns;
		cpu->busy_ns = busy;
	}
	return used < elapsed / 64;
}

static bool all_answered(struct keg_board *board, unsigned int probe)
{
	for (uint32_t i = 0; i < board->cpu_count; i++) {
		if (atomic_load(&board->cpus[i].probe) != probe)
			return false;
	}
	return true;
}

/* Asks every vCPU whether it can ever go on. With the lock held. */
static bool all_dead(struct keg_board *board)
{
	unsigned int probe = atomic_fetch_add(&board->probe, 1) + 1;
	uint64_t deadline = keg_board_now() + patience;

	for (uint32_t i = 0; i < board->cpu_count; i++)
		(void)keg_vcpu_kick(board->cpus[i].vcpu);
	while (!board->ended && !all_answered(board, probe)) {
		if (!wait_until(board, deadline))
			return false;
	}
	for (uint32_t i = 0; i < board->cpu_count; i++) {
		if (!atomic_load(&board->cpus[i].dead))
			return false;
	}
	return !board->ended;
}

void keg_board_answer_probe(struct board_cpu *cpu)
{
	unsigned int probe = atomic_load(&cpu->board->probe);
	int dead;

	if (atomic_load(&cpu->probe) == probe)
		return;
	dead = keg_arch_is_dead(cpu->vcpu);
	if (dead < 0) {
		keg_board_fail(cpu->board, dead);
		return;
	}
	pthread_mutex_lock(&cpu->board->lock);
	atomic_store(&cpu->dead, dead > 0);
	atomic_store(&cpu->probe, probe);
	pthread_cond_broadcast(&cpu->board->changed);
	pthread_mutex_unlock(&cpu->board->lock);
}

void keg_board_watch(struct keg_board *board)
{
	uint64_t look = shortest_look;
	bool halted = false;

	pthread_mutex_lock(&board->lock);
	while (!board->ended && !halted) {
		uint64_t began = keg_board_now();

		while (!board->ended && wait_until(board, began + look))
			;
		if (board->ended)
			break;
		if (!is_idle(board, keg_board_now() - began)) {
			look = shortest_look;
			continue;
		}
		/* Twice: one vCPU may have woken another that had answered, before it halted
		 * itself. */
		halted = all_dead(board);
		if (halted)
			halted = all_dead(board);
		look = look * 2 > longest_look ? longest_look : look * 2;
	}
	pthread_mutex_unlock(&board->lock);
	if (halted)
		keg_board_end(board, KEG_END_HALTED, 0,
			"the guest halted for good: every vCPU waits with interrupts off");
}
