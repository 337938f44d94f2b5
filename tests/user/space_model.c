/* SPDX-License-Identifier: MIT */
/*
 * Any sequence of mappings, against a model that knows for each page whether it is mapped, what is
 * allowed, and its first word. Clones go on by themselves: each has a model of its own.
 */
#include "user/space_program.h"

enum { PAGES = 1600, ROUNDS = 6000, SPACES = 3 };
#define BASE 0x40000000ull

struct model {
	struct keg_space *space;
	struct keg_cpu *cpu;
	struct {
		bool mapped;
		int protection;
		uint32_t word;
	} page[PAGES];
};

static unsigned int seed = 3;

static uint32_t choose(uint32_t below)
{
	return (uint32_t)rand_r(&seed) % below;
}

static uint64_t address(uint32_t page)
{
	return BASE + (uint64_t)page * PAGE;
}

static int choose_protection(void)
{
	static const int protections[] = {PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE,
		PROT_READ | PROT_WRITE, PROT_READ | PROT_EXEC};

	return protections[choose(5)];
}

static uint32_t choose_length(uint32_t first)
{
	const uint32_t length = choose(4) ? 1 + choose(40) : 1 + choose(1400);

	return length > PAGES - first ? PAGES - first : length;
}

static void map(struct model *model, uint32_t first, uint32_t count)
{
	const int protection = choose_protection();

	map_memory(model->space, address(first), (uint64_t)count * PAGE, protection);
	for (uint32_t i = first; i < first + count; i++) {
		model->page[i].mapped = true;
		model->page[i].protection = protection;
		model->page[i].word = 0;
	}
}

static void unmap(struct model *model, uint32_t first, uint32_t count)
{
	assert_ok(keg_space_unmap(model->space, address(first), (uint64_t)count * PAGE));
	for (uint32_t i = first; i < first + count; i++)
		model->page[i].mapped = false;
}

static void protect(struct model *model, uint32_t first, uint32_t count)
{
	const int protection = choose_protection();
	bool all = true;
	int result;

	for (uint32_t i = first; i < first + count; i++)
		all = all && model->page[i].mapped;
	result =
		keg_space_protect(model->space, address(first), (uint64_t)count * PAGE, protection);
	assert_int_equal(result, all ? 0 : -ENOMEM);
	for (uint32_t i = first; all && i < first + count; i++)
		model->page[i].protection = protection;
}

static void discard(struct model *model, uint32_t first, uint32_t count)
{
	const int result = keg_space_advise(
		model->space, address(first), (uint64_t)count * PAGE, MADV_DONTNEED);
	bool all = true;

	for (uint32_t i = first; i < first + count; i++) {
		all = all && model->page[i].mapped;
		model->page[i].word = 0;
	}
	assert_int_equal(result, all ? 0 : -ENOMEM);
}

static void write_word(struct model *model, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count && i < first + 64; i++) {
		const bool may = model->page[i].mapped && model->page[i].protection & PROT_WRITE;
		const uint32_t word = choose(UINT32_MAX);

		assert_int_equal(keg_space_write(model->space, address(i), &word, sizeof(word)),
			may ? 0 : -EFAULT);
		if (may)
			model->page[i].word = word;
	}
}

/* To a place of the same size, of which nothing is left. */
static void move(struct model *model, uint32_t first, uint32_t count)
{
	const uint32_t to = choose(PAGES);
	int64_t result;
	bool one = true;

	if (to + count > PAGES || (to < first + count && first < to + count))
		return;
	for (uint32_t i = first; i < first + count; i++)
		one = one && model->page[i].mapped &&
		      model->page[i].protection == model->page[first].protection;
	result = keg_space_remap(model->space, address(first), (uint64_t)count * PAGE,
		(uint64_t)count * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, address(to));
	assert_int_equal(result, one ? (int64_t)address(to) : -EFAULT);
	for (uint32_t i = 0; one && i < count; i++) {
		model->page[to + i] = model->page[first + i];
		model->page[first + i].mapped = false;
	}
}

static void compare(struct model *model)
{
	for (uint32_t i = 0; i < PAGES; i++) {
		const bool may = model->page[i].mapped && model->page[i].protection != PROT_NONE;
		uint32_t word = 0;

		/* Most pages are left untouched most of the time. */
		if (choose(4) != 0)
			continue;
		assert_int_equal(keg_space_read(model->space, &word, address(i), sizeof(word)),
			may ? 0 : -EFAULT);
		if (may)
			assert_int_equal(word, model->page[i].word);
	}
}

/* The same by the program: what it remembers of its memory must be what there is. */
static void compare_by_program(struct model *model)
{
	for (int i = 0; i < 40; i++) {
		const uint32_t page = choose(PAGES);
		int64_t expected = model->page[page].word;

		if (!model->page[page].mapped)
			expected = -EFAULT;
		else if (model->page[page].protection == PROT_NONE)
			expected = -EACCES;
		assert_int_equal(
			program_run(model->space, model->cpu, DO_READ, address(page), 0), expected);
	}
}

static void write_by_program(struct model *model, uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count && i < first + 16; i++) {
		const uint32_t word = choose(UINT32_MAX);
		int64_t expected = word;

		if (!model->page[i].mapped)
			expected = -EFAULT;
		else if (!(model->page[i].protection & PROT_WRITE))
			expected = -EACCES;
		assert_int_equal(program_run(model->space, model->cpu, DO_WRITE, address(i), word),
			expected);
		if (expected >= 0)
			model->page[i].word = word;
	}
}

static void clone_over(struct model *from, struct model *to)
{
	if (from == to)
		return;
	keg_space_destroy(to->space);
	*to = *from;
	assert_ok(keg_space_clone(from->space, &to->space));
	assert_ok(keg_cpu_create(keg_space_machine(to->space), &to->cpu));
}

static void any_sequence_of_calls_has_the_result_of_a_model(void **state)
{
	static void (*const calls[])(struct model *, uint32_t, uint32_t) = {map, unmap, protect,
		protect, discard, write_word, write_word, write_by_program, move};
	struct world *world = *state;
	struct model *models = calloc(SPACES, sizeof(*models));

	assert_non_null(models);
	for (uint32_t i = 0; i < SPACES; i++) {
		models[i].space = make_space(world);
		models[i].cpu = program_start(models[i].space);
	}
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct model *model = &models[choose(SPACES)];
		const uint32_t first = choose(PAGES);

		calls[choose(sizeof(calls) / sizeof(calls[0]))](model, first, choose_length(first));
		if (choose(100) == 0)
			clone_over(model, &models[choose(SPACES)]);
		if (choose(8) == 0)
			compare(model);
		else if (choose(4) == 0)
			compare_by_program(model);
	}
	for (uint32_t i = 0; i < SPACES; i++)
		keg_space_destroy(models[i].space);
	free(models);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			any_sequence_of_calls_has_the_result_of_a_model, open_world, close_world),
	};

	require_kvm();
	return cmocka_run_group_tests_name("space-model", tests, NULL, NULL);
}
