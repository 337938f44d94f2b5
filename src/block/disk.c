/* SPDX-License-Identifier: MIT */
/* Opening an image or a block device, locking it, and finding out what it can. */
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/error.h"
#include "block/inside.h"

enum {
	SECTOR = 512,
	PAGE = 4096,
	ALL_FLAGS = KEG_DISK_READONLY | KEG_DISK_DIRECT | KEG_DISK_SCRATCH | KEG_DISK_THREADS |
		    KEG_DISK_NO_SYNC,
};

/* File systems without a device behind them (statfs(2)). */
static bool is_in_memory(int fd)
{
	enum { TMPFS = 0x01021994, RAMFS = (int)0x858458f6 };
	struct statfs fs;

	return !fstatfs(fd, &fs) && ((int)fs.f_type == TMPFS || (int)fs.f_type == RAMFS);
}

static int check(const struct keg_disk_config *config)
{
	if (!config->path || !*config->path)
		return keg_fail(EINVAL, "a disk needs the path of an image or a block device");
	if (config->flags & ~(uint32_t)ALL_FLAGS)
		return keg_fail(EINVAL, "disk %s: there are no flags %#x", config->path,
			config->flags & ~(uint32_t)ALL_FLAGS);
	if (config->flags & KEG_DISK_SCRATCH && config->flags & KEG_DISK_READONLY)
		return keg_fail(EINVAL,
			"disk %s: nothing is written to a read-only disk, so it needs no scratch",
			config->path);
	if (config->flags & KEG_DISK_SCRATCH && config->flags & KEG_DISK_DIRECT)
		return keg_fail(EINVAL,
			"disk %s: a scratch disk is kept in the page cache, and cannot be direct",
			config->path);
	return 0;
}

static int open_path(const char *path, bool writable, int flags)
{
	int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | flags);

	if (fd >= 0)
		return fd;
	if (writable && (errno == EACCES || errno == EPERM || errno == EROFS))
		return keg_fail_errno(errno,
			"opening disk %s for writing (\",ro\" only reads it, \",scratch\" leaves "
			"it as "
			"it is)",
			path);
	if (flags & O_DIRECT && errno == EINVAL)
		return keg_fail(EINVAL,
			"disk %s: its file system has no O_DIRECT; leave \",direct\" out", path);
	return keg_fail_errno(errno, "opening disk %s", path);
}

/* Open file description locks (fcntl(2)) end with the descriptor, whatever else is closed. */
static int lock(int fd, const char *path, bool writable)
{
	struct flock all = {.l_type = writable ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_OFD_SETLK, &all))
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return keg_fail(EBUSY,
			writable ? "disk %s is in use by another machine or program, which has "
				   "locked it: end that first, or open it \",ro\" in both"
				 : "disk %s is being written by another machine or program, which "
				   "has locked it: end that first",
			path);
	/* A file system that knows no locks: two machines could write to it. It is the user's. */
	if (errno == ENOLCK || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)
		return 0;
	return keg_fail_errno(errno, "locking disk %s", path);
}

/*
 * A block device that is mounted is nobody else's to write: who opens it with O_EXCL is told
 * (open(2)). It is not kept so, because the kernel then zeroes and discards for its holder only.
 */
static int check_unused(const char *path)
{
	int fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EBUSY)
		return keg_fail(EBUSY,
			"block device %s is in use: it is mounted, or a part of it, or another "
			"device is made of it; end that first, or open it \",ro\"",
			path);
	return keg_fail_errno(errno, "asking whether block device %s is in use", path);
}

static int measure_device(struct keg_disk *disk, const char *path)
{
	unsigned int physical = 0;
	int logical = 0;

	if (ioctl(disk->lock_fd, BLKGETSIZE64, &disk->bytes) ||
		ioctl(disk->lock_fd, BLKSSZGET, &logical) ||
		ioctl(disk->lock_fd, BLKPBSZGET, &physical))
		return keg_fail_errno(errno, "asking block device %s for its size", path);
	if (logical < SECTOR || logical > 65536 || logical & (logical - 1))
		return keg_fail(EINVAL, "block device %s has blocks of %d bytes", path, logical);
	disk->is_device = true;
	disk->block_size = (uint32_t)logical;
	disk->physical_block_size = physical < disk->block_size ? disk->block_size : physical;
	return 0;
}

static int measure(struct keg_disk *disk, const char *path)
{
	struct stat st;

	if (fstat(disk->lock_fd, &st))
		return keg_fail_errno(errno, "asking for the size of disk %s", path);
	if (S_ISBLK(st.st_mode))
		return measure_device(disk, path);
	if (!S_ISREG(st.st_mode))
		return keg_fail(EINVAL, "disk %s is neither a file nor a block device", path);
	disk->bytes = (uint64_t)st.st_size;
	disk->block_size = SECTOR; /* an image's partition tables count in these */
	disk->physical_block_size = PAGE;
	disk->in_memory = is_in_memory(disk->lock_fd);
	return 0;
}

/* What O_DIRECT asks for differs from one file system to the next: 512 is tried. */
static int find_alignment(struct keg_disk *disk, const char *path)
{
	char *memory = aligned_alloc(PAGE, PAGE);
	ssize_t got;

	if (!memory)
		return keg_fail(ENOMEM, "no memory to try O_DIRECT on disk %s", path);
	disk->align = disk->block_size;
	if (disk->align < PAGE) {
		do
			got = pread(disk->fd, memory + SECTOR, disk->align, 0);
		while (got < 0 && errno == EINTR);
		if (got < 0 && errno == EINVAL)
			disk->align = PAGE;
	}
	free(memory);
	disk->in_memory = false;
	if (disk->physical_block_size < disk->align)
		disk->physical_block_size = disk->align;
	return 0;
}

/* Beyond the file's end there is nothing to lose: what the file system says there, it says
 * anywhere. The disk may end before that, if the file's size is odd. */
static bool can_punch(const struct keg_disk *disk, uint64_t file_bytes)
{
	if (keg_disk_is_readonly(disk) || disk->scratch)
		return false;
	return disk->is_device || !fallocate(disk->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
					  (off_t)((file_bytes + PAGE - 1) / PAGE * PAGE), PAGE);
}

/* Without O_DIRECT, where the file system knows RWF_NOWAIT (preadv2(2)). */
static bool has_cached_reads(const struct keg_disk *disk)
{
	char byte;
	struct iovec iov = {&byte, 1};

	return disk->align == 1 && (!disk->in_memory || disk->scratch) &&
	       (preadv2(disk->fd, &iov, 1, 0, RWF_NOWAIT) >= 0 || errno == EAGAIN);
}

/* The path is looked up twice, and may lead elsewhere the second time. */
static int check_same(const struct keg_disk *disk, const char *path)
{
	struct stat locked, opened;

	if (fstat(disk->lock_fd, &locked) || fstat(disk->fd, &opened))
		return keg_fail_errno(errno, "asking for the identity of disk %s", path);
	if (locked.st_dev != opened.st_dev || locked.st_ino != opened.st_ino)
		return keg_fail(ESTALE, "disk %s was replaced while it was opened", path);
	return 0;
}

static int open_disk(struct keg_disk *disk, const struct keg_disk_config *config)
{
	bool writable = !(config->flags & (KEG_DISK_READONLY | KEG_DISK_SCRATCH));
	bool direct = config->flags & KEG_DISK_DIRECT;
	uint64_t file_bytes;
	int rc;

	rc = disk->lock_fd = open_path(config->path, writable, O_NONBLOCK);
	if (rc >= 0)
		rc = measure(disk, config->path);
	if (!rc)
		rc = lock(disk->lock_fd, config->path, writable);
	if (!rc && disk->is_device && writable)
		rc = check_unused(config->path);
	if (!rc)
		rc = disk->fd = open_path(config->path, writable, direct ? O_DIRECT : 0);
	if (rc >= 0)
		rc = check_same(disk, config->path);
	if (!rc)
		rc = direct ? find_alignment(disk, config->path) : 0;
	if (rc)
		return rc;
	file_bytes = disk->bytes;
	/* With O_DIRECT the last bytes of an odd size could be written only by growing the file. */
	disk->bytes -= disk->bytes % (disk->align > SECTOR ? disk->align : SECTOR);
	if (!disk->bytes)
		return keg_fail(EINVAL,
			"disk %s is empty: an image needs at least %u bytes (truncate -s 8G makes "
			"one)",
			config->path, disk->align > SECTOR ? disk->align : (uint32_t)SECTOR);
	if (disk->bytes > INT64_MAX - UINT32_MAX)
		return keg_fail(EFBIG, "disk %s is too large", config->path);
	if (config->flags & KEG_DISK_SCRATCH)
		rc = keg_scratch_open(disk->bytes, config->scratch_folder, &disk->scratch);
	if (rc)
		return rc;
	disk->can_punch = can_punch(disk, file_bytes);
	disk->cached_reads = has_cached_reads(disk);
	return 0;
}

int keg_disk_open(const struct keg_disk_config *given, struct keg_disk **made)
{
	struct keg_disk_config config;
	struct keg_disk *disk;
	int rc;

	if (!given)
		return keg_fail(EINVAL, "opening a disk: there is no configuration");
	rc = keg_config_copy(&config, sizeof(config), given, given->size, "a disk's configuration");
	if (!rc)
		rc = check(&config);
	if (rc)
		return rc;
	disk = calloc(1, sizeof(*disk));
	if (!disk)
		return keg_fail(ENOMEM, "no memory for disk %s", config.path);
	rc = pthread_mutex_init(&disk->edges, NULL);
	if (rc) {
		free(disk);
		return keg_fail_errno(rc, "making the lock of disk %s", config.path);
	}
	disk->fd = disk->lock_fd = -1;
	disk->flags = config.flags;
	disk->align = 1;
	rc = open_disk(disk, &config);
	if (rc)
		keg_disk_close(disk);
	else
		*made = disk;
	return rc;
}

void keg_disk_close(struct keg_disk *disk)
{
	if (!disk)
		return;
	keg_scratch_close(disk->scratch);
	if (disk->fd >= 0)
		close(disk->fd);
	if (disk->lock_fd >= 0)
		close(disk->lock_fd);
	pthread_mutex_destroy(&disk->edges);
	free(disk);
}

void keg_disk_get_facts(const struct keg_disk *disk, struct keg_disk_facts *facts)
{
	*facts = (struct keg_disk_facts){
		.bytes = disk->bytes,
		.block_size = disk->block_size,
		.physical_block_size = disk->physical_block_size,
		.readonly = keg_disk_is_readonly(disk),
		.can_discard = disk->can_punch,
		.can_write_zeroes = disk->can_punch || disk->scratch,
	};
}
