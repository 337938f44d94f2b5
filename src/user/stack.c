/* SPDX-License-Identifier: MIT */
/* The stack that a program begins with. */
#include "user/stack.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "user/pages.h"

static const char PLATFORM[] = "x86_64";

/* Since Linux 6.3 in <linux/auxvec.h>; older C libraries lack it. */
#ifndef AT_MINSIGSTKSZ
#define AT_MINSIGSTKSZ 51
#endif

enum { CLOCK_TICKS = 100 }; /* a second, as x86-64 has them for user space */

/* Where the strings come to be: each begins where the one before it ends. */
struct places {
	uint64_t random, platform, strings, args, env, file;
	uint64_t end;
};

static void note_auxv(
	const struct keg_stack_input *input, const struct places *places, uint64_t *auxv)
{
	const Elf64_auxv_t vector[] = {
		{AT_HWCAP, {input->hwcap}},
		{AT_PAGESZ, {KEG_PAGE}},
		{AT_CLKTCK, {CLOCK_TICKS}},
		{AT_PHDR, {input->headers}},
		{AT_PHENT, {sizeof(Elf64_Phdr)}},
		{AT_PHNUM, {input->header_count}},
		{AT_BASE, {input->base}},
		{AT_FLAGS, {0}},
		{AT_ENTRY, {input->entry}},
		{AT_UID, {getuid()}},
		{AT_EUID, {geteuid()}},
		{AT_GID, {getgid()}},
		{AT_EGID, {getegid()}},
		{AT_SECURE, {0}},
		{AT_RANDOM, {places->random}},
		{AT_HWCAP2, {0}}, /* no ring-3 MWAIT, no FSGSBASE */
		{AT_EXECFN, {places->file}},
		{AT_PLATFORM, {places->platform}},
		{AT_MINSIGSTKSZ, {input->signal_stack}},
		{input->vdso ? AT_SYSINFO_EHDR : AT_NULL, {input->vdso}},
		{AT_NULL, {0}},
	};

	_Static_assert(sizeof(vector) <= KEG_AUXV_WORDS * sizeof(*auxv), "it has room");
	memset(auxv, 0, KEG_AUXV_WORDS * sizeof(*auxv));
	memcpy(auxv, vector, sizeof(vector));
}

static size_t auxv_bytes(const uint64_t *auxv)
{
	size_t words = 0;

	while (auxv[words] != AT_NULL)
		words += 2;
	return (words + 2) * sizeof(*auxv);
}

/* A string, or bytes, at its place. */
static void put(struct keg_stack *stack, uint64_t at, const void *what, size_t bytes)
{
	memcpy(stack->bytes + (at - stack->rsp), what, bytes);
}

/* Strings from `text` on, pointers to them from `list` on. The pointers' end. */
static uint64_t put_words(
	struct keg_stack *stack, const struct keg_words *words, uint64_t list, uint64_t text)
{
	const uint64_t none = 0;

	for (uint32_t i = 0; i < words->count; i++, list += sizeof(text)) {
		size_t bytes = strlen(words->at[i]) + 1;

		put(stack, list, &text, sizeof(text));
		put(stack, text, words->at[i], bytes);
		text += bytes;
	}
	put(stack, list, &none, sizeof(none));
	return list + sizeof(none);
}

static struct places find_places(const struct keg_stack_input *input)
{
	struct places places = {.end = input->top - sizeof(uint64_t)}; /* eight zeros, as Linux */

	places.file = places.end - (strlen(input->file) + 1);
	places.env = places.file - input->environment->bytes;
	places.args = places.env - input->arguments->bytes;
	places.platform = (places.args & -16ull) - 16;
	places.random = places.platform - sizeof(input->random);
	return places;
}

static void fill(const struct keg_stack_input *input, const struct places *places,
	struct keg_stack *stack, size_t auxv_size)
{
	uint64_t count = input->arguments->count, at = stack->rsp;

	put(stack, at, &count, sizeof(count));
	at = put_words(stack, input->arguments, at + sizeof(count), places->args);
	at = put_words(stack, input->environment, at, places->env);
	put(stack, at, stack->auxv, auxv_size);
	put(stack, places->random, input->random, sizeof(input->random));
	put(stack, places->platform, PLATFORM, sizeof(PLATFORM));
	put(stack, places->file, input->file, strlen(input->file) + 1);
}

int keg_stack_make(const struct keg_stack_input *input, struct keg_stack *stack)
{
	/* With the number of arguments and two ends. */
	uint64_t words = input->arguments->count + input->environment->count + 3ull;
	struct places places = find_places(input);
	size_t auxv_size;

	*stack = (struct keg_stack){
		.args_at = places.args,
		.args_end = places.env,
		.env_at = places.env,
		.env_end = places.file,
	};
	note_auxv(input, &places, stack->auxv);
	auxv_size = auxv_bytes(stack->auxv);
	stack->rsp = (places.random - auxv_size - words * sizeof(uint64_t)) & -16ull;
	stack->size = input->top - stack->rsp;
	stack->bytes = calloc(1, stack->size);
	if (!stack->bytes)
		return keg_fail(ENOMEM, "no memory for a stack of %zu bytes", stack->size);
	fill(input, &places, stack, auxv_size);
	return 0;
}

void keg_stack_free(struct keg_stack *stack)
{
	free(stack->bytes);
	stack->bytes = NULL;
}
