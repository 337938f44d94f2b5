/* SPDX-License-Identifier: MIT */
/*
 * The clock page, written. Why no program sees time go back:
 *
 * Let H be the host's CLOCK_MONOTONIC and P what the page says. The page is written in this order:
 * it is marked as being written, so that whoever has read it by then has done so before; H is read;
 * then the counter; and from that on P is H as it was read, and as much more as the counter has
 * gone on, slower than H. So P is never ahead of H, and nobody has read more than the H that was
 * read: what P was before is not ahead of it either. If it is after all, because the host's clock
 * is being slowed down by more than SLOWNESS (NTP does so by 1/2000 at most, by Linux's
 * adjtimex(2); who changes the length of a tick may by a tenth), P stands still until H comes by,
 * and is told by system calls until then.
 */
#include "user/vdso.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "user/object.h"
#include "user/space.h"
#include "user/time.h"
#include "user/vdso/clock.h"

enum {
	SLOWNESS = 1667, /* P loses a nanosecond in so many: 600 of a million */
	/* In microseconds of the counter's. */
	FRESH_US = 16,           /* not worth writing again: P is 10 ns slow */
	VALID_US = 20000,        /* from then on system calls are made */
	MEASURED_US = 50000,     /* for the counter's true rate, at least … */
	MEASURABLE = 2000000000, /* … and at most; nanoseconds */
	AT_ONCE_US = 10,         /* for reading the clocks; else somebody came between */
	TRIES = 3,
};

struct keg_vdso {
	pthread_mutex_t lock;
	uint32_t khz;
	struct keg_object *code, *data;
	size_t code_bytes;
	volatile struct keg_vdso_clock *page; /* in the arena, where programs read it */
	struct keg_vdso_clock now;            /* what was written there last */
	_Atomic uint64_t tsc;                 /* now.tsc, for whoever has no lock */
	uint64_t began_tsc, began;            /* since when the rate is being measured */
};

/* image.S */
extern const unsigned char keg_vdso_image[], keg_vdso_image_end[];

/* ---- Reading the host's clocks ---- */

struct moment {
	uint64_t tsc, monotonic;
	int64_t least, most; /* what CLOCK_REALTIME is ahead, with certainty */
	bool at_once;
};

static uint64_t cycles(const struct keg_vdso *vdso, uint32_t us)
{
	return (uint64_t)vdso->khz * us / 1000;
}

static struct moment look(const struct keg_vdso *vdso)
{
	struct moment moment;
	int tries = 0;

	do {
		const uint64_t before = keg_vdso_tsc(), first = keg_now_ns();
		const uint64_t realtime = keg_clock_ns(CLOCK_REALTIME);

		moment.monotonic = keg_now_ns();
		moment.tsc = keg_vdso_tsc();
		moment.least = (int64_t)(realtime - moment.monotonic);
		moment.most = (int64_t)(realtime - first);
		moment.at_once = moment.tsc - before < cycles(vdso, AT_ONCE_US);
	} while (!moment.at_once && ++tries < TRIES);
	return moment;
}

/* ---- The page ---- */

/* Nanoseconds a cycle by what the counter's rate is said to be, times 2^32. */
static uint64_t nominal(const struct keg_vdso *vdso)
{
	return (1000000ull << 32) / vdso->khz;
}

/* How fast the host's clock goes: it is adjusted now and then, and the rate that is told may be a
 * round one. What differs too much was not measured: the machine has slept. */
static void measure(struct keg_vdso *vdso, const struct moment *moment)
{
	const uint64_t passed = moment->tsc - vdso->began_tsc;
	const uint64_t ns = moment->monotonic - vdso->began;
	const uint64_t expected = nominal(vdso);

	if (passed < cycles(vdso, MEASURED_US))
		return;
	vdso->began_tsc = moment->tsc;
	vdso->began = moment->monotonic;
	if (ns < MEASURABLE) {
		const uint64_t slope = (ns << 32) / passed;

		if (slope > expected - expected / 8 && slope < expected + expected / 8)
			vdso->now.slope = slope - slope / SLOWNESS;
	}
}

/* The most that anybody can have read. */
static uint64_t told(const struct keg_vdso_clock *clock, uint64_t tsc)
{
	uint64_t passed = tsc - clock->tsc;

	if (passed > clock->span)
		passed = clock->span;
	return clock->monotonic + (passed * clock->slope >> 32);
}

static void write_page(struct keg_vdso *vdso)
{
	volatile struct keg_vdso_clock *page = vdso->page;
	const struct keg_vdso_clock *now = &vdso->now;

	page->span = now->span;
	page->tsc = now->tsc;
	page->slope = now->slope;
	page->monotonic = now->monotonic;
	page->realtime = now->realtime;
	atomic_thread_fence(memory_order_release);
	vdso->now.sequence += 2;
	page->sequence = now->sequence;
	atomic_store_explicit(&vdso->tsc, now->tsc, memory_order_relaxed);
}

/* Lock held. */
static void renew(struct keg_vdso *vdso)
{
	struct keg_vdso_clock *now = &vdso->now;
	struct moment moment;
	uint64_t most;

	vdso->page->sequence = now->sequence + 1;
	/* Seen by all before the clocks are read. */
	atomic_thread_fence(memory_order_seq_cst);
	moment = look(vdso);
	most = told(now, moment.tsc);
	measure(vdso, &moment);
	/* It is not to move but when the administrator sets it: to within what can be told. */
	if (now->realtime < moment.least || now->realtime > moment.most)
		now->realtime = moment.least;
	now->tsc = moment.tsc;
	now->monotonic = moment.monotonic > most ? moment.monotonic : most;
	now->span =
		moment.at_once && moment.monotonic >= most ? (uint32_t)cycles(vdso, VALID_US) : 0;
	write_page(vdso);
}

void keg_vdso_refresh(struct keg_vdso *vdso)
{
	if (keg_vdso_tsc() - atomic_load_explicit(&vdso->tsc, memory_order_relaxed) <
		cycles(vdso, FRESH_US))
		return;
	pthread_mutex_lock(&vdso->lock);
	renew(vdso);
	pthread_mutex_unlock(&vdso->lock);
}

bool keg_vdso_read(struct keg_vdso *vdso, clockid_t clock, uint64_t *ns)
{
	const bool realtime = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;

	if (!realtime && clock != CLOCK_MONOTONIC && clock != CLOCK_MONOTONIC_COARSE)
		return false;
	pthread_mutex_lock(&vdso->lock);
	renew(vdso);
	*ns = vdso->now.monotonic + (realtime ? (uint64_t)vdso->now.realtime : 0);
	pthread_mutex_unlock(&vdso->lock);
	return true;
}

/* ---- The two mappings ---- */

/* An object's pages, filled; they stay where they are as long as it is there. */
static int fill(struct keg_pages *pages, const void *from, size_t bytes, struct keg_object **made,
	void **at)
{
	struct keg_object *object;
	uint32_t count = 1;
	keg_page page;
	int result = keg_object_anonymous(pages, bytes, &object);

	if (result < 0)
		return result;
	*made = object;
	for (size_t done = 0; done < bytes; done += KEG_PAGE) {
		const size_t left = bytes - done;

		result = keg_object_get(object, done >> KEG_PAGE_SHIFT, &count, &page);
		if (result < 0)
			return keg_fail_errno(-result, "memory for the vDSO");
		*at = keg_pages_at(pages, page);
		memcpy(*at, (const char *)from + done, left < KEG_PAGE ? left : KEG_PAGE);
		keg_pages_release(pages, page, count);
	}
	return 0;
}

int keg_vdso_create(struct keg_pages *pages, uint32_t khz, struct keg_vdso **made)
{
	static const struct keg_vdso_clock empty;
	struct keg_vdso *vdso = calloc(1, sizeof(*vdso));
	void *page;
	int result;

	if (!vdso || pthread_mutex_init(&vdso->lock, NULL)) {
		free(vdso);
		return keg_fail(ENOMEM, "making a vDSO");
	}
	vdso->khz = khz;
	vdso->code_bytes = (uintptr_t)keg_vdso_image_end - (uintptr_t)keg_vdso_image;
	result = fill(pages, keg_vdso_image, vdso->code_bytes, &vdso->code, &page);
	if (result == 0)
		result = fill(pages, &empty, sizeof(empty), &vdso->data, &page);
	if (result < 0) {
		keg_vdso_destroy(vdso);
		return result;
	}
	vdso->page = page;
	vdso->now.slope = nominal(vdso) - nominal(vdso) / SLOWNESS;
	renew(vdso);
	*made = vdso;
	return 0;
}

void keg_vdso_destroy(struct keg_vdso *vdso)
{
	if (!vdso)
		return;
	if (vdso->code)
		keg_object_release(vdso->code);
	if (vdso->data)
		keg_object_release(vdso->data);
	pthread_mutex_destroy(&vdso->lock);
	free(vdso);
}

/*
 * Private mappings, as Linux has them: a program may have them writable, and then writes to a copy
 * of its own, for the objects have the pages as well.
 */
int64_t keg_vdso_map(struct keg_vdso *vdso, struct keg_space *space)
{
	struct keg_mapping mapping = {
		.length = KEG_PAGE + vdso->code_bytes,
		.protection = PROT_READ,
		.flags = MAP_PRIVATE,
		.object = vdso->data,
		.name = "[vvar]",
	};
	const int64_t at = keg_space_map(space, &mapping);

	if (at < 0)
		return at;
	mapping = (struct keg_mapping){
		.at = (uint64_t)at + KEG_PAGE,
		.length = vdso->code_bytes,
		.protection = PROT_READ | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_FIXED,
		.object = vdso->code,
		.name = "[vdso]",
	};
	return keg_space_map(space, &mapping);
}
