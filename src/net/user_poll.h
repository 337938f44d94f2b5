/* SPDX-License-Identifier: MIT */
/* Waiting on libslirp's behalf: its sockets and timers, behind one epoll descriptor. */
#ifndef KEG_NET_USER_POLL_H
#define KEG_NET_USER_POLL_H

#include <stdbool.h>
#include <stdint.h>

#include "net/user_slirp.h"

struct keg_user_timer {
	struct keg_user_timer *next;
	SlirpTimerCb call;
	void *context;
	int64_t expires_ms; /* -1: never */
};

/* What is waited for at a descriptor, which is the index. In epoll's words. */
struct keg_user_socket {
	uint32_t registered, wanted, ready;
	bool open;
};

struct keg_user_poll {
	int epoll;
	int timer;        /* a timerfd */
	int waiting;      /* the caller's */
	int64_t clock_ns; /* libslirp's */
	int64_t alarm_ns; /* when the timerfd expires; INT64_MAX: never */
	struct keg_user_socket *sockets;
	uint32_t size;
	uint32_t open; /* sockets that libslirp has */
	bool changed;  /* libslirp is to be asked again what it waits for */
	bool lacking;  /* there was no memory for a timer, which will not expire */
	struct keg_user_timer *timers;
};

/* `waiting`, an eventfd of the caller's, is waited for too. */
int keg_user_poll_init(struct keg_user_poll *poll, int waiting);
void keg_user_poll_fini(struct keg_user_poll *poll);

/* What libslirp tells. */
void keg_user_poll_opened(struct keg_user_poll *poll, int fd);
void keg_user_poll_closed(struct keg_user_poll *poll, int fd);
struct keg_user_timer *keg_user_poll_add_timer(
	struct keg_user_poll *poll, SlirpTimerCb call, void *context);
void keg_user_poll_remove_timer(struct keg_user_poll *poll, struct keg_user_timer *timer);
void keg_user_timer_set(struct keg_user_timer *timer, int64_t expires_ms);
int64_t keg_user_clock_ns(void);

/* Whether the guest has as many sockets as it may have of this process. */
bool keg_user_poll_is_full(const struct keg_user_poll *poll);

/* Before libslirp is given anything: its clock stands still while it has nothing to do, and what
 * it began then would seem to be of long ago. */
void keg_user_poll_set_clock(struct keg_user_poll *poll, const struct keg_user_slirp *slirp);

/* libslirp has been given something: the descriptor is to be readable, so that _run() is called. */
void keg_user_poll_changed(struct keg_user_poll *poll);

/* ... in a millisecond: there is more to do than one call of a device should take. */
void keg_user_poll_later(struct keg_user_poll *poll);

/* Lets libslirp do what there is to do at its sockets, and timers; then asks it what to wait for.
 * False if nothing was to be done. */
bool keg_user_poll_run(struct keg_user_poll *poll, const struct keg_user_slirp *slirp);

#endif
