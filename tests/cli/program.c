/* SPDX-License-Identifier: MIT */
/* Child processes, with pipes on their three descriptors. */
#include "program.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

const char *program_path(void)
{
	const char *path = getenv("KEG");

	return path ? path : KEG_PROGRAM;
}

_Noreturn void program_exec(const char *const *words)
{
	const char *argv[64] = {"keg"};
	size_t count = 1;

	while (*words && count < 63)
		argv[count++] = *words++;
	argv[count] = NULL;
	execv(program_path(), (char *const *)argv);
	perror(program_path());
	_exit(127);
}

/* What comes out of a pipe, in memory. */
struct sink {
	int fd;
	char *text;
	size_t count;
};

static void sink_read(struct sink *sink)
{
	ssize_t count;

	sink->text = realloc(sink->text, sink->count + 65537);
	assert_non_null(sink->text);
	count = read(sink->fd, sink->text + sink->count, 65536);
	if (count <= 0) {
		close(sink->fd);
		sink->fd = -1;
		count = 0;
	}
	sink->count += (size_t)count;
	sink->text[sink->count] = 0;
}

static void read_both(struct sink *out, struct sink *err, pid_t pid)
{
	while (out->fd >= 0 || err->fd >= 0) {
		struct pollfd fds[] = {
			{.fd = out->fd, .events = POLLIN}, {.fd = err->fd, .events = POLLIN}};
		int ready = poll(fds, 2, PROGRAM_SECONDS * 1000);

		if (ready == 0) {
			kill(pid, SIGKILL);
			fail_msg("keg is still running after %d s; it has said: %s",
				PROGRAM_SECONDS, out->text ? out->text : "nothing");
		}
		if (fds[0].revents)
			sink_read(out);
		if (fds[1].revents)
			sink_read(err);
	}
}

/* A descriptor to read `input` from. */
static int input_of(const char *input)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if (input)
		assert_int_equal(write(fds[1], input, strlen(input)), strlen(input));
	close(fds[1]);
	return fds[0];
}

static _Noreturn void child(
	int in, const int *out, const int *err, uid_t uid, const char *const *words)
{
	dup2(in, STDIN_FILENO);
	dup2(out[1], STDOUT_FILENO);
	dup2(err[1], STDERR_FILENO);
	close(in);
	close(out[0]);
	close(out[1]);
	close(err[0]);
	close(err[1]);
	if (uid && (setgid(65534) != 0 || setuid(uid) != 0))
		_exit(126);
	program_exec(words);
}

void program_run(struct outcome *outcome, const char *input, uid_t uid, const char *const *words)
{
	struct sink sinks[2] = {{.fd = -1}, {.fd = -1}};
	int in = input_of(input), out[2], err[2], status;
	pid_t pid;

	assert_int_equal(pipe(out), 0);
	assert_int_equal(pipe(err), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		child(in, out, err, uid, words);
	close(in);
	close(out[1]);
	close(err[1]);
	sinks[0].fd = out[0];
	sinks[1].fd = err[0];
	read_both(&sinks[0], &sinks[1], pid);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	outcome->signo = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	outcome->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	outcome->out = sinks[0].text;
	outcome->err = sinks[1].text;
}

void program_release(struct outcome *outcome)
{
	free(outcome->out);
	free(outcome->err);
	*outcome = (struct outcome){0};
}

void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" lacks \"%s\"", text, part);
}

void assert_complaint(const struct outcome *outcome, int status, const char *part)
{
	const char *end = strchr(outcome->err, '\n');

	assert_string_equal(outcome->out, "");
	assert_has(outcome->err, part);
	if (strncmp(outcome->err, "keg: ", 5) != 0 || !end || end[1])
		fail_msg("not one line that begins with \"keg: \": \"%s\"", outcome->err);
	if (outcome->status != status)
		fail_msg("exit status %d, not %d: %s", outcome->status, status, outcome->err);
}

/* ---- Files ---- */

static char files[32][64];
static size_t file_count;

void assert_completions(const struct completion *rows, size_t count)
{
	struct outcome outcome;

	for (size_t i = 0; i < count; i++) {
		program_run(&outcome, NULL, 0, rows[i].words);
		assert_string_equal(outcome.out, rows[i].offered);
		program_release(&outcome);
	}
}

const char *program_file(const void *bytes, size_t count)
{
	char *name = files[file_count++];
	int fd;

	assert_true(file_count <= 32);
	strcpy(name, "/tmp/keg-test-XXXXXX");
	fd = mkstemp(name);
	assert_true(fd >= 0);
	if (count)
		assert_int_equal(write(fd, bytes, count), count);
	close(fd);
	return name;
}

void program_remove_files(void)
{
	while (file_count)
		unlink(files[--file_count]);
}
