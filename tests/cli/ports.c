/* SPDX-License-Identifier: MIT */
/* Channels of the virtio console: what the guest writes to them, and who may listen. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "testing.h"

#include "cli/ports.h"

static struct ports *open_one(const char *text)
{
	static const char *texts[1];
	const struct cli_list list = {.items = texts, .count = 1};

	texts[0] = text;
	return ports_open(&list);
}

static void put(const struct ports *ports, const char *text)
{
	const struct keg_port_config *config = ports_config(ports, 0);

	config->output(config->context, text, strlen(text));
}

static void names_and_paths(void **state)
{
	const char *path = NULL;

	(void)state;
	assert_int_equal(ports_parse("log=a=b", &path), 3);
	assert_string_equal(path, "a=b");
	assert_int_equal(ports_parse("log", &path), 0);
	assert_int_equal(ports_parse("log=", &path), 0);
	assert_int_equal(ports_parse("=a", &path), 0);
	assert_int_equal(ports_parse("log=unix:", &path), 0);
	assert_int_equal(ports_parse("0123456789012345678901234567890=a", &path), 31);
	assert_int_equal(ports_parse("01234567890123456789012345678901=a", &path), 0);
}

static void a_file_gets_what_is_written(void **state)
{
	char file[] = "/tmp/keg-test-XXXXXX", text[64], bytes[16] = "";
	int fd = mkstemp(file);
	struct ports *ports;

	(void)state;
	assert_int_equal(write(fd, "what was before", 15), 15);
	snprintf(text, sizeof(text), "log=%s", file);
	ports = open_one(text);
	assert_non_null(ports);
	assert_string_equal(ports_config(ports, 0)->name, "log");
	put(ports, "one ");
	put(ports, "two");
	ports_close(ports);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), 0), 7);
	assert_string_equal(bytes, "one two");
	close(fd);
	unlink(file);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Writes until somebody who has connected has been accepted, and has got a byte. */
static void put_until_heard(struct ports *ports, int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	do {
		put(ports, "x");
	} while (poll(&poll_fd, 1, 1) == 0);
}

static void a_socket_has_one_listener_at_a_time(void **state)
{
	static const char path[] = "/tmp/keg-test-port";
	struct ports *ports;
	struct stat st;
	char byte;
	int fd;

	(void)state;
	unlink(path);
	ports = open_one("talk=unix:/tmp/keg-test-port");
	assert_non_null(ports);
	assert_int_equal(ports_start(ports, NULL), 0);
	put(ports, "nobody listens"); /* and it is lost */
	for (int i = 0; i < 2; i++) {
		fd = connect_to(path);
		put_until_heard(ports, fd);
		assert_int_equal(read(fd, &byte, 1), 1);
		assert_int_equal(byte, 'x');
		close(fd);
		put(ports, "nobody");
	}
	ports_close(ports);
	assert_int_equal(stat(path, &st), -1); /* it is gone */
}

static void who_takes_nothing_is_given_no_more(void **state)
{
	static const char path[] = "/tmp/keg-test-port";
	static char bytes[1 << 20];
	struct ports *ports;
	int fd;

	(void)state;
	memset(bytes, 'y', sizeof(bytes) - 1);
	unlink(path);
	ports = open_one("talk=unix:/tmp/keg-test-port");
	assert_non_null(ports);
	assert_int_equal(ports_start(ports, NULL), 0);
	fd = connect_to(path);
	put_until_heard(ports, fd);
	put(ports, bytes); /* more than a socket holds; and it comes back */
	ports_close(ports);
	close(fd);
}

static void a_socket_that_was_left_behind_is_replaced(void **state)
{
	static const char path[] = "/tmp/keg-test-port";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int left = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ports *ports;

	(void)state;
	unlink(path);
	strcpy(address.sun_path, path);
	assert_int_equal(bind(left, (struct sockaddr *)&address, sizeof(address)), 0);
	close(left); /* and the name stays */
	ports = open_one("talk=unix:/tmp/keg-test-port");
	assert_non_null(ports);
	assert_null(open_one("talk=unix:/tmp/keg-test-port")); /* this one is in use */
	assert_int_equal(access(path, F_OK), 0);
	ports_close(ports);
}

/* A file is never taken for one. */
static void what_is_no_socket_stays(void **state)
{
	char file[] = "/tmp/keg-test-XXXXXX", text[64];
	int fd = mkstemp(file);

	(void)state;
	snprintf(text, sizeof(text), "talk=unix:%s", file);
	assert_null(open_one(text));
	assert_int_equal(access(file, F_OK), 0);
	close(fd);
	unlink(file);
}

/* Standard error as it is written to. */
static int catch_errors(int *saved)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fflush(stderr);
	*saved = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	return fds[0];
}

static void a_full_disk_is_told_of_once(void **state)
{
	char bytes[512] = "";
	struct rlimit all, little;
	struct ports *ports;
	int saved, errors;

	(void)state;
	/* Of a file that may have 4 bytes. */
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
	little = all;
	little.rlim_cur = 4;
	ports = open_one("log=/tmp/keg-test-port-log");
	assert_non_null(ports);
	errors = catch_errors(&saved);
	setrlimit(RLIMIT_FSIZE, &little);
	put(ports, "all is well");
	put(ports, "no more");
	setrlimit(RLIMIT_FSIZE, &all);
	dup2(saved, STDERR_FILENO);
	close(saved);
	assert_true(read(errors, bytes, sizeof(bytes) - 1) > 0);
	assert_non_null(strstr(bytes, "--port log: cannot write the file, and what follows is"));
	assert_null(strstr(strstr(bytes, "--port") + 1, "--port"));
	close(errors);
	ports_close(ports);
	unlink("/tmp/keg-test-port-log");
}

static void what_cannot_be_opened(void **state)
{
	(void)state;
	assert_null(open_one("a=/nonexistent/file"));
	assert_null(open_one("a=unix:/nonexistent/socket"));
	assert_null(open_one("a=unix:/a/path/that/is/longer/than/the/hundred/and/seven/characters/"
			     "that/a/socket/may/have/on/linux/and/so/is/refused"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_paths),
		cmocka_unit_test(a_file_gets_what_is_written),
		cmocka_unit_test(a_socket_has_one_listener_at_a_time),
		cmocka_unit_test(who_takes_nothing_is_given_no_more),
		cmocka_unit_test(a_socket_that_was_left_behind_is_replaced),
		cmocka_unit_test(what_is_no_socket_stays),
		cmocka_unit_test(a_full_disk_is_told_of_once),
		cmocka_unit_test(what_cannot_be_opened),
	};

	signal(SIGPIPE, SIG_IGN); /* as the program does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
