/* SPDX-License-Identifier: MIT */
/* The first process's memory and symbols, for the host. */
#include <elf.h>
#include <sys/mman.h>

#include "base/error.h"
#include "user/elf.h"
#include "user/files.h"
#include "user/mounts.h"
#include "user/space.h"
#include "user/task.h"

/* The first process's space; NULL: there is none any more, or not yet, and that is noted. */
static struct keg_space *space_of(struct keg_user *user)
{
	if (user->first && user->first->space)
		return user->first->space;
	keg_fail(EINVAL, user->first ? "the program has ended" : "the sandbox has no program");
	return NULL;
}

static int cannot(int error, const char *what, uint64_t address, size_t length)
{
	return keg_fail(error, "%s %zu bytes of the program's memory at 0x%llx", what, length,
		(unsigned long long)address);
}

int keg_user_read(struct keg_user *user, uint64_t address, void *to, size_t length)
{
	struct keg_space *space = space_of(user);
	int ret;

	if (!space)
		return -EINVAL;
	ret = keg_space_peek(space, to, address, length);
	return ret ? cannot(-ret, "reading", address, length) : 0;
}

int keg_user_write(struct keg_user *user, uint64_t address, const void *from, size_t length)
{
	struct keg_space *space = space_of(user);
	int ret;

	if (!space)
		return -EINVAL;
	ret = keg_space_poke(space, address, from, length);
	return ret ? cannot(-ret, "writing", address, length) : 0;
}

int keg_user_allocate(struct keg_user *user, size_t length, uint64_t *address)
{
	struct keg_space *space = space_of(user);
	int64_t at;

	if (!space)
		return -EINVAL;
	at = keg_space_map(space, &(struct keg_mapping){.length = length,
					  .protection = PROT_READ | PROT_WRITE,
					  .flags = MAP_PRIVATE | MAP_ANONYMOUS});
	if (at < 0)
		return keg_fail((int)-at, "no place for %zu bytes in the program's memory", length);
	*address = (uint64_t)at;
	return 0;
}

int keg_user_free(struct keg_user *user, uint64_t address, size_t length)
{
	struct keg_space *space = space_of(user);
	int ret;

	if (!space)
		return -EINVAL;
	ret = keg_space_unmap(space, address, length);
	return ret ? cannot(-ret, "freeing", address, length) : 0;
}

static uint64_t auxiliary(const struct keg_process *process, uint64_t type)
{
	const uint64_t *auxv = process->auxv;

	for (size_t i = 0; i + 1 < sizeof(process->auxv) / sizeof(*auxv); i += 2)
		if (auxv[i] == type)
			return auxv[i + 1];
	return 0;
}

static int find(struct keg_user *user, const char *name, uint64_t *address)
{
	KEG_HELD struct keg_file *file = NULL;
	struct keg_process *process = user->first;
	struct keg_program program = {0};
	struct keg_image image;
	int ret = keg_open_program(user->first_task, process->executable, &file);

	if (ret)
		return keg_fail_errno(-ret, "opening %s", process->executable);
	ret = keg_image_of_file(&image, file->fd);
	if (!ret)
		ret = keg_program_read(&image, &program);
	if (!ret)
		ret = keg_program_symbol(&image, name, address);
	/* Where it is, less where it was linked to be. */
	if (!ret)
		*address += auxiliary(process, AT_ENTRY) - program.entry;
	return ret ? keg_fail_within(ret, "%s", process->executable) : 0;
}

int keg_user_symbol(struct keg_user *user, const char *name, uint64_t *address)
{
	if (!space_of(user) || !user->first_task)
		return keg_fail(EINVAL, "there is no program to find %s in", name);
	return find(user, name, address);
}
