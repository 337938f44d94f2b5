/* SPDX-License-Identifier: MIT */
/* Controls by number: ioctl, fcntl, prctl and their kin, every one of them; extreme times; and what
 * a kernel has that keg shall not have. */
#include "hostile.h"

#include <asm/prctl.h>
#include <linux/futex.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>

enum { TTY = 3 };

static char *buffer;

static void sweep(int fd)
{
	buffer = pages(2);
	for (long request = 0; request < 0x10000; request += request < 0x5400 ? 17 : 1) {
		if (request > 0x5500 && hostile_effort == 1)
			request += 60;
		raw(SYS_ioctl, fd, request, (long)buffer, 0, 0, 0);
	}
	for (long number = 0; number < 256; number++) {
		/* KVM's: of all sizes and directions. */
		MUST(raw(SYS_ioctl, fd, 0xae00 | number, 0, 0, 0, 0) < 0);
		MUST(raw(SYS_ioctl, fd, 0x4008ae00 | number, (long)buffer, 0, 0, 0) < 0);
		MUST(raw(SYS_ioctl, fd, 0x8010ae00 | number, (long)buffer, 0, 0, 0) < 0);
		MUST(raw(SYS_ioctl, fd, 0xc008ae00 | number, (long)buffer, 0, 0, 0) < 0);
	}
	for (int bit = 0; bit < 64; bit++)
		raw(SYS_ioctl, fd, (1l << bit) ^ FIONREAD, (long)buffer + 2 * (long)PAGE - 1, 0, 0,
			0);
}

static void on_a_terminal(void)
{
	/* TIOCNOTTY hangs it up, for who leads its session. */
	signal(SIGHUP, SIG_IGN);
	sweep(TTY);
	/* The test looks whether there is anything to be read. */
	MUST(raw(SYS_ioctl, TTY, TIOCSTI, (long)"x", 0, 0, 0) < 0);
	MUST(raw(SYS_ioctl, TTY, 0x541c /* TIOCLINUX */, (long)"\1", 0, 0, 0) < 0);
	MUST(raw(SYS_ioctl, TTY, TIOCCONS, 0, 0, 0, 0) < 0);
	raw(SYS_ioctl, TTY | 1l << 32, 0x100005412, (long)"x", 0, 0, 0);
}

static void on_a_pipe(void)
{
	int pipes[2];

	MUST(pipe(pipes) == 0);
	sweep(pipes[1]);
}

static void on_a_file(void)
{
	sweep(open("/rw/controls", O_RDWR | O_CREAT, 0600));
}

static void on_a_socket(void)
{
	int pair[2];

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	sweep(pair[0]);
}

static void file_controls(void)
{
	static const long arguments[] = {0, 1, -1, 1023, 70000, 0x7fffffff, 1l << 40};
	int fds[3] = {open("/rw/controls", O_RDWR | O_CREAT, 0600)};

	buffer = pages(1);
	pipe(fds + 1);
	for (long number = 0; number < 2048; number++) {
		for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++) {
			/* Waiting for a lock is none of this. */
			if (number == F_SETLKW || number == F_OFD_SETLKW)
				continue;
			raw(SYS_fcntl, fds[i % 3], number, arguments[i], 0, 0, 0);
			raw(SYS_fcntl, fds[i % 3], number, (long)buffer, 0, 0, 0);
			if (number > 1100)
				break;
		}
		raw(SYS_close_range, fds[2] + 1, -1, 0, 0, 0, 0);
	}
}

/* What a process may ask about itself, in one of its own. */
static void ask(void *context)
{
	long number = (long)context;

	buffer = pages(1);
	for (long option = 0; option < 128; option++) {
		raw(number, option, (long)buffer, (long)buffer, 0, 0, 0);
		raw(number, option, -1, -1, -1, -1, 0);
		raw(number, option, 1, 0, 0, 0, 0);
	}
	for (long option = 0; option < 256; option++) {
		raw(number, 0x1000 | option, (long)buffer, 0, 0, 0, 0);
		raw(number, 0x59616d61 ^ option, 1, 0, 0, 0, 0);
	}
}

static void process_controls(void)
{
	in_child(ask, (void *)SYS_prctl, 1000);
	in_child(ask, (void *)SYS_arch_prctl, 1000);
	in_child(ask, (void *)SYS_setrlimit, 1000);
	in_child(ask, (void *)SYS_prlimit64, 1000);
}

static void set_base(void *context)
{
	uint64_t *with = context;

	MUST(raw(SYS_arch_prctl, (long)with[0], (long)with[1], 0, 0, 0, 0) <= 0);
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static void segment_bases(void)
{
	static const uint64_t bases[] = {0, 1, 0x7fffffffe000, 0x7fffffffffff, 0x800000000000,
		0xffff7fffffffffff, 0xffff800000000000, UINT64_MAX, 1ull << 63};

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		uint64_t fs[2] = {ARCH_SET_FS, bases[i]}, gs[2] = {ARCH_SET_GS, bases[i]};

		MUST(in_child(set_base, fs, 1000) == 0);
		MUST(in_child(set_base, gs, 1000) == 0);
	}
}

static void times(void)
{
	static const int64_t extremes[] = {0, 1, -1, 999999999, 1000000000, INT64_MAX, INT64_MIN,
		INT64_MAX / 1000000000, INT64_MAX / 1000000000 + 1, 1ll << 62};
	int fd = timerfd_create(CLOCK_REALTIME, 0);
	timer_t timer = 0;

	signal(SIGALRM, SIG_IGN);
	timer_create(CLOCK_MONOTONIC, &(struct sigevent){.sigev_notify = SIGEV_NONE}, &timer);
	for (int i = 0; i<100 * 100; i += hostile_effort> 1 ? 1 : 7) {
		int64_t four[4] = {extremes[i % 10], extremes[i / 10 % 10], extremes[i / 100 % 10],
			extremes[i / 1000]};

		raw(SYS_timerfd_settime, fd, i & 3, (long)four, (long)four, 0, 0);
		raw(SYS_timer_settime, (long)timer, i & 1, (long)four, 0, 0, 0);
		raw(SYS_setitimer, i % 4, (long)four, 0, 0, 0, 0);
		raw(SYS_clock_settime, i % 12, (long)four, 0, 0, 0, 0);
		raw(SYS_settimeofday, (long)four, 0, 0, 0, 0, 0);
		raw(SYS_clock_gettime, four[0], (long)four, 0, 0, 0, 0);
		raw(SYS_clock_getres, four[1], (long)four, 0, 0, 0, 0);
	}
	for (int i = 0; i < 10; i++) {
		int64_t negative[2] = {-1, extremes[i]};

		MUST(raw(SYS_nanosleep, (long)negative, 0, 0, 0, 0, 0) == -EINVAL);
		MUST(raw(SYS_futex, (long)pages(1), FUTEX_WAIT, 0, (long)negative, 0, 0) < 0);
	}
}

/* ---- What there is not ---- */

static void unserved(void)
{
	static const int calls[] = {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
		SYS_bpf, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_userfaultfd,
		SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_perf_event_open,
		SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
		SYS_kexec_file_load, SYS_iopl, SYS_ioperm, SYS_swapon, SYS_swapoff, SYS_reboot,
		SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_setns, SYS_unshare,
		SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_quotactl, SYS_move_pages,
		SYS_mbind, SYS_migrate_pages, SYS_lookup_dcookie, SYS_acct, SYS_fanotify_init,
		SYS_syslog, SYS_modify_ldt, SYS_vhangup, SYS_nfsservctl, SYS_fsopen, SYS_fsmount,
		SYS_move_mount, SYS_open_tree, SYS_mount_setattr, SYS_pidfd_getfd,
		SYS_process_madvise, SYS_memfd_secret, SYS_landlock_create_ruleset, SYS_seccomp,
		SYS_personality, SYS_uselib, SYS_create_module, SYS_io_setup, SYS_pidfd_open,
		SYS_pidfd_send_signal, SYS_shmget, SYS_msgget, SYS_semget, SYS_mq_open,
		SYS_remap_file_pages, SYS_vmsplice, SYS_tee, SYS_kcmp};

	buffer = pages(4);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		raw(calls[i], 0, 0, 0, 0, 0, 0);
		raw(calls[i], (long)buffer, (long)buffer, (long)buffer, (long)buffer, (long)buffer,
			(long)buffer);
	}
	for (size_t i = 0; i < 12; i++)
		MUST(raw(calls[i], 1, (long)buffer, 0, 0, 0, 0) == -ENOSYS);
}

/* Restartable sequences and futex words where there is no memory, or a file's. */
static void odd_words(void)
{
	static const long flags[] = {0, FUTEX_PRIVATE_FLAG, FUTEX_CLOCK_REALTIME};
	int fd = open("/rw/words", O_RDWR | O_CREAT, 0600);
	struct timespec soon = {0, 1000};
	long at[6] = {0, 1, 0x7fffffffdfff, 0x7fffffffe000, -4, (long)pages(1) + 2};

	ftruncate(fd, PAGE);
	at[0] = (long)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ftruncate(fd, 0);
	for (long operation = 0; operation < 20; operation++) {
		for (int i = 0; i < 36 * 3; i++) {
			/* Locks are waited for without end. */
			if (operation == FUTEX_LOCK_PI || operation == 13)
				continue;
			raw(SYS_futex, at[i % 6], operation | flags[i / 36], 0, (long)&soon,
				at[i / 6 % 6], 0);
		}
	}
	for (int i = 0; i < 6; i++) {
		raw(SYS_set_robust_list, at[i], 24, 0, 0, 0, 0);
		raw(SYS_set_tid_address, at[i], 0, 0, 0, 0, 0);
		raw(SYS_rseq, at[i], 32, 0, 0x53053053, 0, 0);
	}
}

const struct hostile hostile_controls[] = {
	{"controls-of-a-terminal", on_a_terminal, EXITS, 0},
	{"controls-of-a-pipe", on_a_pipe, EXITS, 0},
	{"controls-of-a-file", on_a_file, EXITS, 0},
	{"controls-of-a-socket", on_a_socket, EXITS, 0},
	{"controls-of-descriptors", file_controls, EXITS, 0},
	{"controls-of-processes", process_controls, EXITS, 0},
	{"segment-bases", segment_bases, EXITS, 0},
	{"extreme-times", times, EXITS, 0},
	{"what-is-not-served", unserved, ANYHOW, 0},
	{"odd-words", odd_words, EXITS, 0},
	{NULL, NULL, 0, 0},
};
