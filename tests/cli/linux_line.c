/* SPDX-License-Identifier: MIT */
/* Linux: what is one, and which words keg puts before the user's. */
#include "testing.h"

#include "cli/linux_line.h"
#include "cli/machine.h"

static const char *line_of(const struct linux_machine *machine, const char *append)
{
	static char line[1024];
	struct linux_word words[LINUX_WORDS];
	size_t count = linux_default_words(machine, append, words);

	*line = 0;
	for (size_t i = 0; i < count; i++) {
		strcat(line, words[i].word);
		strcat(line, " ");
		assert_true(strlen(words[i].why) > 10);
	}
	return line;
}

static bool has(const char *line, const char *word)
{
	char spaced[128];

	snprintf(spaced, sizeof(spaced), "%s ", word);
	return strstr(line, spaced) != NULL;
}

static void a_console_on_the_terminal(void **state)
{
	const struct linux_machine serial = {0}, virtio = {.virtio_console = true};

	(void)state;
	assert_true(has(line_of(&serial, ""), machine_serial_console));
	assert_false(has(line_of(&serial, ""), "console=hvc0"));
	assert_true(has(line_of(&virtio, ""), "console=hvc0"));
	assert_false(has(line_of(&virtio, ""), machine_serial_console));
}

static void the_users_words_win(void **state)
{
	static const struct {
		const char *append, *word;
		bool there;
	} cases[] = {
		{"quiet", "panic=-1", true},
		{"panic=5", "panic=-1", false},
		{"quiet panic=5 ro", "panic=-1", false},
		{"panic", "panic=-1", false},
		{"panic_on_oops=1", "panic=-1", true},
		{"xpanic=1", "panic=-1", true},
		{"dyndbg=\"file panic=1\"", "panic=-1", true},
		{"\t panic=0\t", "panic=-1", false},
		{"-- panic=0", "panic=-1", true},
		{"--panic=0", "panic=-1", true},
		{"root=/dev/vda1", "root=/dev/vda", false},
		{"root=/dev/vda1", "rw", false},
		{"ro", "root=/dev/vda", true},
		{"ro", "rw", false},
		{"rw", "rw", false},
		{"", "rw", true},
	};
	const struct linux_machine machine = {.root_disk = true};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *line = line_of(&machine, cases[i].append);

		if (has(line, cases[i].word) != cases[i].there)
			fail_msg("\"%s\": %s", cases[i].append, line);
	}
}

static void a_console_of_the_users_is_the_only_one(void **state)
{
	const struct linux_machine machine = {.root_disk = true};

	(void)state;
	assert_null(strstr(line_of(&machine, "console=tty0"), "console="));
}

static void no_search_for_pci_where_there_is_none(void **state)
{
	const struct linux_machine pci = {0}, mmio = {.mmio = true};

	(void)state;
	assert_true(has(line_of(&mmio, ""), "pci=off"));
	assert_false(has(line_of(&mmio, "pci=conf1"), "pci=off"));
	assert_null(strstr(line_of(&pci, ""), "pci="));
}

static void a_root_only_where_there_is_a_disk(void **state)
{
	const struct linux_machine none = {0}, disk = {.root_disk = true},
				   readonly = {.root_disk = true, .root_readonly = true};

	(void)state;
	assert_null(strstr(line_of(&none, ""), "root="));
	assert_false(has(line_of(&none, ""), "rw"));
	assert_true(has(line_of(&disk, ""), "root=/dev/vda"));
	assert_true(has(line_of(&disk, ""), "rw"));
	assert_true(has(line_of(&readonly, ""), "ro"));
	assert_false(has(line_of(&readonly, ""), "rw"));
}

static void what_is_linux(void **state)
{
	char image[4096] = {0};

	(void)state;
	assert_false(linux_is_kernel(KEG_IMAGE_AUTO, image, sizeof(image)));
	assert_false(linux_is_kernel(KEG_IMAGE_PVH, image, sizeof(image)));
	assert_true(linux_is_kernel(KEG_IMAGE_BZIMAGE, image, sizeof(image)));
	/* Linux's Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header". */
	memcpy(image + 0x1fe, "\x55\xaa", 2);
	memcpy(image + 0x202, "HdrS", 4);
	assert_true(linux_is_kernel(KEG_IMAGE_AUTO, image, sizeof(image)));
	assert_false(linux_is_kernel(KEG_IMAGE_FLAT, image, sizeof(image)));
	assert_false(linux_is_kernel(KEG_IMAGE_AUTO, image, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_console_on_the_terminal),
		cmocka_unit_test(the_users_words_win),
		cmocka_unit_test(a_console_of_the_users_is_the_only_one),
		cmocka_unit_test(no_search_for_pci_where_there_is_none),
		cmocka_unit_test(a_root_only_where_there_is_a_disk),
		cmocka_unit_test(what_is_linux),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
