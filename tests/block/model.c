/* SPDX-License-Identifier: MIT */
/* Random requests, several at once, against an array that does what a disk should. */
#include "testing.h"

#include "dev/random.h"
#include "image.h"

enum {
	BYTES = 1 << 20,
	SECTORS = BYTES / 512,
	AT_ONCE = 8, /* each in its own eighth of the disk, for no two may overlap */
	PART = SECTORS / AT_ONCE,
	MOST = 40, /* sectors in a request */
	ROOM = (MOST * 512 + 4096 + 64) & ~4095,
	ROUNDS = 400,
};

struct model {
	struct image image;
	uint64_t seed;
	uint8_t disk[BYTES];
	uint8_t *memory; /* ROOM for each that is in flight */
	struct image_job jobs[AT_ONCE];
};

/* Cuts a buffer into pieces; with `odd` they end anywhere. */
static uint32_t cut(struct model *model, struct iovec iov[8], uint8_t *from, size_t bytes, bool odd)
{
	uint32_t count = 0;

	while (bytes && count < 7) {
		size_t part = 1 + random_below(&model->seed, (uint32_t)bytes);

		if (!odd)
			part = (part + 511) / 512 * 512;
		iov[count++] = (struct iovec){from, part};
		from += part;
		bytes -= part;
	}
	if (bytes)
		iov[count++] = (struct iovec){from, bytes};
	return count;
}

static void apply_to_model(
	struct model *model, const struct keg_disk_request *request, const uint8_t *written)
{
	if (request->op == KEG_DISK_OP_WRITE)
		memcpy(model->disk + request->offset, written, request->bytes);
	if (request->op == KEG_DISK_OP_WRITE_ZEROES)
		memset(model->disk + request->offset, 0, request->bytes);
}

static uint8_t *place_of(struct model *model, uint32_t slot, bool odd)
{
	return model->memory + (size_t)slot * ROOM + (odd ? 13 : 0);
}

static void begin(struct model *model, uint32_t slot, bool odd)
{
	static const enum keg_disk_op ops[] = {KEG_DISK_OP_READ, KEG_DISK_OP_READ,
		KEG_DISK_OP_WRITE, KEG_DISK_OP_WRITE, KEG_DISK_OP_WRITE_ZEROES, KEG_DISK_OP_FLUSH};
	struct image_job *job = &model->jobs[slot];
	uint8_t *place = place_of(model, slot, odd);
	uint32_t sectors = 1 + random_below(&model->seed, MOST);
	uint32_t first = slot * PART + random_below(&model->seed, PART - sectors + 1);

	if (random_below(&model->seed, 3) == 0) {
		first = first / 8 * 8;
		sectors = 8;
	}
	job->request = (struct keg_disk_request){
		.op = ops[random_below(&model->seed, sizeof(ops) / sizeof(ops[0]))],
		.unmap = random_below(&model->seed, 2),
		.durable = random_below(&model->seed, 10) == 0,
		.offset = first * UINT64_C(512),
		.bytes = sectors * UINT64_C(512),
		.iov = job->iov,
	};
	for (uint32_t i = 0; i < sectors * 512; i++)
		place[i] = (uint8_t)random_next(&model->seed);
	apply_to_model(model, &job->request, place);
	job->request.iov_count = cut(model, job->iov, place, job->request.bytes, odd);
	image_begin(&model->image, job);
}

static void check(struct model *model, uint32_t slot, bool odd)
{
	const struct keg_disk_request *request = &model->jobs[slot].request;

	assert_int_equal(model->jobs[slot].answer, 0);
	if (request->op == KEG_DISK_OP_READ)
		assert_memory_equal(
			place_of(model, slot, odd), model->disk + request->offset, request->bytes);
}

static void run(struct model *model)
{
	const int rounds = be_quick() ? ROUNDS / 8 : ROUNDS;

	for (int round = 0; round < rounds; round++) {
		bool odd = random_below(&model->seed, 4) == 0;

		for (uint32_t slot = 0; slot < AT_ONCE; slot++)
			begin(model, slot, odd);
		image_finish(&model->image, model->jobs, AT_ONCE);
		for (uint32_t slot = 0; slot < AT_ONCE; slot++)
			check(model, slot, odd);
	}
}

/* What the disk shows, and what the image holds. */
static void compare(struct model *model, bool scratch)
{
	uint8_t *all = aligned_alloc(4096, BYTES);

	assert_int_equal(image_request(&model->image, KEG_DISK_OP_READ, 0, all, BYTES), 0);
	assert_memory_equal(all, model->disk, BYTES);
	assert_int_equal(pread(model->image.file, all, BYTES, 0), BYTES);
	if (scratch)
		memset(model->disk, 0xc3, BYTES);
	assert_memory_equal(all, model->disk, BYTES);
	free(all);
}

static void behaves_as_an_array(uint32_t flags)
{
	struct model *model = test_calloc(1, sizeof(*model));

	model->seed = 0x9e3779b97f4a7c15U ^ flags;
	model->memory = aligned_alloc(4096, (size_t)AT_ONCE * ROOM);
	memset(model->disk, 0xc3, BYTES);
	image_make(&model->image, BYTES, 0xc3);
	image_open(&model->image, flags, AT_ONCE);
	run(model);
	compare(model, flags & KEG_DISK_SCRATCH);
	image_close(&model->image);
	image_remove(&model->image);
	free(model->memory);
	test_free(model);
}

static void plain(void **state)
{
	(void)state;
	behaves_as_an_array(0);
}

static void plain_by_threads(void **state)
{
	(void)state;
	behaves_as_an_array(KEG_DISK_THREADS);
}

static void direct(void **state)
{
	(void)state;
	behaves_as_an_array(KEG_DISK_DIRECT);
}

static void direct_by_threads(void **state)
{
	(void)state;
	behaves_as_an_array(KEG_DISK_DIRECT | KEG_DISK_THREADS);
}

static void scratch(void **state)
{
	(void)state;
	behaves_as_an_array(KEG_DISK_SCRATCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(plain_by_threads),
		cmocka_unit_test(direct),
		cmocka_unit_test(direct_by_threads),
		cmocka_unit_test(scratch),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
