/* SPDX-License-Identifier: MIT */
/*
 * Shared memory of System V: shmget(2), shmat(2), shmdt(2), shmctl(2). The sandbox's own; a segment
 * is memory of its arena, and so within its limit. Who is attached is counted in the processes'
 * mappings when somebody asks, so that forks, ends and munmap(2) need not be followed.
 */
#include <asm/unistd.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <time.h>
#include <unistd.h>

#include "user/object.h"
#include "user/process.h"
#include "user/shared.h"
#include "user/space.h"

#define SEGMENTS 256

struct segment {
	struct keg_object *object; /* NULL: there is none at this place */
	bool removed;              /* it goes with the last who is attached */
	uint32_t generation;       /* of this place: part of the segment's number */
	struct shmid_ds status;    /* but for shm_nattch */
};

struct keg_shared { /* all with user->lock held */
	struct segment at[SEGMENTS];
};

/* ---- Who is attached ---- */

/* Two processes may have one space for a while: vfork(2). */
static bool was_counted(const struct keg_user *user, const struct keg_process *process)
{
	for (const struct keg_process *each = user->processes; each != process; each = each->next) {
		if (each->space == process->space)
			return true;
	}
	return false;
}

/* Mappings of living processes. One that has just ended holds its memory for a moment yet. */
static uint64_t count_attached(const struct keg_user *user, const struct segment *segment)
{
	uint64_t count = 0;

	if (keg_object_references(segment->object) == 1)
		return 0;
	for (const struct keg_process *each = user->processes; each; each = each->next) {
		if (each->space && !was_counted(user, each))
			count += keg_space_count_object(each->space, segment->object);
	}
	return count;
}

static void let_go(struct segment *segment)
{
	keg_object_release(segment->object);
	segment->object = NULL;
	segment->generation++;
}

/* Lets go of a segment that was removed, if nobody is attached any more. */
static void sweep(const struct keg_user *user, struct segment *segment)
{
	if (segment->object && segment->removed && !count_attached(user, segment))
		let_go(segment);
}

/* The same of all of them, as far as it is seen without looking at all mappings. */
static void sweep_all(const struct keg_user *user)
{
	for (size_t i = 0; user->shared && i < SEGMENTS; i++) {
		struct segment *segment = &user->shared->at[i];

		if (segment->object && segment->removed &&
			keg_object_references(segment->object) == 1)
			let_go(segment);
	}
}

bool keg_shared_is_empty(struct keg_user *user)
{
	bool empty = true;

	pthread_mutex_lock(&user->lock);
	sweep_all(user);
	for (size_t i = 0; user->shared && i < SEGMENTS; i++)
		empty = empty && !user->shared->at[i].object;
	pthread_mutex_unlock(&user->lock);
	return empty;
}

void keg_shared_destroy(struct keg_shared *shared)
{
	for (size_t i = 0; shared && i < SEGMENTS; i++) {
		if (shared->at[i].object)
			keg_object_release(shared->at[i].object);
	}
	free(shared);
}

/* ---- Segments ---- */

static int number_of(const struct keg_shared *shared, const struct segment *segment)
{
	return (int)((segment->generation % (INT32_MAX / SEGMENTS)) * SEGMENTS +
		     (uint32_t)(segment - shared->at));
}

static struct segment *by_number(const struct keg_user *user, uint64_t number)
{
	struct segment *segment;

	if (!user->shared || (int)number < 0)
		return NULL;
	segment = &user->shared->at[(int)number % SEGMENTS];
	sweep(user, segment);
	return segment->object && number_of(user->shared, segment) == (int)number ? segment : NULL;
}

static struct segment *by_key(struct keg_shared *shared, key_t key)
{
	for (size_t i = 0; key != IPC_PRIVATE && i < SEGMENTS; i++) {
		struct segment *segment = &shared->at[i];

		if (segment->object && !segment->removed && segment->status.shm_perm.__key == key)
			return segment;
	}
	return NULL;
}

static int64_t make(struct keg_task *task, key_t key, uint64_t size, int flags)
{
	struct keg_user *user = task->process->user;
	struct segment *segment = user->shared->at, *end = segment + SEGMENTS;
	int r;

	if (size == 0 || size > SIZE_MAX / 2)
		return -EINVAL;
	if (flags & SHM_HUGETLB || size > user->config.memory)
		return -ENOMEM;
	while (segment < end && segment->object)
		segment++;
	if (segment == end)
		return -ENOSPC;
	r = keg_object_anonymous(
		user->pages, (size + KEG_PAGE - 1) / KEG_PAGE * KEG_PAGE, &segment->object);
	if (r < 0)
		return r;
	segment->removed = false;
	segment->status = (struct shmid_ds){
		.shm_segsz = size, .shm_ctime = time(NULL), .shm_cpid = task->process->pid};
	segment->status.shm_perm.__key = key;
	segment->status.shm_perm.uid = segment->status.shm_perm.cuid = geteuid();
	segment->status.shm_perm.gid = segment->status.shm_perm.cgid = getegid();
	segment->status.shm_perm.mode = (unsigned short)(flags & 0777);
	return number_of(user->shared, segment);
}

static int64_t get(struct keg_task *task, key_t key, uint64_t size, int flags)
{
	struct keg_user *user = task->process->user;
	const struct segment *found;

	if (!user->shared)
		user->shared = calloc(1, sizeof(*user->shared));
	if (!user->shared)
		return -ENOMEM;
	sweep_all(user);
	found = by_key(user->shared, key);
	if (!found)
		return key == IPC_PRIVATE || flags & IPC_CREAT ? make(task, key, size, flags)
							       : -ENOENT;
	if (flags & IPC_CREAT && flags & IPC_EXCL)
		return -EEXIST;
	return size > found->status.shm_segsz ? -EINVAL : number_of(user->shared, found);
}

static int64_t sys_shmget(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	int64_t result;

	pthread_mutex_lock(&user->lock);
	result = get(task, (key_t)args[0], args[1], (int)args[2]);
	pthread_mutex_unlock(&user->lock);
	return result;
}

/* ---- Attaching ---- */

/* The segment's memory, held, and its size; it may be removed meanwhile. */
static struct keg_object *hold(struct keg_task *task, uint64_t number, uint64_t *size, key_t *key)
{
	struct keg_user *user = task->process->user;
	struct keg_object *object = NULL;
	struct segment *segment;

	pthread_mutex_lock(&user->lock);
	segment = by_number(user, number);
	if (segment) {
		object = segment->object;
		keg_object_hold(object);
		*size = segment->status.shm_segsz;
		*key = segment->status.shm_perm.__key;
		segment->status.shm_atime = time(NULL);
		segment->status.shm_lpid = task->process->pid;
	}
	pthread_mutex_unlock(&user->lock);
	return object;
}

static int64_t sys_shmat(struct keg_task *task, const uint64_t args[6])
{
	struct keg_mapping mapping = {.flags = MAP_SHARED, .at = args[1]};
	int flags = (int)args[2];
	char name[32];
	int64_t at;
	key_t key;

	if (flags & SHM_RND)
		mapping.at &= ~(uint64_t)(KEG_PAGE - 1);
	if (mapping.at % KEG_PAGE || (flags & SHM_REMAP && !mapping.at))
		return -EINVAL;
	if (mapping.at)
		mapping.flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	mapping.protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) |
			     (flags & SHM_EXEC ? PROT_EXEC : 0);
	mapping.read_only = flags & SHM_RDONLY;
	mapping.object = hold(task, args[0], &mapping.length, &key);
	if (!mapping.object)
		return -EINVAL;
	snprintf(name, sizeof(name), "/SYSV%08x (deleted)", (unsigned)key);
	mapping.name = name;
	at = keg_space_map(task->process->space, &mapping);
	keg_object_release(mapping.object);
	return at == -EEXIST ? -EINVAL : at;
}

/* The size of what is attached at an address; 0: nothing is. */
static uint64_t detach(struct keg_task *task, uint64_t at)
{
	struct keg_user *user = task->process->user;
	uint64_t size = 0;

	pthread_mutex_lock(&user->lock);
	for (size_t i = 0; user->shared && i < SEGMENTS && !size; i++) {
		struct segment *segment = &user->shared->at[i];

		if (!segment->object ||
			!keg_space_begins_object(task->process->space, at, segment->object))
			continue;
		size = segment->status.shm_segsz;
		segment->status.shm_dtime = time(NULL);
		segment->status.shm_lpid = task->process->pid;
	}
	pthread_mutex_unlock(&user->lock);
	return size;
}

/* Unmapping makes other threads look: they may want the lock. A removed segment goes when somebody
 * asks for one again. */
static int64_t sys_shmdt(struct keg_task *task, const uint64_t args[6])
{
	uint64_t size = detach(task, args[0]);

	return size ? keg_space_unmap(task->process->space, args[0], size) : -EINVAL;
}

/* ---- What is said of one, and changed ---- */

/* IPC_STAT fills in the status, IPC_SET takes it. */
static int64_t control(
	const struct keg_user *user, struct segment *segment, int command, struct shmid_ds *status)
{
	switch (command) {
	case IPC_STAT:
		*status = segment->status;
		status->shm_nattch = count_attached(user, segment);
		if (segment->removed)
			status->shm_perm.mode |= SHM_DEST;
		return 0;
	case IPC_SET:
		segment->status.shm_perm.mode = status->shm_perm.mode & 0777;
		segment->status.shm_ctime = time(NULL);
		return 0;
	case IPC_RMID:
		segment->removed = true;
		segment->status.shm_perm.__key = IPC_PRIVATE;
		sweep(user, segment);
		return 0;
	case SHM_LOCK:
	case SHM_UNLOCK:
		return 0;
	default:
		return -EINVAL;
	}
}

/* The program's memory is read and written without the lock: other threads may have to look. */
static int64_t sys_shmctl(struct keg_task *task, const uint64_t args[6])
{
	struct keg_user *user = task->process->user;
	struct keg_space *space = task->process->space;
	const int command = (int)args[1];
	struct shmid_ds status = {0};
	struct segment *segment;
	int64_t result = -EINVAL;

	if (command == IPC_SET && keg_space_read(space, &status, args[2], sizeof(status)) < 0)
		return -EFAULT;
	pthread_mutex_lock(&user->lock);
	segment = by_number(user, args[0]);
	if (segment)
		result = control(user, segment, command, &status);
	pthread_mutex_unlock(&user->lock);
	if (result == 0 && command == IPC_STAT)
		return keg_space_write(space, args[2], &status, sizeof(status));
	return result;
}

const struct keg_syscall keg_syscalls_shared[] = {
	{__NR_shmget, "shmget", "xux", sys_shmget},
	{__NR_shmat, "shmat", "dpx:x", sys_shmat},
	{__NR_shmdt, "shmdt", "p", sys_shmdt},
	{__NR_shmctl, "shmctl", "ddp", sys_shmctl},
	{0},
};
