/* SPDX-License-Identifier: MIT */
/* A board, from within: what all boards have in common. */
#ifndef KEG_BOARD_BOARD_H
#define KEG_BOARD_BOARD_H

#include <pthread.h>
#include <stdatomic.h>

#include <keg/board.h>

#include "base/notes.h"

/* Exit reasons that are counted: KVM's first ones, keg's own, and one for all others. */
enum { COUNTED_KVM_EXITS = 64, COUNTED_KEG_EXITS = 3, COUNTED_EXITS = 64 + 3 + 1 };

struct exit_count {
	uint64_t count, guest_ns, handle_ns;
};

/* A vCPU and its thread. */
struct board_cpu {
	struct keg_board *board;
	struct keg_vcpu *vcpu;
	pthread_t thread;
	bool has_thread;
	atomic_uint probe; /* the last probe that it has answered: see watch.c */
	atomic_bool dead;  /* its answer */
	uint64_t busy_ns;  /* processor time that its thread had used when the watch looked */
	struct exit_count exits[COUNTED_EXITS]; /* its thread's own until it has ended */
};

struct keg_board {
	struct keg_host *host;
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_bus *ports, *memory;
	struct keg_board_config config;
	struct keg_boot_entry entry;
	struct board_cpu *cpus;
	uint32_t cpu_count;
	void *platform; /* the devices of this kind of board: pc.c, virt.c */

	struct keg_notes notes; /* keg_board_note() */

	pthread_mutex_t lock;
	pthread_cond_t changed; /* the board has ended, or a vCPU has answered a probe */
	atomic_bool ending;
	bool ended; /* `result`, `failure` and `ended_by` hold */
	bool has_run;
	int failure;
	char failure_message[256];
	struct keg_board_result result;
	pthread_t ended_by;
	atomic_uint probe; /* how many times the watch has asked */
	uint64_t create_ns, load_ns, run_ns;
	_Atomic uint64_t first_entry_ns; /* CLOCK_MONOTONIC; 0 before */
	struct board_unclaimed *unclaimed;
	struct board_virtios *virtios;
};

/* Now, in nanoseconds (CLOCK_MONOTONIC). */
uint64_t keg_board_now(void);

/*
 * Ends the run: the first to call this decides. Any thread; devices call it from their callbacks.
 * `message` is one sentence.
 */
void keg_board_end(struct keg_board *board, enum keg_end end, uint32_t status, const char *message);

/* Ends the run with a failure of the host: this thread's keg_error_message(). */
void keg_board_fail(struct keg_board *board, int rc);

/* What a vCPU's thread does. `argument` is its struct board_cpu. */
void *keg_board_cpu_main(void *argument);

/* Waits until the board has ended, and ends it if every vCPU is halted for good. */
void keg_board_watch(struct keg_board *board);

/* A vCPU has been kicked: answers the watch, if it has asked. */
void keg_board_answer_probe(struct board_cpu *cpu);

/* Counts an exit that took `guest_ns` to come and `handle_ns` to handle. */
void keg_board_count_exit(
	struct board_cpu *cpu, uint32_t reason, uint64_t guest_ns, uint64_t handle_ns);

#endif
