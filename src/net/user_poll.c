/* SPDX-License-Identifier: MIT */
/* Waiting on libslirp's behalf: its sockets and timers, behind one epoll descriptor. */
#include "base/error.h"

#if KEG_HAS_SLIRP

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "net/user_poll.h"

/* Half of what a process may usually open: the guest shall not take the rest. */
enum { MOST_SOCKETS = 512 };

static const int64_t never = INT64_MAX, ns_per_ms = 1000000, ns_per_second = 1000000000;

int64_t keg_user_clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * ns_per_second + now.tv_nsec;
}

static int watch(int epoll, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int keg_user_poll_init(struct keg_user_poll *poll, int waiting)
{
	poll->alarm_ns = never;
	poll->waiting = waiting;
	poll->epoll = epoll_create1(EPOLL_CLOEXEC);
	poll->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (poll->epoll < 0 || poll->timer < 0 || watch(poll->epoll, poll->timer) ||
		watch(poll->epoll, waiting))
		return keg_fail_errno(errno, "user-mode network: what it waits with");
	return 0;
}

void keg_user_poll_fini(struct keg_user_poll *poll)
{
	while (poll->timers)
		keg_user_poll_remove_timer(poll, poll->timers);
	free(poll->sockets);
	if (poll->timer >= 0)
		close(poll->timer);
	if (poll->epoll >= 0)
		close(poll->epoll);
}

/* ---- Sockets ---- */

/* NULL: there is no memory for it, and it is not waited for. */
static struct keg_user_socket *find_socket(struct keg_user_poll *poll, int fd)
{
	uint32_t size = ((uint32_t)fd | 63) + 1;
	struct keg_user_socket *sockets = poll->sockets;

	if (fd < 0)
		return NULL;
	if (size > poll->size) {
		sockets = realloc(sockets, size * sizeof(*sockets));
		if (!sockets)
			return NULL;
		memset(sockets + poll->size, 0, (size - poll->size) * sizeof(*sockets));
		poll->sockets = sockets;
		poll->size = size;
	}
	return &sockets[fd];
}

void keg_user_poll_opened(struct keg_user_poll *poll, int fd)
{
	struct keg_user_socket *socket = find_socket(poll, fd);

	if (!socket)
		return;
	poll->open += !socket->open;
	*socket = (struct keg_user_socket){.open = true};
}

void keg_user_poll_closed(struct keg_user_poll *poll, int fd)
{
	struct keg_user_socket *socket = find_socket(poll, fd);

	if (!socket)
		return;
	/* The number may be another file's soon. It fails if the socket is closed already. */
	if (socket->registered)
		epoll_ctl(poll->epoll, EPOLL_CTL_DEL, fd, NULL);
	poll->open -= socket->open;
	*socket = (struct keg_user_socket){0};
}

bool keg_user_poll_is_full(const struct keg_user_poll *poll)
{
	return poll->open >= MOST_SOCKETS;
}

static const struct {
	int slirp;
	uint32_t epoll;
} events[] = {
	{SLIRP_POLL_IN, EPOLLIN},
	{SLIRP_POLL_OUT, EPOLLOUT},
	{SLIRP_POLL_PRI, EPOLLPRI},
	{SLIRP_POLL_ERR, EPOLLERR},
	{SLIRP_POLL_HUP, EPOLLHUP},
};
enum { EVENTS = sizeof(events) / sizeof(*events) };

static int add_wanted(int fd, int wanted, void *opaque)
{
	struct keg_user_socket *socket = find_socket(opaque, fd);

	if (!socket)
		return -1;
	for (int i = 0; i < EVENTS; i++)
		socket->wanted |= wanted & events[i].slirp ? events[i].epoll : 0;
	return fd;
}

static int get_ready(int fd, void *opaque)
{
	const struct keg_user_poll *poll = opaque;
	int ready = 0;

	if (fd < 0 || (uint32_t)fd >= poll->size)
		return 0;
	for (int i = 0; i < EVENTS; i++)
		ready |= poll->sockets[fd].ready & events[i].epoll ? events[i].slirp : 0;
	return ready;
}

/*
 * libslirp lets one connection wait at a forwarded port: of many at once the host's kernel resets
 * most. listen(2) again only sets their number, and is refused where a socket does not listen. Of
 * those that do libslirp has not told.
 */
static int begin_waiting(const struct keg_user_poll *poll, int fd, struct epoll_event *event)
{
	int rc = epoll_ctl(poll->epoll, EPOLL_CTL_ADD, fd, event);

	if (!poll->sockets[fd].open)
		listen(fd, SOMAXCONN);
	return rc;
}

/* Tells epoll what libslirp wants to know of a socket. False: the host could not; later, perhaps.
 */
static bool wait_for(const struct keg_user_poll *poll, int fd)
{
	struct keg_user_socket *socket = &poll->sockets[fd];
	struct epoll_event event = {.events = socket->wanted, .data.fd = fd};
	int rc = 0;

	if (!socket->wanted) {
		epoll_ctl(poll->epoll, EPOLL_CTL_DEL, fd, NULL);
	} else {
		rc = epoll_ctl(poll->epoll, EPOLL_CTL_MOD, fd, &event);
		if (rc && errno == ENOENT)
			rc = begin_waiting(poll, fd, &event);
	}
	if (rc)
		return false;
	socket->registered = socket->wanted;
	return true;
}

/* ---- Timers ---- */

struct keg_user_timer *keg_user_poll_add_timer(
	struct keg_user_poll *poll, SlirpTimerCb call, void *context)
{
	struct keg_user_timer *timer = malloc(sizeof(*timer));

	if (!timer) {
		poll->lacking = true;
		return NULL;
	}
	*timer = (struct keg_user_timer){poll->timers, call, context, -1};
	poll->timers = timer;
	return timer;
}

void keg_user_poll_remove_timer(struct keg_user_poll *poll, struct keg_user_timer *timer)
{
	for (struct keg_user_timer **at = &poll->timers; *at; at = &(*at)->next) {
		if (*at == timer) {
			*at = timer->next;
			free(timer);
			return;
		}
	}
}

void keg_user_timer_set(struct keg_user_timer *timer, int64_t expires_ms)
{
	if (timer)
		timer->expires_ms = expires_ms;
}

static void run_timers(struct keg_user_poll *poll)
{
	int64_t now_ms = keg_user_clock_ns() / ns_per_ms;
	struct keg_user_timer *next;

	for (struct keg_user_timer *timer = poll->timers; timer; timer = next) {
		next = timer->next;
		if (timer->expires_ms < 0 || timer->expires_ms > now_ms)
			continue;
		timer->expires_ms = -1;
		timer->call(timer->context);
	}
}

/* The descriptor is to be readable by then. Earlier does no harm. */
static void set_alarm(struct keg_user_poll *poll, int64_t at_ns)
{
	struct itimerspec spec = {0};

	if (at_ns >= poll->alarm_ns)
		return;
	/* 0 would turn it off. */
	at_ns = at_ns > 0 ? at_ns : 1;
	spec.it_value.tv_sec = (time_t)(at_ns / ns_per_second);
	spec.it_value.tv_nsec = (long)(at_ns % ns_per_second);
	if (timerfd_settime(poll->timer, TFD_TIMER_ABSTIME, &spec, NULL) == 0)
		poll->alarm_ns = at_ns;
}

void keg_user_poll_changed(struct keg_user_poll *poll)
{
	if (poll->changed)
		return;
	poll->changed = true;
	set_alarm(poll, 0);
}

void keg_user_poll_later(struct keg_user_poll *poll)
{
	set_alarm(poll, keg_user_clock_ns() + ns_per_ms);
}

/* ---- Both ---- */

static void refill(struct keg_user_poll *poll, const struct keg_user_slirp *slirp)
{
	uint32_t timeout_ms = UINT32_MAX;
	int64_t now_ns = keg_user_clock_ns();

	for (uint32_t fd = 0; fd < poll->size; fd++)
		poll->sockets[fd].wanted = 0;
	slirp->lib.slirp_pollfds_fill(slirp->slirp, &timeout_ms, add_wanted, poll);
	for (uint32_t fd = 0; fd < poll->size; fd++) {
		if (poll->sockets[fd].wanted != poll->sockets[fd].registered &&
			!wait_for(poll, (int)fd))
			keg_user_poll_later(poll);
	}
	if (timeout_ms != UINT32_MAX)
		set_alarm(poll, now_ns + timeout_ms * ns_per_ms);
	for (const struct keg_user_timer *timer = poll->timers; timer; timer = timer->next) {
		if (timer->expires_ms >= 0)
			set_alarm(poll, timer->expires_ms * ns_per_ms);
	}
}

/* Libslirp looks at the sockets that are noted as ready, and at the clock. */
static void poll_slirp(struct keg_user_poll *poll, const struct keg_user_slirp *slirp)
{
	poll->clock_ns = keg_user_clock_ns();
	slirp->lib.slirp_pollfds_poll(slirp->slirp, 0, get_ready, poll);
}

void keg_user_poll_set_clock(struct keg_user_poll *poll, const struct keg_user_slirp *slirp)
{
	enum { EXACT_MS = 100 };

	if (keg_user_clock_ns() - poll->clock_ns >= EXACT_MS * ns_per_ms)
		poll_slirp(poll, slirp);
}

/* How many descriptors are ready, which are noted. */
static int collect(struct keg_user_poll *poll, struct epoll_event *ready, int most)
{
	int count = epoll_wait(poll->epoll, ready, most, 0);
	uint64_t expirations;

	for (int i = 0; i < count; i++) {
		int fd = ready[i].data.fd;

		if (fd == poll->timer) {
			if (read(fd, &expirations, sizeof(expirations)) > 0)
				poll->alarm_ns = never;
		} else if (fd != poll->waiting && (uint32_t)fd < poll->size) {
			poll->sockets[fd].ready = ready[i].events;
		}
	}
	return count;
}

bool keg_user_poll_run(struct keg_user_poll *poll, const struct keg_user_slirp *slirp)
{
	struct epoll_event ready[64];
	int count = collect(poll, ready, sizeof(ready) / sizeof(*ready));

	if (count <= 0 && !poll->changed)
		return false;
	poll->changed = false;
	run_timers(poll);
	poll_slirp(poll, slirp);
	for (int i = 0; i < count; i++) {
		if ((uint32_t)ready[i].data.fd < poll->size)
			poll->sockets[ready[i].data.fd].ready = 0;
	}
	refill(poll, slirp);
	return true;
}

#endif
