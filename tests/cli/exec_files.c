/* SPDX-License-Identifier: MIT */
/* keg exec: which files a program sees, and which of them it may change. */
#include "program.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TOOLS "--ro", "/usr", "--ro", "/bin"

/* A folder of the host's with a file "file" and a link "out" that leads to /etc. */
static char folder[64];

static const char *in_folder(const char *name)
{
	static char paths[4][128];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static int make_folder(void **state)
{
	FILE *file;

	(void)state;
	strcpy(folder, "/tmp/keg-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	file = fopen(in_folder("file"), "w");
	assert_non_null(file);
	fputs("the host's\n", file);
	fclose(file);
	assert_int_equal(symlink("/etc", in_folder("out")), 0);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static const char *contents(const char *path)
{
	static char text[256];
	FILE *file = fopen(path, "r");
	size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

	if (file)
		fclose(file);
	text[length] = 0;
	return text;
}

/* Runs a shell's commands in the folder's place, or where `words` say; what it prints. */
static void script(struct outcome *outcome, const char *const *options, const char *commands)
{
	const char *words[32] = {"exec"};
	size_t count = 1;

	while (*options)
		words[count++] = *options++;
	memcpy(words + count, ((const char *[]){"--", "/bin/sh", "-c", commands, NULL}),
		5 * sizeof(*words));
	program_run(outcome, NULL, 0, words);
}

static void says(const char *const *options, const char *commands, const char *said)
{
	struct outcome outcome;

	script(&outcome, options, commands);
	assert_string_equal(outcome.err, "");
	assert_string_equal(outcome.out, said);
	assert_int_equal(outcome.status, 0);
	program_release(&outcome);
}

static void nothing_of_the_host_is_there_by_itself(void **state)
{
	char commands[512];

	(void)state;
	snprintf(commands, sizeof(commands),
		"for i in %s /etc/passwd /root /home /usr/bin /bin/ls /sys/kernel /proc/1 "
		"/dev/kvm /dev/tty0; do test -e $i && echo $i; done; "
		"for i in /bin/sh /lib /tmp /dev/null /proc/self/stat; do "
		"test -e $i || echo no $i; done; pwd",
		folder);
	says(WORDS(NULL), commands, "/\n");
	says(WORDS("--no-system"), "test -e /proc || test -e /dev || echo none", "none\n");
}

static void read_only_is_read_only(void **state)
{
	struct outcome outcome;
	char commands[1024];

	(void)state;
	snprintf(commands, sizeof(commands),
		"cd %s; cat file; echo x >file; echo x >>file; echo x >new; rm -f file; mv file "
		"new; "
		"mkdir sub; ln file new; ln -s file new; chmod 777 file; touch file; "
		"truncate -s 0 file; rmdir .; exec 3<>file; echo still here",
		folder);
	script(&outcome, WORDS(TOOLS, "--ro", folder), commands);
	assert_has(outcome.out, "the host's\n");
	assert_has(outcome.err, "Read-only file system");
	program_release(&outcome);
	assert_string_equal(contents(in_folder("file")), "the host's\n");
	assert_int_not_equal(access(in_folder("new"), F_OK), 0);
	assert_int_not_equal(access(in_folder("sub"), F_OK), 0);
}

static void writable_is_writable(void **state)
{
	char commands[256];

	(void)state;
	snprintf(commands, sizeof(commands),
		"cd %s; echo changed >file; mkdir sub; echo in >sub/new", folder);
	says(WORDS(TOOLS, "--rw", folder), commands, "");
	assert_string_equal(contents(in_folder("file")), "changed\n");
	assert_string_equal(contents(in_folder("sub/new")), "in\n");
}

static void links_lead_to_where_they_lead_in_the_sandbox(void **state)
{
	char commands[256];

	(void)state;
	snprintf(commands, sizeof(commands),
		"test -e %s/out/passwd || echo nowhere; test -e %s/../../etc/passwd || echo above",
		folder, folder);
	says(WORDS("--ro", folder), commands, "nowhere\nabove\n");
}

static void files_at_other_places(void **state)
{
	char bind[160], writable[160];
	struct outcome outcome;

	(void)state;
	snprintf(bind, sizeof(bind), "%s=/data/here", folder);
	snprintf(writable, sizeof(writable), "%s=/data/here,rw", folder);
	says(WORDS(TOOLS, "--bind", bind), "cat /data/here/file; ls /data", "the host's\nhere\n");
	script(&outcome, WORDS("-b", bind), "echo x >/data/here/new");
	assert_has(outcome.err, "Read-only file system");
	assert_int_equal(outcome.status, 2);
	program_release(&outcome);
	says(WORDS("-b", writable), "echo x >/data/here/new", "");
	assert_string_equal(contents(in_folder("new")), "x\n");
	/* A single file. */
	snprintf(bind, sizeof(bind), "%s/file=/srv/message", folder);
	says(WORDS(TOOLS, "-b", bind), "cat /srv/message; ls /srv", "the host's\nmessage\n");
}

/* A folder among the host's has no size of its own, and may be left behind. */
static void need_file_systems(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(getuid() != 0 && unshare(CLONE_NEWUSER) < 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status) {
		print_message("SKIP: no user namespaces for users here\n");
		skip();
	}
}

static void empty_folders(void **state)
{
	struct outcome outcome;

	(void)state;
	says(WORDS(TOOLS, "--tmpfs", "/scratch"), "ls /scratch; echo x >/scratch/a; cat /scratch/a",
		"x\n");
	says(WORDS(TOOLS, "--tmpfs", "/scratch"),
		"ls /scratch; ls /tmp; echo x >/tmp/a; cat /tmp/a", "x\n");
	need_file_systems();
	script(&outcome, WORDS(TOOLS, "--tmpfs=/scratch=1M"), "head -c 2M /dev/zero >/scratch/a");
	assert_has(outcome.err, "No space left on device");
	assert_int_equal(outcome.status, 1);
	program_release(&outcome);
}

static void where_it_begins(void **state)
{
	char *before = getcwd(NULL, 0), said[80];

	(void)state;
	snprintf(said, sizeof(said), "%s\n", folder);
	says(WORDS("--ro", folder, "--cwd", folder), "pwd", said);
	assert_int_equal(chdir(folder), 0);
	says(WORDS("--rw", ".", "--cwd", "."), "pwd; echo here >made", said);
	assert_string_equal(contents("made"), "here\n");
	assert_int_equal(chdir(before), 0);
	free(before);
}

/* ---- Nothing is left ---- */

static bool is_empty(const char *path)
{
	struct dirent *entry;
	DIR *directory = opendir(path);
	int count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count++;
	closedir(directory);
	return count == 2;
}

static void modes_are_cut_as_outside(void **state)
{
	mode_t before = umask(027);

	(void)state;
	says(WORDS("--rw", folder), "umask; umask 077; umask", "0027\n0077\n");
	umask(before);
}

static void nothing_is_left(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in_folder("temporary"), 0700), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	setenv("TMPDIR", in_folder("temporary"), 1);
	says(WORDS(TOOLS), "mkdir -p /tmp/a/b; echo x >/tmp/a/b/c; chmod 0 /tmp/a/b", "");
	assert_true(is_empty(in_folder("temporary")));
	unsetenv("TMPDIR");
}

/* Temporary folders are mounted nowhere: they end with keg, however it ends. */
static void nothing_is_left_of_a_keg_that_was_killed(void **state)
{
	int output[2], status;
	char byte;
	pid_t pid;

	(void)state;
	need_file_systems();
	assert_int_equal(mkdir(in_folder("temporary"), 0700), 0);
	setenv("TMPDIR", in_folder("temporary"), 1);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		dup2(output[1], STDOUT_FILENO);
		program_exec(WORDS("exec", TOOLS, "--tmpfs", "/scratch", "--", "/bin/sh", "-c",
			"echo x >/tmp/a; echo x >/scratch/a; sleep 100 & echo ready; wait"));
	}
	close(output[1]);
	assert_int_equal(read(output[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* The program's processes were none of the host's: the pipe has no writer any more. */
	while (read(output[0], &byte, 1) > 0)
		;
	close(output[0]);
	assert_true(is_empty(in_folder("temporary")));
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			nothing_of_the_host_is_there_by_itself, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(read_only_is_read_only, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(writable_is_writable, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			links_lead_to_where_they_lead_in_the_sandbox, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(files_at_other_places, make_folder, remove_folder),
		cmocka_unit_test(empty_folders),
		cmocka_unit_test_setup_teardown(where_it_begins, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			modes_are_cut_as_outside, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(nothing_is_left, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			nothing_is_left_of_a_keg_that_was_killed, make_folder, remove_folder),
	};

	require_kvm();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
