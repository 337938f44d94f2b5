/* SPDX-License-Identifier: MIT */
/* Files on their way from process to process. */
#include "user/transit.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/task.h"

/* At a time: each has a descriptor of keg's. */
#define KEG_TRANSIT_MOST 512

struct entry {
	uint64_t cookie;       /* the token's, which no other socket of the host has */
	struct keg_file *file; /* held */
};

struct keg_transit {
	pthread_mutex_t lock;
	_Atomic uint32_t count; /* changed with the lock held */
	struct entry at[KEG_TRANSIT_MOST];
	struct pollfd ends[KEG_TRANSIT_MOST]; /* of the tokens, their other ends */
};

/* The sandbox's, made when it is first needed; NULL: no memory. */
static struct keg_transit *transit_of(struct keg_user *user)
{
	struct keg_transit *transit;

	pthread_mutex_lock(&user->lock);
	transit = atomic_load(&user->transit);
	if (!transit && (transit = calloc(1, sizeof(*transit)))) {
		if (pthread_mutex_init(&transit->lock, NULL) == 0) {
			atomic_store(&user->transit, transit);
		} else {
			free(transit);
			transit = NULL;
		}
	}
	pthread_mutex_unlock(&user->lock);
	return transit;
}

/* ---- Tokens ---- */

static uint64_t cookie_of(int fd)
{
	socklen_t length = sizeof(uint64_t);
	uint64_t cookie = 0;

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) == 0 ? cookie : 0;
}

/* What only tokens have: no program can set it (sys_sockopt.c). */
static bool is_token(int fd)
{
	socklen_t length = sizeof(int);
	int on = 0;

	return getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, &length) == 0 && on;
}

/* Makes a socket a token. */
static int make_token(int fd, uint64_t *cookie)
{
	const int on = 1;

	*cookie = cookie_of(fd);
	if (*cookie && setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0)
		return 0;
	return -EPERM;
}

/* ---- The list ---- */

/* Takes out those whose tokens are gone: how many, into `gone`. Lock held. */
static uint32_t take_gone(
	struct keg_transit *transit, struct keg_file *gone[KEG_TRANSIT_MOST], bool all)
{
	uint32_t count = 0, kept = 0;

	if (poll(transit->ends, transit->count, 0) <= 0 && !all)
		return 0;
	for (uint32_t i = 0; i < transit->count; i++) {
		if (all || transit->ends[i].revents) {
			close(transit->ends[i].fd);
			gone[count++] = transit->at[i].file;
			continue;
		}
		transit->at[kept] = transit->at[i];
		transit->ends[kept++] = transit->ends[i];
	}
	transit->count = kept;
	return count;
}

/* A file's end may want the sandbox's lock: they are put without any. */
static void look(struct keg_transit *transit, bool all)
{
	struct keg_file *gone[KEG_TRANSIT_MOST];
	uint32_t count = 0;

	pthread_mutex_lock(&transit->lock);
	if (transit->count)
		count = take_gone(transit, gone, all);
	pthread_mutex_unlock(&transit->lock);
	while (count > 0)
		keg_file_put(gone[--count]);
}

static int insert(
	struct keg_transit *transit, int other_end, uint64_t cookie, struct keg_file *file)
{
	int result = -ETOOMANYREFS;

	pthread_mutex_lock(&transit->lock);
	if (transit->count < KEG_TRANSIT_MOST) {
		/* That it hangs up is told without being asked for. */
		transit->ends[transit->count] = (struct pollfd){.fd = other_end};
		transit->at[transit->count++] = (struct entry){cookie, file};
		keg_file_hold(file);
		result = 0;
	}
	pthread_mutex_unlock(&transit->lock);
	return result;
}

int keg_transit_send(struct keg_user *user, struct keg_file *file, struct keg_file **token)
{
	struct keg_transit *transit = transit_of(user);
	uint64_t cookie = 0;
	int ends[2], r;

	if (!transit)
		return -ENOMEM;
	look(transit, false);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return (int)keg_host_result(-1);
	r = keg_file_create(KEG_FILE_EVENT, ends[0], 0, NULL, token);
	if (r == 0 && ((r = make_token(ends[0], &cookie)) < 0 ||
			      (r = insert(transit, ends[1], cookie, file)) < 0))
		keg_file_put(*token);
	if (r < 0)
		close(ends[1]);
	return r;
}

int keg_transit_receive(struct keg_user *user, int fd, struct keg_file **file)
{
	struct keg_transit *transit;
	uint64_t cookie;

	*file = NULL;
	if (!is_token(fd))
		return 0;
	transit = atomic_load(&user->transit);
	cookie = cookie_of(fd);
	if (!transit)
		return -EPERM;
	pthread_mutex_lock(&transit->lock);
	for (uint32_t i = 0; i < transit->count && !*file; i++) {
		if (transit->at[i].cookie == cookie)
			*file = transit->at[i].file;
	}
	if (*file)
		keg_file_hold(*file);
	pthread_mutex_unlock(&transit->lock);
	return *file ? 1 : -EPERM;
}

void keg_transit_look(struct keg_user *user)
{
	struct keg_transit *transit = atomic_load(&user->transit);

	if (transit && atomic_load(&transit->count))
		look(transit, false);
}

bool keg_transit_is_empty(struct keg_user *user)
{
	struct keg_transit *transit = atomic_load(&user->transit);

	keg_transit_look(user);
	return !transit || atomic_load(&transit->count) == 0;
}

void keg_transit_destroy(struct keg_transit *transit)
{
	if (!transit)
		return;
	look(transit, true);
	pthread_mutex_destroy(&transit->lock);
	free(transit);
}
