/* SPDX-License-Identifier: MIT */
/* A distribution's own kernel, if there is one at hand: what tools/lab has fetched. */
#include "testing.h"

#include <glob.h>
#include <sys/stat.h>

#include "kernel.h"

static unsigned char *kernel;
static size_t kernel_bytes;
static struct keg_mem mem;
static struct keg_boot_config config;
static struct keg_boot_entry entry;

static int read_kernel(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;

	if (!file || fstat(fileno(file), &status))
		return -1;
	kernel_bytes = (size_t)status.st_size;
	kernel = malloc(kernel_bytes);
	if (!kernel || fread(kernel, 1, kernel_bytes, file) != kernel_bytes)
		return -1;
	fclose(file);
	return 0;
}

/* Ends the program as skipped, loudly, where there is none. */
static void require_kernel(void)
{
	const char *keg = getenv("KEG_CACHE"), *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char pattern[4096];
	glob_t found;

	/* As in tools/lab.d/common.sh. */
	snprintf(pattern, sizeof(pattern), "%s%s/lab/x86_64/system/boot/vmlinuz-*",
		keg     ? keg
		: cache ? cache
		: home  ? home
			: "/root",
		keg     ? ""
		: cache ? "/keg"
			: "/.cache/keg");
	if (glob(pattern, 0, NULL, &found) || read_kernel(found.gl_pathv[0])) {
		fprintf(stderr, "SKIPPED: no kernel to load: %s; tools/lab fetches one\n", pattern);
		exit(TEST_SKIPPED);
	}
	globfree(&found);
}

static int setup(void **state)
{
	(void)state;
	memset(&mem, 0, sizeof(mem));
	fake_add(&mem, 0, 128 << 20, FAKE_RAM);
	config = (struct keg_boot_config){
		.size = sizeof(config),
		.image = kernel,
		.image_bytes = kernel_bytes,
		.initrd = "an archive",
		.initrd_bytes = 10,
		.command_line = "quiet",
	};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_free(&mem);
	return 0;
}

static void check_params(void)
{
	const unsigned char *params = fake_at(&mem, entry.args[1], 4096);

	assert_memory_equal(params + 0x202, "HdrS", 4);
	assert_int_equal(get(params, 0x218, 4), (128 << 20) - 4096);
	assert_string_equal((char *)fake_at(&mem, get(params, 0x228, 4), 6), "quiet");
	assert_int_equal(get(params, 0x1e8, 1), 3);
}

static void it_is_a_bzimage_that_is_unpacked(void **state)
{
	(void)state;
	assert_int_equal(keg_image_identify(kernel, kernel_bytes), KEG_IMAGE_BZIMAGE);
	if (!KEG_HAS_LZ4) {
		print_message("SKIP: built without lz4, with which this kernel is packed\n");
		skip();
	}
	assert_ok(keg_boot_load(&mem, &config, &entry));
	assert_int_equal(entry.mode, KEG_ENTRY_LONG);
	assert_int_equal(entry.pc, get(kernel, 0x258, 8)); /* pref_address, without the 0x200 */
	check_params();
}

static void it_is_loaded_as_it_is(void **state)
{
	uint64_t setup = (get(kernel, 0x1f1, 1) + 1) * 512, code = get(kernel, 0x1f4, 4) * 16;

	(void)state;
	config.flags = KEG_BOOT_NO_UNPACK;
	assert_ok(keg_boot_load(&mem, &config, &entry));
	assert_int_equal(entry.pc, get(kernel, 0x258, 8) + 0x200);
	assert_memory_equal(fake_at(&mem, entry.pc - 0x200, code), kernel + setup, code);
	check_params();
	config.mode = KEG_ENTRY_PROTECTED;
	assert_ok(keg_boot_load(&mem, &config, &entry));
	assert_int_equal(entry.pc, get(kernel, 0x258, 8));
}

static void cut_short_it_is_refused(void **state)
{
	(void)state;
	for (size_t cut = 8192; cut < kernel_bytes; cut *= 2) {
		config.image_bytes = kernel_bytes - cut;
		assert_true(keg_boot_load(&mem, &config, &entry) < 0);
	}
	assert_int_equal(mem.written, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_a_bzimage_that_is_unpacked),
		TEST(it_is_loaded_as_it_is),
		TEST(cut_short_it_is_refused),
	};
	int failed;

	require_kernel();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(kernel);
	return failed;
}
