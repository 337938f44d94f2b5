/* SPDX-License-Identifier: MIT */
/* The names of sockets: those that programs use, and those that the host knows. */
#include "user/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "user/mounts.h"
#include "user/policy.h"
#include "user/space.h"
#include "user/task.h"

#define KEG_BOUND_MOST 1024
#define KEG_SECRET     12
#define UN_PATH        offsetof(struct sockaddr_un, sun_path)

/* A socket that the sandbox bound to a path; the oldest is forgotten for a new one. */
struct bound {
	dev_t device;
	ino_t inode;
	struct keg_address host, address;
};

struct keg_sockets {
	pthread_mutex_t lock;
	char secret[KEG_SECRET]; /* with which abstract names begin on the host */
	uint32_t next_name;      /* of sockets that are bound to no name in particular */
	uint32_t next, count;
	struct bound bound[KEG_BOUND_MOST];
};

static struct keg_sockets *sockets_create(void)
{
	struct keg_sockets *sockets = calloc(1, sizeof(*sockets));

	if (!sockets)
		return NULL;
	memcpy(sockets->secret, "keg", 3);
	if (getrandom(sockets->secret + 3, KEG_SECRET - 3, 0) != KEG_SECRET - 3 ||
		pthread_mutex_init(&sockets->lock, NULL) != 0) {
		free(sockets);
		return NULL;
	}
	return sockets;
}

/* The sandbox's, made when it is first needed; NULL: no memory. */
static struct keg_sockets *sockets_of(struct keg_task *task)
{
	struct keg_user *user = task->process->user;
	struct keg_sockets *sockets;

	pthread_mutex_lock(&user->lock);
	if (!user->sockets)
		user->sockets = sockets_create();
	sockets = user->sockets;
	pthread_mutex_unlock(&user->lock);
	return sockets;
}

void keg_sockets_destroy(struct keg_sockets *sockets)
{
	if (!sockets)
		return;
	pthread_mutex_destroy(&sockets->lock);
	free(sockets);
}

/* ---- What is bound ---- */

static void remember(struct keg_sockets *sockets, const struct stat *st,
	const struct keg_address *host, const struct keg_address *address)
{
	struct bound *bound;

	pthread_mutex_lock(&sockets->lock);
	bound = &sockets->bound[sockets->next++ % KEG_BOUND_MOST];
	if (sockets->count < KEG_BOUND_MOST)
		sockets->count++;
	*bound = (struct bound){st->st_dev, st->st_ino, *host, *address};
	pthread_mutex_unlock(&sockets->lock);
}

static bool has_bound(struct keg_sockets *sockets, const struct stat *st)
{
	bool found = false;

	pthread_mutex_lock(&sockets->lock);
	for (uint32_t i = 0; i < sockets->count && !found; i++)
		found = sockets->bound[i].device == st->st_dev &&
			sockets->bound[i].inode == st->st_ino;
	pthread_mutex_unlock(&sockets->lock);
	return found;
}

/* What the program calls the path; the latest that the host called so. */
static bool recall(
	struct keg_sockets *sockets, const struct keg_address *host, struct keg_address *address)
{
	bool found = false;

	pthread_mutex_lock(&sockets->lock);
	for (uint32_t i = 0; i < sockets->count && !found; i++) {
		const struct bound *bound =
			&sockets->bound[(sockets->next - 1 - i) % KEG_BOUND_MOST];

		found = strncmp(bound->host.un.sun_path, host->un.sun_path,
				sizeof(host->un.sun_path)) == 0;
		if (found)
			*address = bound->address;
	}
	pthread_mutex_unlock(&sockets->lock);
	return found;
}

/* ---- Abstract names ---- */

/* The program's name behind the sandbox's secret. Names of more than 95 bytes do not fit. */
static int hide(
	struct keg_sockets *sockets, const struct keg_address *address, struct keg_address *host)
{
	size_t length = address->length - UN_PATH - 1;

	if (1 + KEG_SECRET + length > sizeof(host->un.sun_path))
		return -EINVAL;
	*host = (struct keg_address){.length = (socklen_t)(UN_PATH + 1 + KEG_SECRET + length)};
	host->un.sun_family = AF_UNIX;
	memcpy(host->un.sun_path + 1, sockets->secret, KEG_SECRET);
	memcpy(host->un.sun_path + 1 + KEG_SECRET, address->un.sun_path + 1, length);
	return 0;
}

/* A name that nobody has chosen: unix(7), "Autobind feature". */
static void choose_name(struct keg_sockets *sockets, struct keg_address *address)
{
	uint32_t number;

	pthread_mutex_lock(&sockets->lock);
	number = sockets->next_name++ & 0xfffff;
	pthread_mutex_unlock(&sockets->lock);
	*address = (struct keg_address){.length = UN_PATH + 6};
	address->un.sun_family = AF_UNIX;
	snprintf(address->un.sun_path + 1, 6, "%05x", number);
}

/* ---- Paths ---- */

/* The path in an address, with an end. */
static void path_of(const struct keg_address *address, char path[sizeof(address->un.sun_path) + 1])
{
	size_t length = address->length - UN_PATH;

	memcpy(path, address->un.sun_path, length);
	path[length] = '\0';
}

/* A name on the host by way of a descriptor. -ENAMETOOLONG */
static int name_by(int fd, const char *last, struct keg_address *host)
{
	int length;

	*host = (struct keg_address){.length = 0};
	host->un.sun_family = AF_UNIX;
	length = snprintf(host->un.sun_path, sizeof(host->un.sun_path), "/proc/self/fd/%d%s%s", fd,
		last ? "/" : "", last ? last : "");
	if (length < 0 || (size_t)length >= sizeof(host->un.sun_path))
		return -ENAMETOOLONG;
	host->length = (socklen_t)(UN_PATH + (size_t)length + 1);
	return 0;
}

static int path_to_host(struct keg_task *task, const struct keg_address *address,
	struct keg_address *host, int *hold)
{
	struct keg_sockets *sockets = sockets_of(task);
	char path[sizeof(address->un.sun_path) + 1];
	KEG_PLACE struct keg_place place;
	struct stat st;
	int r;

	path_of(address, path);
	r = keg_mounts_walk(task, AT_FDCWD, path, KEG_WALK_FOLLOW | KEG_WALK_HOLD, &place);
	if (r < 0)
		return r;
	if (!sockets)
		return -ENOMEM;
	if (!place.exists)
		return -ENOENT;
	if (place.fd < 0 || fstat(place.fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		return -ECONNREFUSED;
	if (!task->process->user->policy->network && !has_bound(sockets, &st))
		return -ECONNREFUSED;
	*hold = fcntl(place.fd, F_DUPFD_CLOEXEC, 0);
	if (*hold < 0)
		return (int)keg_host_result(-1);
	return name_by(*hold, NULL, host);
}

/*
 * What was just made at the name, for it to be remembered. Another of the sandbox's tasks may have
 * moved something else there meanwhile, a socket of the host's even: that is older.
 */
static bool just_made(
	int directory, const char *last, const struct timespec *begin, struct stat *st)
{
	const uint32_t wanted = STATX_BASIC_STATS | STATX_BTIME;
	struct statx made;

	if (statx(directory, last, AT_SYMLINK_NOFOLLOW, wanted, &made) < 0)
		return false;
	st->st_dev = makedev(made.stx_dev_major, made.stx_dev_minor);
	st->st_ino = made.stx_ino;
	if (!(made.stx_mask & STATX_BTIME))
		return true;
	return made.stx_btime.tv_sec > begin->tv_sec ||
	       (made.stx_btime.tv_sec == begin->tv_sec && made.stx_btime.tv_nsec >= begin->tv_nsec);
}

static int bind_path(
	struct keg_task *task, struct keg_file *file, const struct keg_address *address)
{
	struct keg_sockets *sockets = sockets_of(task);
	struct keg_socket *socket = keg_socket_of(file);
	char path[sizeof(address->un.sun_path) + 1];
	KEG_PLACE struct keg_place place;
	struct keg_address host;
	struct timespec begin;
	const char *last;
	struct stat st;
	int directory, r;

	path_of(address, path);
	r = keg_mounts_walk(task, AT_FDCWD, path, KEG_WALK_CREATE, &place);
	if (r < 0)
		return r;
	if (!sockets)
		return -ENOMEM;
	if (place.exists)
		return -EADDRINUSE;
	directory = keg_place_parent(&place, &last);
	if (directory < 0)
		return directory;
	clock_gettime(CLOCK_REALTIME_COARSE, &begin); /* which files' times are of */
	r = name_by(directory, last, &host);
	/* The socket's file gets the socket's mode, as the process's umask has it. */
	if (r == 0 && fchmod(file->fd, 0777 & ~keg_fs_umask(task->process->fs)) < 0)
		r = (int)keg_host_result(-1);
	if (r == 0 && bind(file->fd, &host.any, host.length) < 0)
		r = (int)keg_host_result(-1);
	if (r == 0 && just_made(directory, last, &begin, &st))
		remember(sockets, &st, &host, address);
	if (r < 0) {
		close(directory);
		return r;
	}
	/* Its number is part of the host's name: it stays as long as the socket does. */
	socket->directory = directory;
	socket->bound = *address;
	return 0;
}

/* ---- Any address ---- */

static bool is_path(const struct keg_address *address)
{
	return address->any.sa_family == AF_UNIX && address->length > UN_PATH &&
	       address->un.sun_path[0] != '\0';
}

/* Of IP, or of none, which ends a connection: as it is, if there is a network. */
static int plain_to_host(
	struct keg_task *task, const struct keg_address *address, struct keg_address *host)
{
	static const struct {
		sa_family_t family;
		size_t least;
	} families[] = {
		{AF_INET, sizeof(struct sockaddr_in)},
		{AF_INET6, offsetof(struct sockaddr_in6, sin6_scope_id)},
	};

	*host = *address;
	if (address->any.sa_family == AF_UNSPEC)
		return 0;
	if (!task->process->user->policy->network)
		return -EAFNOSUPPORT;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (families[i].family == address->any.sa_family)
			return address->length < families[i].least ? -EINVAL : 0;
	}
	return -EAFNOSUPPORT;
}

int keg_address_to_host(struct keg_task *task, const struct keg_address *address,
	struct keg_address *host, int *hold)
{
	struct keg_sockets *sockets;

	*hold = -1;
	if (address->any.sa_family != AF_UNIX)
		return plain_to_host(task, address, host);
	if (address->length <= UN_PATH || address->length > sizeof(struct sockaddr_un))
		return -EINVAL;
	if (is_path(address))
		return path_to_host(task, address, host, hold);
	sockets = sockets_of(task);
	return sockets ? hide(sockets, address, host) : -ENOMEM;
}

int keg_address_bind(
	struct keg_task *task, struct keg_file *file, const struct keg_address *address)
{
	struct keg_address chosen = *address, host;
	struct keg_sockets *sockets;
	int r;

	if (address->any.sa_family != AF_UNIX) {
		r = plain_to_host(task, address, &host);
		return r < 0 ? r : (int)keg_host_result(bind(file->fd, &host.any, host.length));
	}
	if (address->length < UN_PATH || address->length > sizeof(struct sockaddr_un))
		return -EINVAL;
	if (keg_socket_of(file)->bound.length)
		return -EINVAL;
	if (is_path(address))
		return bind_path(task, file, address);
	sockets = sockets_of(task);
	if (!sockets)
		return -ENOMEM;
	if (address->length == UN_PATH)
		choose_name(sockets, &chosen);
	r = hide(sockets, &chosen, &host);
	return r < 0 ? r : (int)keg_host_result(bind(file->fd, &host.any, host.length));
}

void keg_address_from_host(
	struct keg_task *task, const struct keg_address *host, struct keg_address *address)
{
	struct keg_sockets *sockets;
	size_t known = UN_PATH + 1 + KEG_SECRET;

	*address = *host;
	if (host->length < sizeof(sa_family_t) || host->any.sa_family != AF_UNIX ||
		host->length <= UN_PATH)
		return;
	*address = (struct keg_address){.length = UN_PATH};
	address->un.sun_family = AF_UNIX;
	sockets = sockets_of(task);
	if (!sockets)
		return;
	if (is_path(host)) {
		recall(sockets, host, address);
		return;
	}
	if (host->length < known || memcmp(host->un.sun_path + 1, sockets->secret, KEG_SECRET) != 0)
		return;
	address->length = host->length - KEG_SECRET;
	memcpy(address->un.sun_path + 1, host->un.sun_path + 1 + KEG_SECRET, host->length - known);
}
