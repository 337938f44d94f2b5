/* SPDX-License-Identifier: MIT */
/* System calls about memory: mmap(2) and its kin. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "user/files.h"
#include "user/object.h"
#include "user/space.h"
#include "user/task.h"

/* <linux/mman.h> */
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

static struct keg_space *space_of(struct keg_task *task)
{
	return task->process->space;
}

/* ---- mmap ---- */

/* What a mapping needs the file to be open for. */
static int check_access(const struct keg_file *file, const struct keg_mapping *mapping)
{
	const int access = file->flags & O_ACCMODE;

	if (file->kind == KEG_FILE_PATH || file->fd < 0)
		return -EBADF;
	if (access == O_WRONLY)
		return -EACCES;
	if ((mapping->flags & MAP_TYPE) != MAP_PRIVATE && mapping->protection & PROT_WRITE &&
		access != O_RDWR)
		return -EACCES;
	return 0;
}

/* Memory by another name (null(4)). */
static bool is_zero_device(const struct keg_file *file)
{
	struct stat stat;

	return fstat(file->fd, &stat) == 0 && S_ISCHR(stat.st_mode) &&
	       stat.st_rdev == makedev(1, 5);
}

static int64_t map_file(
	struct keg_task *task, const struct keg_file *file, struct keg_mapping *mapping)
{
	const bool shared = (mapping->flags & MAP_TYPE) != MAP_PRIVATE;
	int64_t at = check_access(file, mapping);

	if (at != 0)
		return at;
	mapping->name = file->path;
	mapping->read_only = (file->flags & O_ACCMODE) != O_RDWR;
	if (is_zero_device(file))
		return keg_space_map(space_of(task), mapping);
	at = keg_object_of_file(task->process->user->objects, file->fd, shared, &mapping->object);
	if (at != 0)
		return at;
	at = keg_space_map(space_of(task), mapping);
	keg_object_release(mapping->object);
	return at;
}

static int64_t keg_sys_mmap(struct keg_task *task, const uint64_t args[6])
{
	struct keg_mapping mapping = {
		.at = args[0],
		.length = args[1],
		.protection = (int)args[2],
		.flags = (int)args[3],
		.offset = args[5],
	};
	struct keg_file *file;
	int64_t at;

	if (mapping.flags & MAP_HUGETLB)
		return -ENOMEM;
	if (mapping.flags & MAP_ANONYMOUS) {
		mapping.offset = 0;
		return args[5] % KEG_PAGE ? -EINVAL : keg_space_map(space_of(task), &mapping);
	}
	file = keg_task_file(task, args[4]);
	if (!file)
		return -EBADF;
	at = map_file(task, file, &mapping);
	keg_file_put(file);
	return at;
}

/* ---- The others ---- */

static int64_t keg_sys_munmap(struct keg_task *task, const uint64_t args[6])
{
	return keg_space_unmap(space_of(task), args[0], args[1]);
}

static int64_t keg_sys_mprotect(struct keg_task *task, const uint64_t args[6])
{
	return keg_space_protect(space_of(task), args[0], args[1], (int)args[2]);
}

static int64_t keg_sys_pkey_mprotect(struct keg_task *task, const uint64_t args[6])
{
	/* No key was ever given out but the one that there is without keys. */
	return (int)args[3] == -1 ? keg_sys_mprotect(task, args) : -EINVAL;
}

static int64_t keg_sys_mremap(struct keg_task *task, const uint64_t args[6])
{
	return keg_space_remap(space_of(task), args[0], args[1], args[2], (int)args[3], args[4]);
}

static int64_t keg_sys_madvise(struct keg_task *task, const uint64_t args[6])
{
	return keg_space_advise(space_of(task), args[0], args[1], (int)args[2]);
}

static int64_t keg_sys_msync(struct keg_task *task, const uint64_t args[6])
{
	return keg_space_sync(space_of(task), args[0], args[1], (int)args[2]);
}

static int64_t keg_sys_brk(struct keg_task *task, const uint64_t args[6])
{
	return (int64_t)keg_space_brk(space_of(task), args[0]);
}

static int64_t keg_sys_mincore(struct keg_task *task, const uint64_t args[6])
{
	uint64_t at = args[0], left = (args[1] >> KEG_PAGE_SHIFT) + (args[1] % KEG_PAGE != 0);
	uint64_t to = args[2];

	if (at % KEG_PAGE != 0)
		return -EINVAL;
	if (at >= KEG_USER_TOP || left > (KEG_USER_TOP - at) >> KEG_PAGE_SHIFT)
		return -ENOMEM;
	while (left > 0 && !keg_task_called(task)) {
		uint8_t resident[512];
		const size_t count = left < sizeof(resident) ? (size_t)left : sizeof(resident);
		int result = keg_space_resident(space_of(task), at, count, resident);

		if (result == 0)
			result = keg_space_write(space_of(task), to, resident, count);
		if (result != 0)
			return result;
		at += (uint64_t)count << KEG_PAGE_SHIFT;
		to += count;
		left -= count;
	}
	return left > 0 ? KEG_RESTART : 0;
}

/* ---- Locking: nothing of a sandbox is ever swapped by keg; it is made present ---- */

static int64_t lock(struct keg_task *task, uint64_t at, uint64_t length, int advice)
{
	const uint64_t start = at & ~(uint64_t)(KEG_PAGE - 1);
	const int result = keg_space_advise(space_of(task), start, length + (at - start), advice);

	return result == -EFAULT ? -ENOMEM : result;
}

static int64_t keg_sys_mlock(struct keg_task *task, const uint64_t args[6])
{
	return lock(task, args[0], args[1], MADV_POPULATE_READ);
}

static int64_t keg_sys_mlock2(struct keg_task *task, const uint64_t args[6])
{
	if (args[2] & ~(uint64_t)MLOCK_ONFAULT)
		return -EINVAL;
	return lock(task, args[0], args[1], args[2] ? MADV_NORMAL : MADV_POPULATE_READ);
}

static int64_t keg_sys_munlock(struct keg_task *task, const uint64_t args[6])
{
	return lock(task, args[0], args[1], MADV_NORMAL);
}

static int64_t keg_sys_mlockall(struct keg_task *task, const uint64_t args[6])
{
	const uint64_t known = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

	(void)task;
	return args[0] == 0 || args[0] & ~known || args[0] == MCL_ONFAULT ? -EINVAL : 0;
}

static int64_t keg_sys_munlockall(struct keg_task *task, const uint64_t args[6])
{
	(void)task;
	(void)args;
	return 0;
}

const struct keg_syscall keg_syscalls_memory[] = {
	{SYS_mmap, "mmap", "puPMfx:x", keg_sys_mmap},
	{SYS_mprotect, "mprotect", "puP", keg_sys_mprotect},
	{SYS_munmap, "munmap", "pu", keg_sys_munmap},
	{SYS_brk, "brk", "p:x", keg_sys_brk},
	{SYS_mremap, "mremap", "puuxp:x", keg_sys_mremap},
	{SYS_msync, "msync", "pux", keg_sys_msync},
	{SYS_mincore, "mincore", "pup", keg_sys_mincore},
	{SYS_madvise, "madvise", "pud", keg_sys_madvise},
	{SYS_mlock, "mlock", "pu", keg_sys_mlock},
	{SYS_munlock, "munlock", "pu", keg_sys_munlock},
	{SYS_mlockall, "mlockall", "x", keg_sys_mlockall},
	{SYS_munlockall, "munlockall", "", keg_sys_munlockall},
	{SYS_mlock2, "mlock2", "pux", keg_sys_mlock2},
	{SYS_pkey_mprotect, "pkey_mprotect", "puPd", keg_sys_pkey_mprotect},
	{0, NULL, NULL, NULL},
};
