/* SPDX-License-Identifier: MIT */
/* What programs say of themselves by name: symbols, and the libraries that they need. This one's
 * own file is read, and a damaged copy of it. */
#include "testing.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "user/dynamic.h"

int global_object = 5;
void a_global_function(void);
static unsigned char *copy;
static struct keg_image own;
static struct keg_program program;

__attribute__((noinline)) void a_global_function(void)
{
	global_object++;
}

static int read_own(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)state;
	assert_true(fd >= 0);
	assert_ok(keg_image_of_file(&own, fd));
	copy = malloc(own.bytes);
	assert_ok(keg_image_read(&own, 0, copy, own.bytes));
	close(fd);
	own.memory = copy;
	return keg_program_read(&own, &program);
}

static int free_own(void **state)
{
	(void)state;
	free(copy);
	return 0;
}

static void functions_and_objects_are_found(void **state)
{
	uint64_t function, object;

	(void)state;
	assert_ok(keg_program_symbol(&own, "a_global_function", &function));
	assert_ok(keg_program_symbol(&own, "global_object", &object));
	assert_int_equal(
		object - function, (uintptr_t)&global_object - (uintptr_t)a_global_function);
	/* A local one too. */
	assert_ok(keg_program_symbol(&own, "functions_and_objects_are_found", &object));
	assert_int_equal(object - function,
		(uintptr_t)functions_and_objects_are_found - (uintptr_t)a_global_function);
}

static void what_is_not_there_is_not_found(void **state)
{
	uint64_t at;

	(void)state;
	assert_fails(keg_program_symbol(&own, "no such function", &at), ENOENT, "no such function");
	/* It is needed, and not the program's own. */
	assert_fails(keg_program_symbol(&own, "keg_exec", &at), ENOENT, "keg_exec");
	assert_fails(keg_program_symbol(&own, "", &at), ENOENT, "");
}

static void damaged_sections_are_refused(void **state)
{
	Elf64_Ehdr *header = (Elf64_Ehdr *)copy;
	Elf64_Ehdr good = *header;
	uint64_t at;

	(void)state;
	header->e_shnum = 0;
	assert_fails(keg_program_symbol(&own, "main", &at), ENOENT, "no sections");
	*header = good;
	header->e_shentsize = 1;
	assert_fails(keg_program_symbol(&own, "main", &at), ENOENT, "no sections");
	*header = good;
	header->e_shoff = UINT64_MAX - 100;
	assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "behind the end");
	*header = good;
	header->e_shnum = 0xffff;
	header->e_shoff = own.bytes - sizeof(Elf64_Shdr);
	assert_int_equal(keg_program_symbol(&own, "main", &at), -ENOEXEC);
	*header = good;
	for (uint32_t i = 0; i < header->e_shnum; i++) {
		Elf64_Shdr *section = (Elf64_Shdr *)(copy + header->e_shoff) + i;
		Elf64_Shdr kept = *section;

		if (section->sh_type != SHT_SYMTAB)
			continue;
		section->sh_link = 0xffff;
		assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "without strings");
		section->sh_link = 0;
		assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "damaged strings");
		*section = kept;
		section->sh_entsize = 23;
		assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "damaged symbol");
		*section = kept;
		section->sh_size = UINT64_MAX;
		assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "damaged symbol");
		*section = kept;
		section->sh_offset = UINT64_MAX - 8;
		assert_fails(keg_program_symbol(&own, "main", &at), ENOEXEC, "behind the end");
		*section = kept;
	}
}

static void a_program_needs_libraries(void **state)
{
	struct keg_dynamic dynamic;
	char name[PATH_MAX];
	bool libc = false;
	int ret;

	(void)state;
	assert_ok(keg_dynamic_open(&dynamic, &own, &program));
	while ((ret = keg_dynamic_next(&dynamic, name)) > 0)
		libc |= !strncmp(name, "libc.so", 7);
	assert_int_equal(ret, 0);
	assert_true(libc);
}

static void damaged_dynamic_sections_are_refused(void **state)
{
	struct keg_program damaged = program;
	struct keg_dynamic dynamic;
	char name[PATH_MAX];

	(void)state;
	damaged.dynamic_offset = UINT64_MAX;
	assert_fails(keg_dynamic_open(&dynamic, &own, &damaged), ENOEXEC, "behind the end");
	damaged = program;
	damaged.dynamic_offset = own.bytes - 8;
	assert_fails(keg_dynamic_open(&dynamic, &own, &damaged), ENOEXEC, "behind the end");
	damaged = program;
	damaged.dynamic_bytes = 0;
	assert_ok(keg_dynamic_open(&dynamic, &own, &damaged));
	assert_int_equal(keg_dynamic_next(&dynamic, name), 0);
	/* Strings that are not in the file. */
	damaged = program;
	damaged.segment_count = 0;
	assert_ok(keg_dynamic_open(&dynamic, &own, &damaged));
	assert_fails(keg_dynamic_next(&dynamic, name), ENOEXEC, "not in its strings");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			functions_and_objects_are_found, read_own, free_own),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_not_found, read_own, free_own),
		cmocka_unit_test_setup_teardown(damaged_sections_are_refused, read_own, free_own),
		cmocka_unit_test_setup_teardown(a_program_needs_libraries, read_own, free_own),
		cmocka_unit_test_setup_teardown(
			damaged_dynamic_sections_are_refused, read_own, free_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
