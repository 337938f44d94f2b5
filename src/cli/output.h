/* SPDX-License-Identifier: MIT */
/*
 * What the guest writes, on its way to standard output: vCPUs put it into a buffer and run on; the
 * console's thread writes it when it can be written. A vCPU waits only while the buffer is full.
 */
#ifndef KEG_CLI_OUTPUT_H
#define KEG_CLI_OUTPUT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { OUTPUT_SIZE = 65536 };

struct output {
	int wake;      /* an eventfd of the console's: there is something to write */
	int fd;        /* to write to without blocking, where that can be had */
	bool own_fd;   /* it is not standard output itself */
	int error;     /* errno of a write that failed: all that follows is dropped */
	bool hurried;  /* nobody waits for room any more */
	bool mid_line; /* the last byte was no newline */
	pthread_mutex_t lock;
	pthread_cond_t room;
	size_t first, count;
	char bytes[OUTPUT_SIZE]; /* a ring */
};

/* 0, or an errno. The eventfd stays the caller's. */
int output_init(struct output *output, int wake);
void output_fini(struct output *output);

/* Puts bytes into the buffer. In any thread; all others here are the console's own. */
void output_put(struct output *output, const char *bytes, size_t count);

/* Whether something waits to be written. */
bool output_waits(struct output *output);

/* Writes what can be written now, after poll(2) has said that something can. An errno if it failed,
 * which is told once. */
int output_write(struct output *output);

/* From now on nobody waits: what finds no room is dropped. */
void output_hurry(struct output *output);

#endif
