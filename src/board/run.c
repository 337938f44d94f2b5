/* SPDX-License-Identifier: MIT */
/* Running a board: a thread for each vCPU, and the end that one of them brings about. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "arch/arch.h"
#include "base/error.h"
#include "base/thread.h"
#include "board/board.h"
#include "board/platform.h"

/* ---- The end ---- */

static void end_locked(struct keg_board *board)
{
	board->ended = true;
	board->ended_by = pthread_self();
	atomic_store(&board->ending, true);
	pthread_cond_broadcast(&board->changed);
}

void keg_board_end(struct keg_board *board, enum keg_end end, uint32_t status, const char *message)
{
	pthread_mutex_lock(&board->lock);
	if (!board->ended) {
		board->result.end = end;
		board->result.status = status;
		snprintf(board->result.message, sizeof(board->result.message), "%s", message);
		end_locked(board);
	}
	pthread_mutex_unlock(&board->lock);
}

void keg_board_fail(struct keg_board *board, int rc)
{
	pthread_mutex_lock(&board->lock);
	if (!board->ended) {
		board->failure = rc;
		snprintf(board->failure_message, sizeof(board->failure_message), "%s",
			keg_error_message());
		end_locked(board);
	}
	pthread_mutex_unlock(&board->lock);
}

void keg_board_stop(struct keg_board *board)
{
	keg_board_end(board, KEG_END_STOPPED, 0, "the machine was stopped");
}

int keg_board_press_power(struct keg_board *board)
{
	return keg_platform_press_power(board);
}

/* ---- Exits ---- */

/* Ends the run for something that only this vCPU's guest can have caused. */
static void end_at(struct board_cpu *cpu, enum keg_end end, const char *what)
{
	char message[sizeof(cpu->board->result.message)];
	uint64_t pc = 0;

	(void)keg_arch_get_pc(cpu->vcpu, &pc);
	snprintf(message, sizeof(message), "vCPU %u at 0x%llx: %s", keg_vcpu_id(cpu->vcpu),
		(unsigned long long)pc, what);
	keg_board_end(cpu->board, end, 0, message);
}

static void handle_system_event(struct board_cpu *cpu, const struct keg_exit *exit)
{
	switch (exit->system_event.type) {
	case KVM_SYSTEM_EVENT_SHUTDOWN:
		keg_board_end(cpu->board, KEG_END_POWER_OFF, 0, "the guest powered off");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		keg_board_end(cpu->board, KEG_END_RESET, 0, "the guest asked to be reset");
		break;
	default:
		end_at(cpu, KEG_END_FAULT, "a system event that this board does not know");
		break;
	}
}

static void handle_other(struct board_cpu *cpu, const struct keg_exit *exit)
{
	char what[192];

	switch (exit->reason) {
	case KEG_EXIT_KICKED:
		keg_board_answer_probe(cpu);
		break;
	case KEG_EXIT_INTR:
		break;
	case KEG_EXIT_SHUTDOWN:
		end_at(cpu, KEG_END_TRIPLE_FAULT, "the guest triple-faulted");
		break;
	case KEG_EXIT_SYSTEM_EVENT:
		handle_system_event(cpu, exit);
		break;
	default:
		if (keg_platform_handle(cpu, exit))
			break;
		keg_exit_describe(exit, what, sizeof(what));
		end_at(cpu, KEG_END_FAULT, what);
		break;
	}
}

static void handle(struct board_cpu *cpu, const struct keg_exit *exit)
{
	if (!keg_bus_handle(cpu->board->ports, cpu->board->memory, exit))
		handle_other(cpu, exit);
}

static void run_measured(struct board_cpu *cpu)
{
	uint64_t before = keg_board_now();

	while (!atomic_load(&cpu->board->ending)) {
		struct keg_exit exit;
		uint64_t entered = before, left;
		int rc = keg_vcpu_run(cpu->vcpu, &exit);

		left = keg_board_now();
		if (rc)
			keg_board_fail(cpu->board, rc);
		else
			handle(cpu, &exit);
		before = keg_board_now();
		if (!rc)
			keg_board_count_exit(cpu, exit.reason, left - entered, before - left);
	}
}

static void run_plain(struct board_cpu *cpu)
{
	while (!atomic_load(&cpu->board->ending)) {
		struct keg_exit exit;
		int rc = keg_vcpu_run(cpu->vcpu, &exit);

		if (rc) {
			keg_board_fail(cpu->board, rc);
			continue;
		}
		keg_board_count_exit(cpu, exit.reason, 0, 0);
		handle(cpu, &exit);
	}
}

void *keg_board_cpu_main(void *argument)
{
	struct board_cpu *cpu = argument;

	if (cpu == cpu->board->cpus)
		atomic_store(&cpu->board->first_entry_ns, keg_board_now());
	if (cpu->board->config.statistics)
		run_measured(cpu);
	else
		run_plain(cpu);
	return NULL;
}

/* ---- Threads ---- */

/*
 * The program's signals are for the program's own threads: these take the kick signal only, and
 * those that are of a thread's own making, which could not be handled if they were blocked.
 */
static void fill_blocked(int kick_signal, sigset_t *blocked)
{
	const int taken[] = {
		kick_signal, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};

	sigfillset(blocked);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigdelset(blocked, taken[i]);
}

static int start_threads(struct keg_board *board)
{
	sigset_t blocked;
	int rc = 0;

	fill_blocked(board->config.kick_signal, &blocked);
	for (uint32_t i = 0; !rc && i < board->cpu_count; i++) {
		struct board_cpu *cpu = &board->cpus[i];

		rc = keg_thread_create(&cpu->thread, &blocked, keg_board_cpu_main, cpu);
		cpu->has_thread = rc == 0;
	}
	if (!rc)
		return 0;
	rc = keg_fail_errno(rc, "starting the threads of %u vCPUs", board->cpu_count);
	keg_board_fail(board, rc);
	return rc;
}

static void join_threads(struct keg_board *board)
{
	for (uint32_t i = 0; i < board->cpu_count; i++) {
		if (board->cpus[i].has_thread)
			(void)keg_vcpu_kick(board->cpus[i].vcpu);
	}
	for (uint32_t i = 0; i < board->cpu_count; i++) {
		struct board_cpu *cpu = &board->cpus[i];

		if (!cpu->has_thread)
			continue;
		/* Threads can be told apart until they are joined. */
		if (pthread_equal(board->ended_by, cpu->thread))
			board->result.vcpu = i;
		pthread_join(cpu->thread, NULL);
		cpu->has_thread = false;
	}
}

int keg_board_run(struct keg_board *board, struct keg_board_result *result)
{
	uint64_t began = keg_board_now();
	bool again;

	memset(result, 0, sizeof(*result));
	pthread_mutex_lock(&board->lock);
	again = board->has_run;
	board->has_run = true;
	pthread_mutex_unlock(&board->lock);
	if (again)
		return keg_fail(EBUSY, "the board has run already");
	if (!start_threads(board))
		keg_board_watch(board);
	join_threads(board);
	board->run_ns = keg_board_now() - began;
	if (board->failure)
		return keg_fail(-board->failure, "%s", board->failure_message);
	*result = board->result;
	return 0;
}
