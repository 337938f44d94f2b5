/* SPDX-License-Identifier: MIT */
/*
 * keg_user_confine(): what is left to a process that has given up what running its sandbox does not
 * need. Each test is a child, as nothing of it can be taken back.
 */
#include "testing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include <keg/host.h>
#include <keg/user.h>
#include <keg/vcpu.h>

#include "user/sys_path.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* Linux 6.6 */
#endif

static struct keg_host *host;
static struct keg_user *user;

/* In the child: a sandbox with a shell that runs `script`, and no more rights than it needs. */
static void confine(const char *script, bool network)
{
	const char *const words[] = {"sh", "-c", script, NULL};
	const struct keg_user_config config = {.size = sizeof(config), .kick_signal = SIGRTMIN};

	assert_ok(keg_kick_install(config.kick_signal));
	assert_ok(keg_host_create(NULL, &host));
	assert_ok(keg_user_create(host, &config, &user));
	assert_ok(keg_user_bind_system(user));
	assert_ok(keg_user_bind_empty(user, "/tmp", 0));
	assert_ok(keg_user_bind_program(user, "/bin/sh"));
	assert_ok(keg_user_bind(user, "/usr/bin", NULL, 0));
	assert_ok(keg_user_bind(user, "/bin", NULL, 0));
	for (int i = 0; i < 3; i++)
		assert_ok(keg_user_set_stream(user, i, i));
	assert_ok(keg_user_set_network(user, network));
	assert_ok(keg_user_load(user, "/bin/sh", words, NULL));
	assert_ok(keg_user_confine(user));
}

/* Runs it in a child, which has to say that all is well. */
static void in_a_child(void (*test)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status)
		fail_msg("the child ended with wait status 0x%x", status);
}

/* cmocka's assertions do not reach out of a child: it ends, and says where. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "%s:%d: %s: errno %d\n", __FILE__, __LINE__, #condition,        \
				errno);                                                            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)
#define must_fail(call, error) must((call) == -1 && errno == (error))
#define must_not(call)         must((call) == -1 && (errno == EPERM || errno == EACCES))

/* A line of /proc/self/status, which was opened before. */
static unsigned long long status_of(int status, const char *name)
{
	char text[8192], *line;
	ssize_t length = pread(status, text, sizeof(text) - 1, 0);

	must(length > 0);
	text[length] = 0;
	line = strstr(text, name);
	must(line);
	return strtoull(line + strlen(name), NULL, strncmp(name, "Cap", 3) == 0 ? 16 : 10);
}

static void rights(void)
{
	const unsigned long long files =
		1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH | 1 << CAP_FOWNER;
	int status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	confine("exit 0", false);
	must(status_of(status, "Seccomp:") == 2);
	must(status_of(status, "NoNewPrivs:") == 1);
	must((status_of(status, "CapEff:") & ~files) == 0);
	must((status_of(status, "CapPrm:") & ~files) == 0);
	must(status_of(status, "CapInh:") == 0);
}

static void the_process_has_few_rights(void **state)
{
	(void)state;
	in_a_child(rights);
}

static void processes(void)
{
	char *const words[] = {(char[]){"true"}, NULL};

	confine("exit 0", false);
	must_not(execve("/bin/true", words, words + 1));
	must_not(syscall(SYS_execveat, AT_FDCWD, "/bin/true", words, words + 1, 0));
	must_not((int)syscall(SYS_fork));
	must_not((int)syscall(SYS_vfork));
	must_not((int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	must(syscall(SYS_clone3, NULL, 0) == -1);
	must_not(kill(getppid(), SIGTERM));
	must_not((int)syscall(SYS_tgkill, getppid(), getppid(), SIGTERM));
	must_not((int)ptrace(PTRACE_ATTACH, getppid(), 0, 0));
	must_not((int)syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
	must_not((int)syscall(SYS_pidfd_open, getppid(), 0));
	must_not(setuid(65534));
	must_not((int)syscall(SYS_unshare, 0));
	must_not((int)syscall(SYS_setns, 0, 0));
	must_not((int)syscall(SYS_bpf, 0, 0, 0));
	must_not((int)syscall(SYS_perf_event_open, 0, 0, 0, 0, 0));
	must_not((int)syscall(SYS_io_uring_setup, 1, 0));
	must_not((int)syscall(SYS_keyctl, 0, 0, 0, 0, 0));
}

static void it_makes_and_touches_no_other_process(void **state)
{
	(void)state;
	in_a_child(processes);
}

static int open_socket(int family)
{
	return socket(family, SOCK_STREAM, 0);
}

static void sockets(void)
{
	confine("exit 0", false);
	must_not(open_socket(AF_INET));
	must_not(open_socket(AF_INET6));
	must_not(open_socket(AF_NETLINK));
	must_not(open_socket(AF_PACKET));
}

static void network(void)
{
	confine("exit 0", true);
	must(open_socket(AF_INET) >= 0);
	must_not(open_socket(AF_PACKET));
}

static void it_has_the_network_that_the_program_has(void **state)
{
	(void)state;
	in_a_child(sockets);
	in_a_child(network);
}

static bool has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static void files(void)
{
	int before = open("/etc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool landlock = has_landlock(); /* afterwards it may not be asked any more */

	confine("exit 0", false);
	must_not(mount("none", "/mnt", "tmpfs", 0, NULL));
	must_not(umount("/proc"));
	must_not(chroot("/tmp"));
	must_not((int)syscall(SYS_open_tree, AT_FDCWD, "/", 0));
	must_not((int)syscall(SYS_fsopen, "tmpfs", 0));
	/* Landlock does not look at these. */
	must_not(chown("/", (uid_t)-1, (gid_t)-1));
	must_not(setxattr("/", "user.keg", "", 0, XATTR_REPLACE));
	must_not(removexattr("/", "user.keg"));
	must(open("/usr/bin/env", O_RDONLY) >= 0);
	if (!landlock) {
		dprintf(2, "this kernel has no Landlock\n");
		return;
	}
	must_not(open("/etc/passwd", O_RDONLY));
	must_not(openat(before, "passwd", O_RDONLY));
	must_not(open("/proc/self/mem", O_RDWR));
	must_not(open("/dev/kvm", O_RDWR));
	must_not(open("/usr/bin/env", O_WRONLY));
	must_not(open("/tmp/keg-confine-test", O_CREAT | O_WRONLY, 0600));
	must_not(mkdir("/usr/bin/keg-confine-test", 0700));
	must_not(unlink("/usr/bin/env"));
}

/* Files' modes: of what is open, by no name in /proc where the kernel can do without. */
static void modes(void)
{
	int fd = memfd_create("keg", MFD_CLOEXEC);
	struct stat st;

	must(fd >= 0);
	confine("exit 0", false);
	must(keg_path_chmod(fd, 0640) == 0);
	must(fstat(fd, &st) == 0 && (st.st_mode & 07777) == 0640);
	must(syscall(SYS_fchmodat2, fd, "", 0600, AT_EMPTY_PATH) == 0 || errno == ENOSYS);
	must_not((int)syscall(SYS_fchmodat, fd, "", 0600));
}

static void it_reaches_no_file_but_those_that_are_bound(void **state)
{
	(void)state;
	in_a_child(files);
	in_a_child(modes);
}

static void requests(void)
{
	char letter = 'x';

	confine("exit 0", false);
	must_fail(ioctl(0, TIOCSTI, &letter), EPERM);
	must_fail(ioctl(0, TIOCLINUX, &letter), EPERM);
	must(ioctl(0, FIONREAD, &(int){0}) == 0 || errno != EPERM);
	/* The processor runs no memory that this process could write, or make. */
	must_not((int)syscall(SYS_modify_ldt, 0, 0, 0));
	must_not((int)syscall(SYS_iopl, 3));
}

static void requests_of_devices_are_few(void **state)
{
	(void)state;
	in_a_child(requests);
}

/* ---- And still all is there that a program needs ---- */

static void run(void)
{
	struct keg_user_stop stop;

	confine("set -e; test \"$(echo a | cat | cat)\" = a; echo x >/tmp/a; cp /tmp/a /tmp/b; "
		"cmp /tmp/a /tmp/b; rm /tmp/a; mkdir /tmp/d; mv /tmp/b /tmp/d/c; ls -l /tmp/d "
		"/usr/bin "
		">/dev/null; (sleep 0.01 & wait); sort -u --parallel=4 /proc/self/status "
		">/tmp/sorted; "
		"xz -T2 -k /tmp/sorted; xz -t /tmp/sorted.xz; trap 'exit 7' USR1; kill -USR1 $$; "
		"exit 1",
		false);
	must(keg_user_run(user, &stop) == 0);
	if (stop.end != KEG_USER_EXITED || stop.status != 7)
		dprintf(2, "it ended by %u, status %d: %s\n", stop.end, stop.status, stop.what);
	must(stop.end == KEG_USER_EXITED && stop.status == 7);
	keg_user_destroy(user);
	keg_host_destroy(host);
}

static void the_program_runs_as_before(void **state)
{
	(void)state;
	in_a_child(run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_process_has_few_rights),
		cmocka_unit_test(it_makes_and_touches_no_other_process),
		cmocka_unit_test(it_has_the_network_that_the_program_has),
		cmocka_unit_test(it_reaches_no_file_but_those_that_are_bound),
		cmocka_unit_test(requests_of_devices_are_few),
		cmocka_unit_test(the_program_runs_as_before),
	};

	require_kvm();
#if !KEG_HAS_SECCOMP
	fprintf(stderr, "SKIPPED: this build has no system-call filter (libseccomp)\n");
	return TEST_SKIPPED;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
