/* SPDX-License-Identifier: MIT */
/* What the hostile programs have in common. Each is a case of one program, guests/hostile*.c, which
 * the test hostile.c runs in a sandbox each. */
#ifndef KEG_TESTS_GUESTS_HOSTILE_H
#define KEG_TESTS_GUESTS_HOSTILE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How a case may end. */
enum {
	EXITS = 1 << 0,  /* with status 0, what it tried having come to nothing */
	KILLED = 1 << 1, /* by a signal of its own making */
	TIME = 1 << 2,   /* by the limit of time */
	MEMORY = 1 << 3, /* by the limit of memory */
	STATUS = 1 << 4, /* with any status but NOT_CONTAINED */
	ANYHOW = EXITS | KILLED | TIME | MEMORY | STATUS,
};
enum { NOT_CONTAINED = 99 };

struct hostile {
	const char *name;
	void (*run)(void);
	unsigned ends;
	unsigned seconds; /* its limit of time; 0: the usual */
};

extern const struct hostile hostile_processor[], hostile_returns[], hostile_layout[],
	hostile_pointers[], hostile_counts[], hostile_races[], hostile_buffers[], hostile_bombs[],
	hostile_processes[], hostile_signals[], hostile_programs[], hostile_paths[],
	hostile_descriptors[], hostile_controls[], hostile_clocks[];

/* Something that must not be: the test fails. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			dprintf(2, "not contained: %s:%d: %s (errno %d)\n", __FILE__, __LINE__,    \
				#condition, errno);                                                \
			_exit(NOT_CONTAINED);                                                      \
		}                                                                                  \
	} while (0)

#define PAGE 4096ul

/* A system call with nothing of a library's in between: a negative errno. */
static inline long raw(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result = number;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* hostile.c: how long those go on that try their luck: this many times the usual. */
extern unsigned hostile_effort;
/* Runs it where a fault comes back as its signal's number; 0 if there was none. */
int trapped(void (*run)(void *), void *context);
/* Pages: read and write. */
void *pages(size_t count);
/* Where the program's own stack is not in the way. */
void on_other_stack(void (*run)(void));
/* In a process of its own: its wait(2) status; SIGKILL after so many milliseconds. */
int in_child(void (*run)(void *), void *context, unsigned ms);
uint64_t now_ms(void);
/* Numbers that are the same in each run. */
uint64_t chance(void);
/* A thread that shares everything; ends with the process. */
void in_thread(int (*run)(void *), void *context);

#endif
