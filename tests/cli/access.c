/* SPDX-License-Identifier: MIT */
/* Why there is no KVM, told from made-up machines: a folder with the /proc, /sys and /run of each.
 */
#include "testing.h"

#include <errno.h>
#include <ftw.h>
#include <sys/stat.h>

#include "cli/access.h"
#include "no_kvm.h"

static char root[64];

static int set_up(void **state)
{
	(void)state;
	strcpy(root, "/tmp/keg-test-XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st, (void)type, (void)walk;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Makes a file, and the folders above it. */
static void put(const char *path, const char *text)
{
	char full[256];
	FILE *file;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *at = full + strlen(root) + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(full, 0755);
		*at = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void assert_explained(int error, const char *first, const char *second)
{
	char text[512];

	access_explain("/dev/kvm", error, root, text, sizeof(text));
	if (!strstr(text, first) || !strstr(text, second))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", text, first, second);
	if (strchr(text, '\n') || strlen(text) > 400)
		fail_msg("not one sentence: \"%s\"", text);
}

static void a_container_without_the_device(void **state)
{
	(void)state;
	put("/run/.containerenv", "");
	put("/sys/module/kvm_amd/refcnt", "");
	assert_explained(ENOENT, "is not in this container", "--device /dev/kvm");
}

static void a_module_without_the_device(void **state)
{
	(void)state;
	put("/sys/module/kvm_amd/refcnt", "");
	assert_string_equal(access_module(root), "kvm_amd");
	assert_explained(ENOENT, "kvm_amd is loaded", "sudo mknod");
}

static void nothing_is_known(void **state)
{
	(void)state;
	assert_string_equal(access_module(root), "");
	assert_explained(ENOENT, "there is no /dev/kvm", "tools/lab");
	assert_explained(ENXIO, "there is no /dev/kvm", "tools/lab");
}

static void other_errors_speak_for_themselves(void **state)
{
	char text[512] = "?";

	(void)state;
	access_explain("/dev/kvm", ENOMEM, root, text, sizeof(text));
	assert_string_equal(text, "");
}

static void processors_without_kvm(void **state)
{
	(void)state;
	for (const struct no_kvm *machine = no_kvm; machine->cpuinfo; machine++) {
		put("/proc/cpuinfo", machine->cpuinfo);
		assert_explained(ENOENT, machine->why, machine->advice);
	}
}

static void permissions_in_words(void **state)
{
	char text[80], path[128];

	(void)state;
	put("/device", "");
	snprintf(path, sizeof(path), "%s/device", root);
	assert_int_equal(chmod(path, 0640), 0);
	access_mode(path, text, sizeof(text));
	assert_non_null(strstr(text, "-rw-r----- "));
	access_mode("/nonexistent", text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_container_without_the_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_module_without_the_device, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			other_errors_speak_for_themselves, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processors_without_kvm, set_up, tear_down),
		cmocka_unit_test_setup_teardown(permissions_in_words, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
