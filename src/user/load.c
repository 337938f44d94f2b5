/* SPDX-License-Identifier: MIT */
/* Loading a program: its files found and read, its memory and first stack made, its process told.
 */
#include "user/load.h"

#include <asm/unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

#include "base/error.h"
#include "user/commons.h"
#include "user/elf.h"
#include "user/files.h"
#include "user/load_map.h"
#include "user/mounts.h"
#include "user/policy.h"
#include "user/space.h"
#include "user/stack.h"
#include "user/task.h"
#include "user/vdso.h"

enum { SCRIPTS_MOST = 4 };

/* Where Linux puts the heap of a program that it has put among libraries: ELF_ET_DYN_BASE. */
#define HEAP_APART 0x555555554000ull

struct loader {
	struct keg_task *task;
	const char *path, *name; /* what is opened; as it was asked for */
	struct keg_words *arguments;
	char interpreter[KEG_SCRIPT_LINE]; /* a script's */
	struct keg_loaded program, library;
	struct keg_stack stack;
	uint64_t vdso; /* where it is; 0: there is none */
	char *executable;
};

/* A script's interpreter takes its place, and has its name and argument. */
static int follow_script(struct loader *loader, const char *name, const char *start, size_t bytes)
{
	struct keg_script script;
	int ret = keg_script_read(start, bytes, &script);
	const char *words[4] = {script.interpreter};
	uint32_t count = 1;

	if (ret)
		return ret;
	if (*script.argument)
		words[count++] = script.argument;
	words[count] = name;
	ret = keg_words_lead(loader->arguments, words);
	if (!ret)
		memcpy(loader->interpreter, script.interpreter, sizeof(loader->interpreter));
	return ret;
}

/* 1 if it is a script, whose interpreter is to be looked at now. */
static int open_one(struct loader *loader, const char *path, const char *name)
{
	struct keg_loaded *program = &loader->program;
	struct keg_image image;
	char start[KEG_SCRIPT_LINE];
	size_t bytes;
	int ret = keg_open_program(loader->task, path, &program->file);

	if (ret || !program->file)
		return keg_fail_errno(-ret, "opening it");
	ret = keg_image_of_file(&image, program->file->fd);
	if (ret)
		return ret;
	bytes = image.bytes < sizeof(start) ? (size_t)image.bytes : sizeof(start);
	ret = keg_image_read(&image, 0, start, bytes);
	if (ret)
		return ret;
	if (keg_program_is_elf(start, bytes))
		return keg_program_read(&image, &program->plan);
	if (!keg_script_is(start, bytes))
		return keg_fail(ENOEXEC, "neither an ELF program nor a script that begins with #!");
	ret = follow_script(loader, name, start, bytes);
	return ret ? ret : 1;
}

static int open_program(struct loader *loader)
{
	const char *path = loader->path, *name = loader->name;
	int ret;

	for (int scripts = 0;; scripts++) {
		ret = open_one(loader, path, name);
		if (ret <= 0)
			return ret < 0 ? keg_fail_within(ret, "loading %s", path) : 0;
		if (scripts == SCRIPTS_MOST)
			return keg_fail(ELOOP, "loading %s: more than %d scripts deep",
				loader->path, SCRIPTS_MOST);
		keg_file_put(loader->program.file);
		loader->program.file = NULL;
		path = name = loader->interpreter;
	}
}

/* The program's own interpreter, the dynamic linker. */
static int open_library(struct loader *loader)
{
	const char *path = loader->program.plan.interpreter;
	struct keg_loaded *library = &loader->library;
	struct keg_image image;
	int ret;

	if (!*path)
		return 0;
	ret = keg_open_program(loader->task, path, &library->file);
	if (ret)
		return keg_fail_errno(-ret, "the program's interpreter, %s", path);
	ret = keg_image_of_file(&image, library->file->fd);
	if (!ret)
		ret = keg_program_read(&image, &library->plan);
	if (!ret && !library->plan.relocatable)
		ret = keg_fail(ELIBBAD, "it is not relocatable");
	if (ret == -ENOEXEC)
		ret = -ELIBBAD;
	return ret ? keg_fail_within(ret, "the program's interpreter, %s", path) : 0;
}

/* What a signal's frame takes at most: Linux's own part of it, and the vector registers' state
 * (arch/x86/kernel/signal.c, init_sigframe_size()). */
static uint64_t signal_stack(struct keg_space *space)
{
	enum { FRAME = 440, PADDING = 24 + 63, MAGIC = 4 };

	return (FRAME + PADDING + MAGIC + keg_cpu_xstate_size(keg_space_machine(space)) + 15) &
	       -16ull;
}

static int make_stack(struct loader *loader, struct keg_space *space,
	const struct keg_words *environment, uint64_t limit)
{
	const struct keg_loaded *program = &loader->program;
	struct keg_stack_input input = {
		.top = KEG_USER_TOP,
		.arguments = loader->arguments,
		.environment = environment,
		.file = loader->name,
		.headers = program->plan.headers ? program->plan.headers + program->bias : 0,
		.header_count = program->plan.header_count,
		.base = loader->library.file ? loader->library.at : 0,
		.entry = program->plan.entry + program->bias,
		.hwcap = getauxval(AT_HWCAP),
		.signal_stack = signal_stack(space),
		.vdso = loader->vdso,
	};
	int ret;

	if (getrandom(input.random, sizeof(input.random), 0) != sizeof(input.random))
		return keg_fail_errno(errno, "random bytes for a program");
	ret = keg_stack_make(&input, &loader->stack);
	if (ret)
		return ret;
	if (loader->stack.size > limit / 4)
		return keg_fail(E2BIG, "arguments and environment of %zu bytes on a stack of %llu",
			loader->stack.size, (unsigned long long)limit);
	ret = keg_space_write(space, loader->stack.rsp, loader->stack.bytes, loader->stack.size);
	return ret ? keg_fail_errno(-ret, "filling the stack") : 0;
}

/* At most what is on the stack when the program begins. */
static uint64_t stack_bytes(const struct loader *loader, const struct keg_words *environment)
{
	const struct keg_words *arguments = loader->arguments;

	return arguments->bytes + environment->bytes + strlen(loader->name) + KEG_PAGE +
	       (arguments->count + (uint64_t)environment->count) * sizeof(uint64_t);
}

/* Not if any of the calls that it does without may not be made. */
static int map_vdso(struct loader *loader, struct keg_space *space)
{
	static const uint16_t spared[] = {
		__NR_clock_gettime, __NR_clock_getres, __NR_gettimeofday, __NR_time};
	const struct keg_user *user = loader->task->process->user;
	int64_t at;

	if (!user->commons->vdso)
		return 0;
	for (size_t i = 0; i < sizeof(spared) / sizeof(spared[0]); i++)
		if (user->policy->refused[spared[i]])
			return 0;
	at = keg_vdso_map(user->commons->vdso, space);
	if (at < 0)
		return keg_fail_errno((int)-at, "mapping the vDSO");
	loader->vdso = (uint64_t)at;
	return 0;
}

static int fill_space(
	struct loader *loader, struct keg_space *space, const struct keg_words *environment)
{
	struct keg_process *process = loader->task->process;
	const struct rlimit *limits = process->limits;
	struct keg_object_cache *objects = process->user->objects;
	struct keg_loaded *program = &loader->program;
	uint64_t stack = keg_load_stack_limit(limits[RLIMIT_STACK].rlim_cur);
	int ret;

	keg_space_set_limits(
		space, &(struct keg_space_limits){limits[RLIMIT_AS].rlim_cur,
			       limits[RLIMIT_DATA].rlim_cur, limits[RLIMIT_STACK].rlim_cur});
	ret = keg_load_map_stack(
		space, stack_bytes(loader, environment), stack, program->plan.executable_stack);
	if (!ret)
		ret = keg_load_map(space, objects, program, KEG_USER_TOP - stack);
	if (!ret && loader->library.file)
		ret = keg_load_map(space, objects, &loader->library, KEG_USER_TOP - stack);
	if (!ret)
		ret = map_vdso(loader, space);
	if (!ret)
		ret = keg_space_set_brk(space, program->plan.relocatable && !loader->library.file
						       ? HEAP_APART
						       : program->plan.end + program->bias);
	if (!ret)
		ret = make_stack(loader, space, environment, stack);
	return ret ? keg_fail_within(ret, "loading %s", loader->path) : 0;
}

/* Nothing can fail any more. */
static void tell_process(struct loader *loader)
{
	const struct keg_loaded *first = loader->library.file ? &loader->library : &loader->program;
	const struct keg_stack *stack = &loader->stack;
	struct keg_process *process = loader->task->process;
	struct keg_task *task = loader->task;
	struct keg_cpu *cpu = task->cpu;
	const char *slash = strrchr(loader->name, '/');

	_Static_assert(sizeof(stack->auxv) == sizeof(process->auxv), "the same vector");
	pthread_mutex_lock(&process->user->lock);
	free(process->executable);
	process->executable = loader->executable;
	loader->executable = NULL;
	snprintf(task->name, sizeof(task->name), "%.15s", slash ? slash + 1 : loader->name);
	memcpy(process->auxv, stack->auxv, sizeof(process->auxv));
	process->args_at = stack->args_at;
	process->args_end = stack->args_end;
	process->env_at = stack->env_at;
	process->env_end = stack->env_end;
	process->brk_start = loader->program.plan.relocatable && !loader->library.file
				     ? HEAP_APART
				     : loader->program.plan.end + loader->program.bias;
	pthread_mutex_unlock(&process->user->lock);
	cpu->regs = (struct keg_user_registers){
		.rip = first->plan.entry + first->bias,
		.rsp = stack->rsp,
		.rflags = 0x202, /* interrupts enabled, and the bit that is always set */
	};
	cpu->bases_changed = true;
}

/* Linux gives a program without any argument an empty one (since 5.18). */
static int name_program(struct loader *loader)
{
	static const char *const empty[] = {"", NULL};

	return loader->arguments->count ? 0 : keg_words_lead(loader->arguments, empty);
}

static int load(struct loader *loader, struct keg_space *space, const struct keg_words *environment)
{
	int ret = name_program(loader);

	if (!ret)
		ret = open_program(loader);
	if (!ret)
		ret = open_library(loader);
	if (!ret)
		ret = fill_space(loader, space, environment);
	if (ret)
		return ret;
	loader->executable =
		strdup(loader->program.file->path ? loader->program.file->path : loader->path);
	if (!loader->executable)
		return keg_fail(ENOMEM, "no memory for a program's name");
	tell_process(loader);
	return 0;
}

int keg_load_program(struct keg_task *task, struct keg_space *space, const struct keg_load *what)
{
	struct loader *loader = calloc(1, sizeof(*loader));
	int ret;

	if (!loader)
		return keg_fail(ENOMEM, "no memory for loading a program");
	loader->task = task;
	loader->path = what->path;
	loader->name = what->name;
	loader->arguments = what->arguments;
	ret = load(loader, space, what->environment);
	if (loader->program.file)
		keg_file_put(loader->program.file);
	if (loader->library.file)
		keg_file_put(loader->library.file);
	keg_stack_free(&loader->stack);
	free(loader->executable);
	free(loader);
	return ret;
}
