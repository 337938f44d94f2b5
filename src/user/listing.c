/* SPDX-License-Identifier: MIT */
/* Listing directories that the host does not have as the program sees them. */
#include "user/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/mount_list.h"
#include "user/task.h"

enum {
	HEAD = offsetof(struct dirent64, d_name),
	CHUNK = 32768, /* asked of the host at once */
};

static bool is_there(const struct keg_listing *listing, const char *name, size_t length)
{
	for (size_t at = 0; at < listing->first;) {
		struct dirent64 entry;

		memcpy(&entry, listing->text.at + at, HEAD);
		if (memcmp(listing->text.at + at + HEAD, name, length) == 0 &&
			!listing->text.at[at + HEAD + length])
			return true;
		at += entry.d_reclen;
	}
	return false;
}

void keg_listing_add(struct keg_listing *listing, const char *name, size_t length, uint64_t inode,
	unsigned char type)
{
	char record[HEAD + NAME_MAX + 9] = {0};
	size_t bytes = (HEAD + length + 1 + 7) / 8 * 8;
	struct dirent64 entry = {
		.d_ino = inode,
		.d_off = (off64_t)(listing->text.length + bytes),
		.d_reclen = (unsigned short)bytes,
		.d_type = type,
	};

	if (length > NAME_MAX)
		return;
	memcpy(record, &entry, HEAD);
	memcpy(record + HEAD, name, length);
	keg_text_add(&listing->text, record, bytes);
}

/* What mounts make of the directory. */
static void add_mounts(
	struct keg_task *task, const struct keg_place *place, struct keg_listing *listing)
{
	const struct keg_mounts *mounts = task->process->user->mounts;
	size_t length = place->path[1] ? strlen(place->path) : 0;
	const char *name = NULL;

	for (uint32_t i = 0; i < mounts->count; i++) {
		const struct keg_mount *mount = &mounts->at[i];
		size_t bytes = keg_mounts_child(mounts, i, place->path, length, &name);

		listing->first = listing->text.length;
		if (bytes && !is_there(listing, name, bytes))
			keg_listing_add(listing, name, bytes, UINT32_MAX + 1ull + i,
				mount->name && !name[bytes] ? DT_REG : DT_DIR);
	}
	listing->first = listing->text.length;
}

static int add_host(const struct keg_place *place, struct keg_listing *listing)
{
	char buffer[CHUNK] __attribute__((aligned(8)));
	int fd = keg_beneath(place->base, place->name, O_RDONLY | O_DIRECTORY, 0);
	long bytes;

	if (fd < 0)
		return fd;
	while ((bytes = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0)
		for (long at = 0; at < bytes;) {
			const struct dirent64 *entry = (const void *)(buffer + at);
			size_t length = strlen(entry->d_name);

			if (!is_there(listing, entry->d_name, length))
				keg_listing_add(listing, entry->d_name, length, entry->d_ino,
					entry->d_type);
			at += entry->d_reclen;
		}
	bytes = bytes < 0 ? -errno : 0;
	close(fd);
	return (int)bytes;
}

/* ---- Files that are made up ---- */

static ssize_t no_read(
	struct keg_task *task, struct keg_file *file, void *to, size_t length, int64_t offset)
{
	(void)task, (void)file, (void)to, (void)length, (void)offset;
	return -EISDIR;
}

static ssize_t no_write(struct keg_task *task, struct keg_file *file, const void *from,
	size_t length, int64_t offset)
{
	(void)task, (void)file, (void)from, (void)length, (void)offset;
	return -EBADF;
}

static int tell_stat(struct keg_task *task, struct keg_file *file, struct stat *st)
{
	(void)task;
	*st = *(const struct stat *)file->state;
	return 0;
}

static void let_go(struct keg_file *file)
{
	free(file->state);
}

static const struct keg_file_operations directory_operations = {
	.read = no_read, .write = no_write, .stat = tell_stat, .release = let_go};
static const struct keg_file_operations text_operations = {
	.write = no_write, .stat = tell_stat, .release = let_go};

int keg_made_up_file(enum keg_file_kind kind, const struct keg_place *place, int fd, int flags,
	struct keg_file **file)
{
	char *path = strdup(place->path);
	struct stat *st = malloc(sizeof(*st));
	int r = path && st ? 0 : -ENOMEM;

	*file = NULL;
	if (r && fd >= 0)
		close(fd);
	if (!r)
		r = keg_file_create(kind, fd, flags, path, file);
	else
		free(path);
	if (r) {
		free(st);
		return r;
	}
	*st = place->stat;
	(*file)->state = st;
	(*file)->type = st->st_mode & S_IFMT;
	(*file)->operations = kind == KEG_FILE_DIRECTORY ? &directory_operations : &text_operations;
	return 0;
}

int keg_text_file(const struct keg_text *text)
{
	int fd = memfd_create("keg", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t done = 0;

	if (fd < 0)
		return errno == EMFILE ? -ENFILE : -errno;
	while (done < text->length) {
		ssize_t bytes = pwrite(fd, text->at + done, text->length - done, (off_t)done);

		if (bytes <= 0) {
			close(fd);
			return bytes < 0 ? -errno : -EIO;
		}
		done += (size_t)bytes;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	return fd;
}

/* ---- Directories ---- */

int keg_listing_open(
	struct keg_task *task, const struct keg_place *place, int flags, struct keg_file **file)
{
	struct keg_listing listing = {0};
	int r = 0;

	keg_listing_add(&listing, ".", 1, place->stat.st_ino, DT_DIR);
	keg_listing_add(&listing, "..", 2, place->stat.st_ino, DT_DIR);
	add_mounts(task, place, &listing);
	if (place->base >= 0)
		r = add_host(place, &listing);
	else if (place->mount && place->kind > 0)
		r = keg_system_list(task, place, &listing);
	if (!r && listing.text.failed)
		r = -ENOMEM;
	if (!r)
		r = keg_text_file(&listing.text);
	free(listing.text.at);
	if (r < 0)
		return r;
	r = keg_made_up_file(KEG_FILE_DIRECTORY, place, r, flags, file);
	if (!r)
		(*file)->writable_mount = place->writable;
	return r;
}

int64_t keg_listing_read(struct keg_file *file, void *to, size_t size)
{
	off_t at = lseek(file->fd, 0, SEEK_CUR);
	ssize_t bytes = at < 0 ? -1 : pread(file->fd, to, size, at);
	size_t whole = 0;

	if (bytes < 0)
		return -errno;
	/* Only whole records, and none that a position in the middle of one would forge. */
	while (whole + HEAD < (size_t)bytes) {
		struct dirent64 entry;

		memcpy(&entry, (char *)to + whole, HEAD);
		if (entry.d_off != at + (off_t)whole + entry.d_reclen ||
			entry.d_reclen > (size_t)bytes - whole || entry.d_reclen <= HEAD)
			break;
		whole += entry.d_reclen;
	}
	if (bytes > 0 && !whole)
		return -EINVAL;
	return lseek(file->fd, at + (off_t)whole, SEEK_SET) < 0 ? -errno : (int64_t)whole;
}
