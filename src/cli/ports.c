/* SPDX-License-Identifier: MIT */
/* Channels between the guest and files or sockets of the host. */
#include "ports.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli.h"
#include "event.h"

enum {
	NAME = 32,
	PENDING = 4096,
	PATIENCE_MS = 1000, /* who takes nothing for so long is given no more */
};

struct port {
	struct ports *ports;
	struct keg_port_config config;
	char name[NAME];
	const char *path; /* of the socket, to be removed; or NULL */
	int listener;     /* or -1 */
	bool input;       /* it may be read, too */
	/* Under the lock: the other end, or -1. */
	pthread_mutex_t lock;
	int fd;
	/* The thread's own. */
	char pending[PENDING];
	size_t count;
	bool refused; /* the guest has not taken all of it */
	_Atomic bool room;
};

struct ports {
	struct keg_board *board;
	struct port *items;
	size_t count;
	int wake;
	_Atomic bool finish;
	bool started;
	pthread_t thread;
};

size_t ports_parse(const char *text, const char **path)
{
	size_t length = strcspn(text, "=");

	if (length == 0 || length >= NAME || !text[length] || !text[length + 1] ||
		strcmp(text + length + 1, "unix:") == 0)
		return 0;
	*path = text + length + 1;
	return length;
}

/* ---- From the guest ---- */

static void hang_up(struct port *port)
{
	if (port->fd >= 0)
		close(port->fd);
	port->fd = -1;
}

/* Who reads may go, and come again; a file that takes no more is worth a word. */
static void give_up(struct port *port)
{
	if (!port->input)
		cli_error("--port %s: cannot write the file, and what follows is lost: %s",
			port->name, strerror(errno));
	hang_up(port);
}

/* All of it, unless nobody takes it: the other ports' guests wait meanwhile. */
static void write_all(struct port *port, const char *bytes, size_t count)
{
	while (count && port->fd >= 0) {
		struct pollfd fd = {.fd = port->fd, .events = POLLOUT};
		ssize_t written = write(port->fd, bytes, count);

		if (written > 0) {
			bytes += written;
			count -= (size_t)written;
		} else if (errno != EINTR && (errno != EAGAIN || poll(&fd, 1, PATIENCE_MS) == 0)) {
			give_up(port);
		}
	}
}

static void output(void *context, const void *bytes, size_t count)
{
	struct port *port = context;

	pthread_mutex_lock(&port->lock);
	write_all(port, bytes, count);
	if (port->fd < 0 && port->listener >= 0)
		event_set(port->ports->wake); /* for the next one */
	pthread_mutex_unlock(&port->lock);
}

static void room(void *context)
{
	struct port *port = context;

	atomic_store(&port->room, true);
	event_set(port->ports->wake);
}

/* ---- To the guest ---- */

static void feed(struct port *port)
{
	size_t index = (size_t)(port - port->ports->items) + 1;
	ssize_t taken;

	if (atomic_exchange(&port->room, false))
		port->refused = false;
	if (!port->count || port->refused)
		return;
	taken = keg_board_port_input(port->ports->board, index, port->pending, port->count);
	if (taken < 0)
		taken = (ssize_t)port->count;
	port->refused = (size_t)taken < port->count;
	port->count -= (size_t)taken;
	memmove(port->pending, port->pending + taken, port->count);
}

static void read_input(struct port *port)
{
	ssize_t count;

	pthread_mutex_lock(&port->lock);
	count = port->fd < 0 ? 0 : read(port->fd, port->pending, sizeof(port->pending));
	if (count == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
		hang_up(port);
	pthread_mutex_unlock(&port->lock);
	if (count > 0)
		port->count = (size_t)count;
	feed(port);
}

static void accept_client(struct port *port)
{
	/* cppcheck-suppress nullPointer ; whose address it is may stay untold */
	int fd = accept4(port->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	pthread_mutex_lock(&port->lock);
	hang_up(port);
	port->fd = fd;
	pthread_mutex_unlock(&port->lock);
}

/* ---- The thread ---- */

/* What to wait for: somebody new while there is nobody, and bytes while there is room for them. */
static struct pollfd wanted(struct port *port)
{
	struct pollfd fd = {.fd = -1, .events = POLLIN};

	pthread_mutex_lock(&port->lock);
	if (port->fd < 0)
		fd.fd = port->listener;
	else if (port->input && !port->count)
		fd.fd = port->fd;
	pthread_mutex_unlock(&port->lock);
	return fd;
}

static void *serve(void *context)
{
	struct ports *ports = context;
	struct pollfd *fds = calloc(ports->count + 1, sizeof(*fds));

	if (!fds)
		return NULL;
	while (!atomic_load(&ports->finish)) {
		fds[ports->count] = (struct pollfd){.fd = ports->wake, .events = POLLIN};
		for (size_t i = 0; i < ports->count; i++)
			fds[i] = wanted(&ports->items[i]);
		if (poll(fds, ports->count + 1, -1) < 0)
			continue; /* EINTR */
		event_clear(ports->wake);
		for (size_t i = 0; i < ports->count; i++) {
			struct port *port = &ports->items[i];

			if (fds[i].revents && fds[i].fd == port->listener)
				accept_client(port);
			else if (fds[i].revents)
				read_input(port);
			else
				feed(port);
		}
	}
	free(fds);
	return NULL;
}

int ports_start(struct ports *ports, struct keg_board *board)
{
	int rc;

	if (!ports)
		return 0;
	ports->board = board;
	rc = pthread_create(&ports->thread, NULL, serve, ports);
	if (rc) {
		cli_error("cannot make the ports' thread: %s", strerror(rc));
		return -1;
	}
	ports->started = true;
	return 0;
}

void ports_stop(struct ports *ports)
{
	if (!ports || !ports->started)
		return;
	atomic_store(&ports->finish, true);
	event_set(ports->wake);
	pthread_join(ports->thread, NULL);
	ports->started = false;
}

/* ---- Opening ---- */

/* A socket that nobody listens at was left behind by a program that was killed. */
static bool is_left_behind(int fd, const struct sockaddr_un *address)
{
	struct stat st;

	return lstat(address->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
	       errno == ECONNREFUSED;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
	if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	if (!is_left_behind(fd, address)) {
		errno = EADDRINUSE;
		return -1;
	}
	unlink(address->sun_path);
	return bind(fd, (const struct sockaddr *)address, sizeof(*address));
}

static int listen_at(struct port *port, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const size_t length = strlen(path);

	if (length >= sizeof(address.sun_path)) {
		cli_error("--port: the path of a socket has %zu characters at most: %s",
			sizeof(address.sun_path) - 1, path);
		return -1;
	}
	memcpy(address.sun_path, path, length + 1);
	port->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (port->listener >= 0 && bind_to(port->listener, &address) == 0) {
		port->path = path;
		port->input = true;
		if (listen(port->listener, 1) == 0)
			return 0;
	}
	cli_error("--port: cannot make the socket %s: %s", path, strerror(errno));
	return -1;
}

/* A regular file is written from its beginning; anything else is talked with. */
static int open_file(struct port *port, const char *path)
{
	struct stat st;
	bool regular = stat(path, &st) != 0 || S_ISREG(st.st_mode);

	port->input = !regular;
	port->fd = open(path,
		O_CLOEXEC | O_NOCTTY |
			(regular ? O_WRONLY | O_CREAT | O_TRUNC : O_RDWR | O_NONBLOCK),
		0666);
	if (port->fd >= 0)
		return 0;
	cli_error("--port: cannot open %s: %s", path, strerror(errno));
	return -1;
}

static int open_port(struct port *port, const char *text)
{
	const char *path = ""; /* the text has been parsed before, so it has one */
	size_t length = ports_parse(text, &path);

	memcpy(port->name, text, length);
	port->config = (struct keg_port_config){.size = sizeof(port->config),
		.name = port->name,
		.output = output,
		.room = room,
		.context = port};
	return strncmp(path, "unix:", 5) == 0 ? listen_at(port, path + 5) : open_file(port, path);
}

struct ports *ports_open(const struct cli_list *list)
{
	struct ports *ports = calloc(1, sizeof(*ports));
	const char *const *texts = list->items;

	if (ports)
		ports->items = calloc(list->count, sizeof(*ports->items));
	if (!ports || !ports->items) {
		free(ports);
		cli_error("out of memory");
		return NULL;
	}
	ports->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ports->wake < 0) {
		cli_error("cannot set the ports up: %s", strerror(errno));
		ports_close(ports);
		return NULL;
	}
	while (ports->count < list->count) {
		struct port *port = &ports->items[ports->count];

		port->ports = ports;
		port->listener = port->fd = -1;
		pthread_mutex_init(&port->lock, NULL);
		if (open_port(port, texts[ports->count++]) != 0) {
			ports_close(ports);
			return NULL;
		}
	}
	return ports;
}

void ports_close(struct ports *ports)
{
	if (!ports)
		return;
	ports_stop(ports);
	for (size_t i = 0; i < ports->count; i++) {
		struct port *port = &ports->items[i];

		hang_up(port);
		if (port->listener >= 0)
			close(port->listener);
		if (port->path)
			unlink(port->path);
		pthread_mutex_destroy(&port->lock);
	}
	if (ports->wake >= 0)
		close(ports->wake);
	free(ports->items);
	free(ports);
}

const struct keg_port_config *ports_config(const struct ports *ports, size_t index)
{
	return &ports->items[index].config;
}
