/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the system calls: the input is a sequence of them, with arguments that are mostly of a
 * small pool of numbers and addresses, in a process that runs nothing. There are an empty directory
 * and no network. What would wait is interrupted at once. Needs KVM, for the machine that a process
 * has; it is never run.
 */
#include "fuzzing.h"

#include <asm/unistd.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <keg/host.h>

#include "user/process.h"
#include "user/signals.h"
#include "user/space.h"

/* The program's memory: pages to read and write, with others and a hole in between. */
#define BASE   0x10000000ull
#define PAGES  8
#define LIMIT  (32ull << 20)
#define SCRIPT 0x100ull /* where strings begin */

enum { MOST_CALLS = 64, SKIPPED = 77 };

static struct keg_host *host;

/* More tasks would run, and those of one process are enough. */
static bool is_left_out(uint64_t number)
{
	return number == __NR_clone || number == __NR_clone3 || number == __NR_fork ||
	       number == __NR_vfork;
}

static struct keg_user *make_sandbox(void)
{
	const struct keg_user_config config = {
		.size = sizeof(config), .memory = LIMIT, .processes = 4, .threads = 4, .files = 64};
	struct keg_user *user;

	if (!host && (access("/dev/kvm", R_OK | W_OK) || keg_host_create(NULL, &host))) {
		fprintf(stderr, "SKIPPED: /dev/kvm cannot be used here\n");
		exit(SKIPPED);
	}
	fuzz_check(keg_user_create(host, &config, &user) == 0);
	fuzz_check(keg_user_bind_empty(user, "/tmp", 1 << 20) == 0);
	fuzz_check(keg_user_bind_system(user) == 0);
	return user;
}

static void map(struct keg_space *space, uint64_t page, uint32_t count, int protection)
{
	const struct keg_mapping mapping = {
		.at = BASE + page * KEG_PAGE,
		.length = (uint64_t)count * KEG_PAGE,
		.protection = protection,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
	};

	fuzz_check(keg_space_map(space, &mapping) > 0);
}

/* Strings, then words that are addresses of what is before them. */
static void fill(struct keg_space *space)
{
	static const char strings[] =
		"/tmp/a\0/tmp/b\0/tmp\0a\0/proc/self/fd/3\0..\0/proc/self/maps"
		"\0/dev/null\0\0user.x\0/tmp/a/../b\0/tmp/\0memory";
	uint64_t words[64];

	for (uint64_t i = 0; i < 64; i++)
		words[i] = i % 2 ? i * 8 : BASE + i * 64;
	fuzz_check(keg_space_write(space, BASE, words, SCRIPT) == 0);
	fuzz_check(keg_space_write(space, BASE + SCRIPT, strings, sizeof(strings)) == 0);
	fuzz_check(keg_space_write(space, BASE + KEG_PAGE, words, sizeof(words)) == 0);
}

static struct keg_task *make_task(struct keg_user *user)
{
	struct keg_process *process;
	struct keg_space *space;

	fuzz_check(keg_process_first(user, &process) == 0);
	user->first = process;
	user->first_task = process->tasks;
	user->first_task->thread = pthread_self();
	space = process->space;
	map(space, 0, 3, PROT_READ | PROT_WRITE);
	map(space, 3, 1, PROT_READ);
	map(space, 4, 1, PROT_NONE);
	map(space, 6, 2, PROT_READ | PROT_WRITE);
	keg_space_set_brk(space, BASE << 1);
	fill(space);
	return process->tasks;
}

/* ---- Calls ---- */

static uint64_t take_argument(struct fuzz_input *input)
{
	static const uint64_t numbers[] = {UINT64_MAX, 0x7fffffff, 0x80000000, 0xffffffff,
		0x7fffffffffffffff, 0x8000000000000000, KEG_USER_TOP, KEG_USER_TOP - 1, 4096, 1024,
		1025, 1 << 20, 0x7ffff000, (uint64_t)AT_FDCWD, 0x8000, 0x80800};
	uint64_t what = fuzz_take(input, 1);

	if (what < 0x60)
		return what;
	if (what < 0x70)
		return numbers[what & 15];
	if (what < 0x80)
		return BASE + (what & 7) * KEG_PAGE - (what & 8);
	if (what < 0xc0)
		return BASE + SCRIPT + (what & 0x3f) * 2;
	if (what < 0xe0)
		return BASE + (what & 0x1f) * 64;
	if (what < 0xf0)
		return fuzz_take(input, 2);
	return fuzz_take(input, 8);
}

/* Words of the program's memory, which calls read more arguments from. */
static void write_memory(struct fuzz_input *input, struct keg_space *space)
{
	uint64_t at = BASE + fuzz_take(input, 1) * 8, value = take_argument(input);

	keg_space_write(space, at, &value, sizeof(value));
}

static void call(struct fuzz_input *input, struct keg_task *task, uint64_t number)
{
	struct keg_user_registers *regs = &task->cpu->regs;
	uint64_t *const arguments[] = {
		&regs->rdi, &regs->rsi, &regs->rdx, &regs->r10, &regs->r8, &regs->r9};
	int64_t result;

	for (int i = 0; i < 6; i++)
		*arguments[i] = take_argument(input);
	regs->rax = number;
	/* Called for already: nothing waits. */
	atomic_store(&task->attention, 1);
	result = keg_syscall_serve(task);
	/* What the program gets is no error that it could not know. */
	fuzz_check(result >= -4095 || result < INT32_MIN);
	atomic_store(&task->attention, 0);
	keg_signal_deliver(task, result);
}

static bool has_ended(const struct keg_task *task)
{
	return task->exited || task->process->exiting || task->process->state != KEG_PROCESS_RUNS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct keg_user *user = make_sandbox();
	struct keg_task *task = make_task(user);
	struct keg_user_stats stats = {.size = sizeof(stats)};

	for (int i = 0; i < MOST_CALLS && input.left && !has_ended(task); i++) {
		uint64_t number = fuzz_take(&input, 2);

		if (number >= KEG_SYSCALL_LIMIT)
			write_memory(&input, task->process->space);
		else if (!is_left_out(number))
			call(&input, task, number);
	}
	fuzz_check(keg_user_stats(user, &stats) == 0);
	fuzz_check(stats.memory_used <= LIMIT);
	keg_user_destroy(user);
	return 0;
}
