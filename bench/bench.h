/* SPDX-License-Identifier: MIT */
/*
 * What every benchmark uses: the host, the options, samples, arms that take turns, and the rows of
 * the table. A benchmark ends the program when something fails: see bench_die().
 */
#ifndef KEG_BENCH_BENCH_H
#define KEG_BENCH_BENCH_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <keg/host.h>

#include "bare.h"

/* One number a measurement, in the row's unit. */
struct bench_samples {
	double *values;
	size_t count, capacity;
};

struct bench_summary {
	size_t count;
	double least, p25, median, p75, p99, most;
};

void bench_samples_add(struct bench_samples *samples, double value);
void bench_samples_copy(struct bench_samples *to, const struct bench_samples *from);
void bench_summarize(const struct bench_samples *samples, struct bench_summary *summary);

enum bench_floor {
	BENCH_NO_FLOOR, /* told, not judged */
	BENCH_AT_MOST,  /* keg / peer is at most `limit` */
	BENCH_AT_LEAST, /* peer / keg is at least `limit` */
};

/* A line of the table. The strings must outlive the program's run. */
struct bench_row {
	const char *bench; /* whose it is: set by bench_add() */
	const char *what;
	const char *peer_name;
	const char *unit;
	struct bench_samples keg, peer; /* become the table's; no peer: a figure on its own */
	int unit_digits;                /* behind the point */
	bool tail;                      /* the 99th percentiles are compared, not the medians */
	enum bench_floor floor;
	double limit;
	const char *moot; /* why the floor does not apply here; NULL if it does */
};

struct bench {
	bool quick;
	bool silent;         /* no table */
	unsigned int rounds; /* 0: each benchmark's own */
	const char *current; /* the benchmark's name */
	struct keg_host *host;
	struct bare_host bare;
	int kick_signal;
	struct bench_row *rows;
	size_t count;
};

/* Takes a row over, with its samples. */
void bench_add(struct bench *bench, const struct bench_row *row);

/* Says in the table's place why the benchmark cannot be had here. */
void bench_skip(struct bench *bench, const char *why);

/* Whether a comparison that began then has taken long enough: an emulated host is slow. */
bool bench_long_enough(uint64_t began);

/* How many rounds to do: what was asked for, or `rounds`; few when quick. */
unsigned int bench_rounds(const struct bench *bench, unsigned int rounds);

/*
 * keg's figure against the peer's, the way round that the floor is; 0 where there is nothing to
 * compare. It is the median of what each round gave: a host that is slower for a while is slower
 * for both.
 */
double bench_ratio(const struct bench_row *row);
bool bench_met(const struct bench_row *row);

/* One side of a comparison: measures once. */
struct bench_arm {
	double (*measure)(void *context);
	void *context;
	struct bench_samples *samples;
};

/*
 * Has the arms measure in turn, `rounds` times each, after `warm_up` rounds that do not count: A B,
 * B A, A B ..., so that neither is always first, and what disturbs one disturbs the other. It ends
 * before its time when it has taken long enough.
 */
void bench_take_turns(
	const struct bench_arm *arms, size_t count, unsigned int warm_up, unsigned int rounds);

/* Nanoseconds of a clock that never goes back. */
uint64_t bench_now(void);

/* Ends the program with a message: nothing that is measured after a failure means anything. */
void bench_die(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* A call of keg's that must succeed; returns what it did. */
#define bench_need(call) bench_needed(call, #call)
int bench_needed(int rc, const char *call);

/* ---- The benchmarks: each in the file of its name ---- */

typedef void bench_function(struct bench *bench);

bench_function bench_create, bench_end, bench_dispatch, bench_slots, bench_coalesced, bench_kick,
	bench_machines;

/* What only some architectures have: ARCH/. Ends with a NULL name. */
struct bench_entry {
	const char *name;
	const char *about;
	bench_function *run;
};
extern const struct bench_entry bench_arch_entries[];

/* Whether an interrupt controller can be made before memory and after it: ARCH/. */
extern const bool bench_irqchip_in_any_order;

#endif
