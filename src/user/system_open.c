/* SPDX-License-Identifier: MIT */
/* Files that keg makes up: opened and listed. */
#include "user/system_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/listing.h"
#include "user/mount_list.h"
#include "user/pty.h"
#include "user/task.h"

enum { MOST_STREAMS = 256 };

void keg_text_add(struct keg_text *text, const void *bytes, size_t length)
{
	size_t size = text->size ? text->size : 1024;
	char *grown;

	while (size - text->length <= length)
		size *= 2;
	if (text->failed || size > KEG_TEXT_MOST) {
		text->failed = true;
		return;
	}
	if (size != text->size) {
		grown = realloc(text->at, size);
		if (!grown) {
			text->failed = true;
			return;
		}
		text->at = grown;
		text->size = size;
	}
	memcpy(text->at + text->length, bytes, length);
	text->length += length;
	text->at[text->length] = '\0';
}

void keg_text_print(struct keg_text *text, const char *format, ...)
{
	char line[PATH_MAX + 512];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (length > 0)
		keg_text_add(text, line,
			(size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

int keg_system_text(struct keg_task *task, const struct keg_place *place, struct keg_text *text)
{
	struct keg_user *user = task->process->user;
	struct keg_system_at at = {.task = task, .tid = place->tid};
	int r = 0;

	memset(text, 0, sizeof(*text));
	pthread_mutex_lock(&user->lock);
	if (place->pid) {
		at.process = keg_system_process(task, place->pid, place->tid);
		r = at.process ? 0 : -ESRCH;
	}
	if (!r)
		keg_system_row(place)->write(text, &at);
	pthread_mutex_unlock(&user->lock);
	return r ? r : text->failed ? -ENOMEM : 0;
}

/* ---- Opening ---- */

/* The process's own: the one among the streams that the program was given, or a pseudo terminal. */
static int open_terminal(struct keg_task *task, int flags, struct keg_file **file)
{
	struct keg_user *user = task->process->user;
	int number = keg_pty_own_number(task);
	bool given;

	if (number >= 0)
		return keg_pty_open_slave(task, number, flags | O_NOCTTY, file);
	pthread_mutex_lock(&user->lock);
	given = keg_terminal_is_own(&user->terminal, task->process);
	pthread_mutex_unlock(&user->lock);
	if (!given)
		return -ENXIO;
	for (int i = 0; i < MOST_STREAMS; i++) {
		struct keg_file *found = keg_task_file(task, (uint64_t)i);

		if (found && found->kind == KEG_FILE_STREAM && isatty(found->fd)) {
			*file = found;
			return 0;
		}
		keg_file_put(found);
	}
	return -ENXIO;
}

static int open_device(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file)
{
	static const int passed = O_ACCMODE | O_APPEND | O_NONBLOCK | O_NOFOLLOW;
	const char *name = keg_system_row(place)->host;
	char *path;
	int fd, r;

	if (strcmp(name, "tty") == 0)
		return open_terminal(task, flags, file);
	if (strcmp(name, "ptmx") == 0)
		return keg_pty_open_master(task, flags & ~O_NOCTTY, strdup(place->path), file);
	fd = keg_beneath(
		task->process->user->mounts->host_dev, name, (flags & passed) | O_NOFOLLOW, 0);
	if (fd < 0)
		return fd;
	path = strdup(place->path);
	r = keg_file_create(KEG_FILE_HOST, fd, flags, path, file);
	if (!r && (!path || (*file)->type != S_IFCHR)) {
		keg_file_put(*file);
		*file = NULL;
		r = path ? -ENXIO : -ENOMEM;
	}
	return r;
}

int keg_system_open(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file)
{
	struct keg_text text;
	int r;

	if (keg_system_row(place)->host)
		return open_device(task, place, flags, file);
	if (S_ISCHR(place->stat.st_mode))
		return keg_pty_open_slave(task, place->number, flags, file);
	if ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC)
		return -EACCES;
	r = keg_system_text(task, place, &text);
	if (!r)
		r = keg_text_file(&text);
	free(text.at);
	return r < 0 ? r : keg_made_up_file(KEG_FILE_HOST, place, r, flags, file);
}

/* ---- Listing ---- */

/* The name in the directory `path` that the row is; NULL: none. */
static const char *child(const struct keg_system_file *file, const char *path)
{
	size_t length = strlen(path);
	const char *name = file->path + length + (length > 0);

	if (!file->path[0] || strncmp(file->path, path, length) != 0 ||
		(length && file->path[length] != '/') || strchr(name, '/'))
		return NULL;
	return name;
}

static void add_number(struct keg_listing *listing, int value, mode_t mode)
{
	char name[16];
	int length = snprintf(name, sizeof(name), "%d", value);

	keg_listing_add(
		listing, name, (size_t)length, (uint64_t)value + 1, (unsigned char)IFTODT(mode));
}

/* Those of /proc/PID/fd. As Linux has it, what lists a process's own is among them: it is the one
 * that is opened now. */
static void add_descriptors(struct keg_task *task, const struct keg_process *process,
	const struct keg_system_file *file, struct keg_listing *listing)
{
	struct keg_files *files = process->files;
	int own = process == task->process ? keg_files_free(files) : -1, at = -1;

	do {
		int next = keg_files_next(files, at + 1);

		if (own > at && (next < 0 || own < next))
			add_number(listing, own, file->mode);
		if (next >= 0)
			add_number(listing, next, file->mode);
		at = next;
	} while (at >= 0);
}

/* user->lock held */
static void add_numbers(struct keg_task *task, const struct keg_place *place,
	const struct keg_system_file *file, struct keg_listing *listing)
{
	struct keg_user *user = task->process->user;
	struct keg_process *process = place->pid ? keg_system_process(task, place->pid, 0) : NULL;

	if (place->mount->kind == KEG_MOUNT_DEV) {
		for (int i = keg_pty_next(user, 0); i >= 0; i = keg_pty_next(user, i + 1))
			add_number(listing, i, file->mode);
		return;
	}
	if (!place->pid) {
		for (process = user->processes; process; process = process->next)
			add_number(listing, process->pid, file->mode);
		return;
	}
	if (!process)
		return;
	if (S_ISDIR(file->mode)) {
		for (struct keg_task *of = process->tasks; of; of = of->next)
			if (!of->finished)
				add_number(listing, of->tid, file->mode);
	} else if (process->files) {
		add_descriptors(task, process, file, listing);
	}
}

int keg_system_list(
	struct keg_task *task, const struct keg_place *place, struct keg_listing *listing)
{
	struct keg_user *user = task->process->user;

	pthread_mutex_lock(&user->lock);
	for (const struct keg_system_file *file = keg_system_table(place->mount); file->path;
		file++) {
		const char *name = child(file, keg_system_row(place)->path);

		if (!name)
			continue;
		if (strcmp(name, "%") == 0)
			add_numbers(task, place, file, listing);
		else
			keg_listing_add(listing, name, strlen(name),
				(uint64_t)(file - keg_system_table(place->mount)) + UINT32_MAX,
				(unsigned char)IFTODT(file->mode));
	}
	pthread_mutex_unlock(&user->lock);
	return 0;
}
