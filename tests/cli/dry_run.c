/* SPDX-License-Identifier: MIT */
/* keg run --dry-run: the machine that the options make, without KVM. */
#include <jansson.h>

#include "program.h"

/* A bzImage as far as the program looks. */
static const char *kernel_file(void)
{
	char image[4096] = {0};

	memcpy(image + 0x1fe, "\x55\xaa", 2);
	memcpy(image + 0x202, "HdrS", 4);
	return program_file(image, sizeof(image));
}

static const struct {
	const char *words[6];
	const char *complaint;
} wrong[] = {
	{{"--disk", ""}, "--disk takes a name"},
	{{"--disk", "a,red"}, "--disk has no 'red'"},
	{{"--disk", "a,quees=1"}, "did you mean 'queues'?"},
	{{"--disk", "a,queues"}, "--disk queues needs a value: queues=N"},
	{{"--disk", "a,queues=65"}, "--disk queues takes a number from 1 to 64, not '65'"},
	{{"--disk", "a,ro=1"}, "--disk ro takes no value"},
	{{"--disk", "a,"}, "a comma in a name is written twice"},
	{{"--disk", "a,ro,scratch"}, "exclude each other"},
	{{"--disk", "a,serial=123456789012345678901"}, "1 to 20 characters"},
	{{"--net", ""}, "--net has nothing"},
	{{"--net", "usr"}, "did you mean 'user'?"},
	{{"--net", "tap"}, "tap=NAME"},
	{{"--net", "tap=0123456789abcdef"}, "15 characters"},
	{{"--net", "restrict"}, "one of user, tap=NAME and none"},
	{{"--net", "user,tap=t"}, "one of user, tap=NAME and none"},
	{{"--net", "none,mtu=1500"}, "none takes nothing else"},
	{{"--net", "user,forward=22"}, "HOSTPORT:GUESTPORT"},
	{{"--net", "user,forward=0:22"}, "HOSTPORT:GUESTPORT"},
	{{"--net", "user,forward=22:65536"}, "HOSTPORT:GUESTPORT"},
	{{"--net", "user,forward=1.2.3:22:22"}, "HOSTPORT:GUESTPORT"},
	{{"--net", "user,forward=sctp:22:22"}, "HOSTPORT:GUESTPORT"},
	{{"--net", "tap=t,forward=22:22"}, "an address of its own"},
	{{"--net", "user,queues=2"}, "queues is for tap"},
	{{"--net", "user,mac=52:54:00:12:34"}, "an address such as"},
	{{"--net", "user,mac=01:54:00:12:34:56"}, "an address such as"},
	{{"--net", "user,mtu=67"}, "from 68 to 65535"},
	{{"--cpu", ""}, "--cpu takes a name"},
	{{"--port", "name"}, "NAME=FILE or NAME=unix:PATH"},
	{{"--port", "=file"}, "NAME=FILE or NAME=unix:PATH"},
	{{"--port", "name=unix:"}, "NAME=FILE or NAME=unix:PATH"},
	{{"--port", "a-name-of-thirty-two-characters!=x"}, "31 characters"},
	{{"--port", "a=x", "--port", "a=y"}, "--port a: that name is taken"},
	{{"--port", "console=x"}, "--port console: that name is taken"},
	{{"--console", "vga"}, "serial or virtio"},
	{{"--grace", "soon"}, "seconds"},
	{{"--config", "/nonexistent"}, "cannot open /nonexistent"},
	{{"--config", "/dev/zero"}, "too much for a configuration"},
	{{"--config", "/"}, "is a directory"},
};

static void options_that_make_no_machine(void **state)
{
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		run_keg(&outcome, "run", "--dry-run", wrong[i].words[0], wrong[i].words[1],
			wrong[i].words[2], wrong[i].words[3]);
		assert_complaint(&outcome, 2, wrong[i].complaint);
		program_release(&outcome);
	}
}

static void a_table_for_people(void **state)
{
	const char *kernel = kernel_file();
	struct outcome outcome;

	(void)state;
#ifndef __x86_64__
	print_message("SKIP: the words are those for a PC's kernel\n");
	skip();
#endif
	run_keg(&outcome, "run", "--dry-run", "--cpus", "2", "--disk", "root.img", "--disk",
		"b,,c.img,ro,queues=3", "--net", "user,forward=2222:22,forward=udp:0.0.0.0:5:6",
		"--net", "tap=tap0,mac=52:54:00:12:34:56", "--append", "quiet", kernel);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	assert_has(outcome.out, "vCPUs           2\n");
	assert_has(outcome.out, "memory          512 MiB\n");
	assert_has(outcome.out, "disk 0          root.img\n");
	assert_has(outcome.out, "disk 1          b,c.img, read-only, 3 queues\n");
	assert_has(outcome.out, "TCP port 2222 of 127.0.0.1 leads to port 22\n");
	assert_has(outcome.out, "UDP port 5 of 0.0.0.0 leads to port 6\n");
	assert_has(outcome.out, "net 1           tap tap0");
	assert_has(outcome.out, "MAC 52:54:00:12:34:56\n");
	assert_has(outcome.out, "(bzImage, 4 KiB)\n");
	assert_has(outcome.out, "root=/dev/vda rw quiet\n");
	assert_has(outcome.out, "panic=-1: ");
	assert_has(outcome.out, "SIGTERM         presses the power button; 30 s later");
	program_release(&outcome);
	program_remove_files();
}

static void what_is_no_linux_gets_no_words(void **state)
{
	const char *image = program_file("bytes", 5);
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "--dry-run", image);
	assert_int_equal(outcome.status, 0);
	assert_has(outcome.out, "memory          256 MiB\n");
	assert_has(outcome.out, "command line    none\n");
	assert_has(outcome.out, "SIGTERM         ends the run\n");
	program_release(&outcome);
	program_remove_files();
}

static void exactly_the_users_words(void **state)
{
	const char *kernel = kernel_file();
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "--dry-run", "--no-default-append", "-a", "mine", "-D", "d",
		kernel);
	assert_has(outcome.out, "command line    mine\n");
	program_release(&outcome);
	run_keg(&outcome, "run", "--dry-run", "--disk", "d", "--initrd", kernel, kernel);
	assert_null(strstr(outcome.out, "root="));
	program_release(&outcome);
	program_remove_files();
}

/* What is printed as JSON makes the same machine, and prints the same again. */
static void the_configuration_reads_back(void **state)
{
	const char *kernel = kernel_file(), *file = program_file("", 0);
	struct outcome outcome, again;
	char option[96];
	json_t *json, *printed;

	(void)state;
	snprintf(option, sizeof(option), "--json=%s", file);
	run_keg(&outcome, "run", "--dry-run", option, "-D",
		"a,,b,ro,serial=x,scratch=/tmp,queues=2", "--net", "user,restrict,forward=2222:22",
		"--net", "tap=t,no-offloads,mtu=9000", "--cpu", "host,-avx", "--port", "a=unix:/b",
		"--mmio", "--timeout", "1.5", "--console=virtio", "-c3", "-m1G", kernel);
	assert_complaint(&outcome, 2, "exclude each other");
	program_release(&outcome);
	run_keg(&outcome, "run", "--dry-run", option, "-D", "a,,b,serial=x,scratch=/tmp,queues=2",
		"--net", "user,restrict,forward=2222:22", "--net", "tap=t,no-offloads,mtu=9000",
		"--cpu", "host,-avx", "--port", "a=unix:/b", "--mmio", "--timeout", "1.5",
		"--console=virtio", "-c3", "-m1G", kernel);
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
	json = json_load_file(file, 0, NULL);
	assert_non_null(json);
	assert_int_equal(json_integer_value(json_object_get(json, "cpus")), 3);
	assert_string_equal(json_string_value(json_object_get(json, "cpu")), "host,-avx");
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(json_object_get(json, "disk"), 0), "path")),
		"a,b");
	run_keg(&outcome, "run", "--dry-run", "--json", "--config", file);
	assert_int_equal(outcome.status, 0);
	printed = json_loads(outcome.out, 0, NULL);
	assert_true(json_equal(json, printed));
	json_decref(printed);
	run_keg(&again, "run", "--dry-run", "--config", file, "--cpus", "5");
	assert_has(again.out, "vCPUs           5, host,-avx\n");
	assert_has(again.out, "terminal        virtio console\n");
	assert_has(again.out, "console=hvc0");
	json_decref(json);
	program_release(&outcome);
	program_release(&again);
	program_remove_files();
}

static void what_is_no_text_is_not_left_out(void **state)
{
	static const char *const words[] = {"--disk=\xff.img", "--append=\xc3("};
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		run_keg(&outcome, "run", "--dry-run", "--json", words[i]);
		assert_complaint(&outcome, 4, "cannot be written as JSON: it is not UTF-8");
		assert_string_equal(outcome.out, "");
		program_release(&outcome);
	}
}

static void a_file_names_its_errors(void **state)
{
	static const char text[] =
		"{\"disk\": [{\"path\": \"a\"}, {\"path\": \"b\", \"quees\": 1}]}";
	const char *file = program_file(text, strlen(text));
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "run", "-f", file);
	assert_complaint(&outcome, 2, "disk[1]: there is no 'quees': did you mean 'queues'?");
	program_release(&outcome);
	program_remove_files();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_that_make_no_machine),
		cmocka_unit_test(a_table_for_people),
		cmocka_unit_test(what_is_no_linux_gets_no_words),
		cmocka_unit_test(exactly_the_users_words),
		cmocka_unit_test(the_configuration_reads_back),
		cmocka_unit_test(what_is_no_text_is_not_left_out),
		cmocka_unit_test(a_file_names_its_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
