/* SPDX-License-Identifier: MIT */
/*
 * From a kick in one thread to the return of the run in another, while the guest counts. By hand it
 * is immediate_exit, a signal with an empty handler, and EINTR.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#include "machine.h"

/* A vCPU in a thread of its own, which runs once whenever it is told to. */
struct runner {
	pthread_t thread;
	sem_t go, gone;
	bool quit;
	uint64_t returned; /* when the run did */
	void (*run)(struct runner *runner);
	void (*kick)(struct runner *runner);
	const volatile uint32_t *counter; /* the guest's */
	struct machine keg;
	struct bare_machine bare;
};

static void run_keg(struct runner *runner)
{
	struct keg_exit exit;

	bench_need(keg_vcpu_run(runner->keg.vcpu, &exit));
	runner->returned = bench_now();
	if (exit.reason != KEG_EXIT_KICKED)
		bench_die("a kicked vCPU exits for another reason: %u", exit.reason);
}

static void kick_keg(struct runner *runner)
{
	bench_need(keg_vcpu_kick(runner->keg.vcpu));
}

static int bare_signal(void)
{
	return SIGRTMIN + 1;
}

static void on_bare_signal(int signo)
{
	(void)signo;
}

static void run_bare(struct runner *runner)
{
	int rc = ioctl(runner->bare.vcpu, KVM_RUN, 0);

	runner->returned = bench_now();
	if (rc == 0 || errno != EINTR)
		bench_die("a bare vCPU that is kicked returns %d, exit %u", rc,
			runner->bare.run->exit_reason);
	__atomic_store_n(&runner->bare.run->immediate_exit, 0, __ATOMIC_RELAXED);
}

static void kick_bare(struct runner *runner)
{
	__atomic_store_n(&runner->bare.run->immediate_exit, 1, __ATOMIC_RELAXED);
	pthread_kill(runner->thread, bare_signal());
}

static void *serve(void *context)
{
	struct runner *runner = context;

	for (;;) {
		while (sem_wait(&runner->go))
			;
		if (runner->quit)
			return NULL;
		runner->run(runner);
		sem_post(&runner->gone);
	}
}

static void start(struct runner *runner)
{
	sem_init(&runner->go, 0, 0);
	sem_init(&runner->gone, 0, 0);
	if (pthread_create(&runner->thread, NULL, serve, runner))
		bench_die("a thread cannot be made");
}

static void stop(struct runner *runner)
{
	runner->quit = true;
	sem_post(&runner->go);
	pthread_join(runner->thread, NULL);
	sem_destroy(&runner->gone);
	sem_destroy(&runner->go);
}

static double measure(void *context)
{
	struct runner *runner = context;
	uint32_t count = *runner->counter;
	uint64_t kicked;

	sem_post(&runner->go);
	while (*runner->counter == count)
		sched_yield();
	kicked = bench_now();
	runner->kick(runner);
	while (sem_wait(&runner->gone))
		;
	return (double)(runner->returned - kicked) / 1000;
}

static void create(struct bench *bench, struct runner *keg, struct runner *bare)
{
	struct sigaction action = {.sa_handler = on_bare_signal};
	void *counter;

	sigaction(bare_signal(), &action, NULL);
	machine_create(bench, &guest_spin, false, &keg->keg);
	bench_need(keg_mem_slice(keg->keg.mem, GUEST_MEMORY_START + GUEST_COUNTER, sizeof(uint32_t),
		KEG_ACCESS_READ, &counter));
	keg->counter = counter;
	bare_create(&bench->bare, &guest_spin, BARE_NO_IRQCHIP, &bare->bare);
	bare->counter = (const volatile void *)(bare->bare.memory + GUEST_COUNTER);
	start(keg);
	start(bare);
}

void bench_kick(struct bench *bench)
{
	struct bench_row median = {.what = "kick to exit, median",
		.peer_name = "immediate_exit, signal",
		.unit = "us",
		.unit_digits = 1};
	struct bench_row tail = {.what = "kick to exit, 99th percentile",
		.peer_name = median.peer_name,
		.unit = "us",
		.unit_digits = 1,
		.tail = true};
	struct runner keg = {.run = run_keg, .kick = kick_keg};
	struct runner bare = {.run = run_bare, .kick = kick_bare};
	const struct bench_arm arms[] = {
		{measure, &keg, &median.keg},
		{measure, &bare, &median.peer},
	};

	create(bench, &keg, &bare);
	bench_take_turns(arms, 2, 5, bench_rounds(bench, 4000));
	stop(&bare);
	stop(&keg);
	bare_destroy(&bare.bare);
	machine_destroy(&keg.keg);
	bench_samples_copy(&tail.keg, &median.keg);
	bench_samples_copy(&tail.peer, &median.peer);
	bench_add(bench, &median);
	bench_add(bench, &tail);
}
