/* SPDX-License-Identifier: MIT */
/* Memory that goes away while keg reads it or writes to it. */
#include "hostile.h"

#include <linux/futex.h>
#include <sys/ioctl.h>
#include <ucontext.h>

#define MS     (300 * hostile_effort)
#define LENGTH (16 * PAGE)

static uint64_t until;
static char *buffer;
static int file;

static bool goes_on(void)
{
	return now_ms() < until;
}

static int leave(void)
{
	raw(SYS_exit, 0, 0, 0, 0, 0, 0);
	return 0;
}

/* ---- What takes it away ---- */

static int map_and_unmap(void *context)
{
	(void)context;
	while (goes_on()) {
		munmap(buffer, LENGTH);
		mmap(buffer, LENGTH, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return leave();
}

static int protect(void *context)
{
	(void)context;
	while (goes_on()) {
		mprotect(buffer, LENGTH, PROT_NONE);
		mprotect(buffer + PAGE, PAGE, PROT_READ);
		mprotect(buffer, LENGTH, PROT_READ | PROT_WRITE);
	}
	return leave();
}

static int map_file(void *context)
{
	(void)context;
	while (goes_on()) {
		mmap(buffer, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
		ftruncate(file, 0);
		ftruncate(file, LENGTH);
		mmap(buffer, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file, 0);
		madvise(buffer, LENGTH, MADV_DONTNEED);
	}
	return leave();
}

static int move(void *context)
{
	char *other = pages(16);

	(void)context;
	while (goes_on()) {
		mremap(buffer, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, other);
		mremap(other, LENGTH, LENGTH, MREMAP_MAYMOVE | MREMAP_FIXED, buffer);
	}
	return leave();
}

/* Copies of everything, so that pages are shared, and copied when they are written. */
static int fork_on(void *context)
{
	(void)context;
	while (goes_on()) {
		pid_t child = fork();

		if (child == 0) {
			memset(buffer, 1, LENGTH);
			_exit(0);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
	return leave();
}

/* ---- What uses it ---- */

static void use(void)
{
	char text[64];

	raw(SYS_pwrite64, file, (long)buffer, LENGTH, 0, 0, 0);
	raw(SYS_pread64, file, (long)buffer, LENGTH, 0, 0, 0);
	raw(SYS_getcwd, (long)buffer + PAGE - 2, PAGE, 0, 0, 0, 0);
	raw(SYS_futex, (long)buffer, FUTEX_WAKE, 1, 0, 0, 0);
	raw(SYS_futex, (long)buffer, FUTEX_WAIT_PRIVATE, 77, (long)&(struct timespec){0, 1000}, 0,
		0);
	raw(SYS_newfstatat, AT_FDCWD, (long)"/rw", (long)buffer + PAGE - 8, 0, 0, 0);
	raw(SYS_getrandom, (long)buffer, LENGTH, 0, 0, 0, 0);
	raw(SYS_readlink, (long)buffer + LENGTH - 3, (long)text, sizeof(text), 0, 0, 0);
}

static void race(int (*change)(void *))
{
	file = open("/rw/buffers", O_RDWR | O_CREAT | O_TRUNC, 0600);
	MUST(file >= 0 && ftruncate(file, LENGTH) == 0);
	buffer = pages(16);
	until = now_ms() + MS;
	in_thread(change, NULL);
	while (goes_on())
		use();
	_exit(0);
}

static void unmapped(void)
{
	race(map_and_unmap);
}

static void protected(void)
{
	race(protect);
}

static void truncated(void)
{
	race(map_file);
}

static void moved(void)
{
	race(move);
}

static void forked(void)
{
	race(fork_on);
}

/* The program itself uses it, in several threads, with faults at each turn. */
static void on_fault(int signo, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	(void)signo;
	(void)info;
	/* Past the store in touch(). */
	at->uc_mcontext.gregs[REG_RIP] += 3;
}

static int touch(void *context)
{
	while (goes_on()) {
		char *at = buffer + chance() % LENGTH;

		/* mov %al, 0(%rcx) with a displacement of a byte: three bytes */
		__asm__ volatile(".byte 0x88, 0x41, 0x00" ::"c"(at), "a"(0) : "memory");
	}
	(void)context;
	return leave();
}

static void touched(int (*change)(void *))
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	in_thread(touch, NULL);
	race(change);
}

static void touched_unmapped(void)
{
	until = UINT64_MAX;
	buffer = pages(16);
	touched(map_and_unmap);
}

static void touched_truncated(void)
{
	until = UINT64_MAX;
	buffer = pages(16);
	touched(map_file);
}

/* ---- A handler's frame, whose stack goes away ---- */

static void nothing(int signo)
{
	(void)signo;
}

static int signal_main(void *context)
{
	pid_t tid = (pid_t)(long)context;

	while (goes_on())
		raw(SYS_tgkill, getpid(), tid, SIGUSR1, 0, 0, 0);
	return leave();
}

static void take_frames(void *context)
{
	struct sigaction action = {.sa_handler = nothing, .sa_flags = SA_ONSTACK};

	(void)context;
	buffer = pages(16);
	until = now_ms() + 100;
	sigaction(SIGUSR1, &action, NULL);
	sigaltstack(&(stack_t){.ss_sp = buffer, .ss_size = LENGTH}, NULL);
	in_thread(signal_main, (void *)(long)gettid());
	in_thread(protect, NULL);
	while (goes_on()) {
		action.sa_flags ^= SA_NODEFER;
		sigaction(SIGUSR1, &action, NULL);
	}
}

/* The stack is often not there, and that is the end; not always. */
static void frames(void)
{
	for (unsigned i = 0; i < 6 * hostile_effort; i++)
		in_child(take_frames, NULL, 1000);
}

/* ---- Files that shrink under a mapping ---- */

static void read_it(void *at)
{
	(void)*(volatile char *)at;
}

static void shrinking_file(void)
{
	int fd = open("/tmp/shrinks", O_RDWR | O_CREAT, 0600);
	char *at;

	MUST(fd >= 0 && ftruncate(fd, LENGTH) == 0);
	at = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(at != MAP_FAILED);
	at[0] = at[5 * PAGE] = 1;
	MUST(ftruncate(fd, 0) == 0);
	/* What was there already may stay for as long as it is mapped; keg is none the worse. */
	trapped(read_it, at + 8 * PAGE);
	raw(SYS_futex, (long)(at + 9 * PAGE), FUTEX_WAIT, 0, (long)&(struct timespec){0, 1}, 0, 0);
	raw(SYS_futex, (long)(at + 9 * PAGE), FUTEX_WAKE, 1, 0, 0, 0);
	raw(SYS_write, 2, (long)(at + 9 * PAGE), 0, 0, 0, 0);
	raw(SYS_pread64, fd, (long)(at + 10 * PAGE), 8, 0, 0, 0);
	msync(at, LENGTH, MS_SYNC);
	MUST(ftruncate(fd, 3 * PAGE + 1) == 0);
	at[3 * PAGE + 4000] = 1;
	trapped(read_it, at + 4 * PAGE);
}

const struct hostile hostile_buffers[] = {
	{"buffers-unmapped", unmapped, EXITS, 0},
	{"buffers-protected", protected, EXITS, 0},
	{"buffers-truncated", truncated, EXITS, 0},
	{"buffers-moved", moved, EXITS | KILLED, 0},
	{"buffers-forked", forked, EXITS, 0},
	{"touched-while-unmapped", touched_unmapped, EXITS, 0},
	{"touched-while-truncated", touched_truncated, EXITS, 0},
	{"frames-on-a-stack-that-goes", frames, EXITS, 0},
	{"shrinking-file", shrinking_file, EXITS, 0},
	{NULL, NULL, 0, 0},
};
