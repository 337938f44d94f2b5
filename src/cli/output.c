/* SPDX-License-Identifier: MIT */
/* A ring of bytes between the vCPUs' threads and the console's. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"

/*
 * A terminal or a pipe may say that it can be written to and still block for the rest of a longer
 * write. O_NONBLOCK on standard output would be seen by every process that shares it, so it is
 * opened once more. Where that fails, and for other files, which do not block for long, standard
 * output itself will do.
 */
static void open_again(struct output *output)
{
	struct stat st;

	output->fd = STDOUT_FILENO;
	if (fstat(STDOUT_FILENO, &st) != 0 || !(S_ISFIFO(st.st_mode) || isatty(STDOUT_FILENO)))
		return;
	output->fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	output->own_fd = output->fd >= 0;
	if (!output->own_fd)
		output->fd = STDOUT_FILENO;
}

int output_init(struct output *output, int wake)
{
	int rc;

	memset(output, 0, sizeof(*output));
	output->wake = wake;
	rc = pthread_mutex_init(&output->lock, NULL);
	if (rc)
		return rc;
	rc = pthread_cond_init(&output->room, NULL);
	if (rc)
		pthread_mutex_destroy(&output->lock);
	else
		open_again(output);
	return rc;
}

void output_fini(struct output *output)
{
	if (output->own_fd)
		close(output->fd);
	pthread_cond_destroy(&output->room);
	pthread_mutex_destroy(&output->lock);
}

/* As many bytes as there is room for. With the lock held. */
static size_t copy_in(struct output *output, const char *bytes, size_t count)
{
	size_t end = (output->first + output->count) % OUTPUT_SIZE;
	size_t room = OUTPUT_SIZE - output->count;
	size_t straight = OUTPUT_SIZE - end;

	if (count > room)
		count = room;
	if (straight > count)
		straight = count;
	memcpy(output->bytes + end, bytes, straight);
	memcpy(output->bytes, bytes + straight, count - straight);
	output->count += count;
	return count;
}

void output_put(struct output *output, const char *bytes, size_t count)
{
	size_t taken;

	if (!count)
		return;
	pthread_mutex_lock(&output->lock);
	output->mid_line = bytes[count - 1] != '\n';
	while (!output->error) {
		if (!output->count)
			event_set(output->wake);
		taken = copy_in(output, bytes, count);
		bytes += taken;
		count -= taken;
		if (!count || output->hurried)
			break;
		pthread_cond_wait(&output->room, &output->lock);
	}
	pthread_mutex_unlock(&output->lock);
}

bool output_waits(struct output *output)
{
	bool waits;

	pthread_mutex_lock(&output->lock);
	waits = output->count != 0;
	pthread_mutex_unlock(&output->lock);
	return waits;
}

int output_write(struct output *output)
{
	enum { PART = 4096 }; /* what a pipe that is ready takes at once: pipe(7), PIPE_BUF */
	size_t first, count;
	ssize_t written;
	int error = 0;

	/* Only this thread takes bytes out, so those that are there stay where they are. */
	pthread_mutex_lock(&output->lock);
	first = output->first;
	count = output->count;
	pthread_mutex_unlock(&output->lock);
	if (count > OUTPUT_SIZE - first)
		count = OUTPUT_SIZE - first;
	written = write(output->fd, output->bytes + first, count < PART ? count : PART);
	if (written < 0) {
		if (errno == EINTR || errno == EAGAIN)
			return 0;
		error = errno;
	}
	pthread_mutex_lock(&output->lock);
	if (error) {
		output->error = error;
		output->count = 0;
	} else {
		output->first = (first + (size_t)written) % OUTPUT_SIZE;
		output->count -= (size_t)written;
	}
	pthread_cond_broadcast(&output->room);
	pthread_mutex_unlock(&output->lock);
	return error;
}

void output_hurry(struct output *output)
{
	pthread_mutex_lock(&output->lock);
	output->hurried = true;
	pthread_cond_broadcast(&output->room);
	pthread_mutex_unlock(&output->lock);
}
