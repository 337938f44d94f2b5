/* SPDX-License-Identifier: MIT */
/*
 * Runs in the guest: reads and writes its disk past the page cache, by Linux's asynchronous I/O
 * (io_submit(2)), and tells how long that took. A line for each pattern: its name, requests,
 * nanoseconds.
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_AT_ONCE 32

struct pattern {
	const char *name;
	size_t bytes; /* of a request */
	unsigned int depth;
	uint16_t op; /* IOCB_CMD_... */
	int sequential;
	unsigned int per_mille; /* how many of the requests asked for are done */
};

static const struct pattern patterns[] = {
	{"randread-1", 4096, 1, IOCB_CMD_PREAD, 0, 250},
	{"randwrite-1", 4096, 1, IOCB_CMD_PWRITE, 0, 250},
	{"randread-32", 4096, 32, IOCB_CMD_PREAD, 0, 1000},
	{"randwrite-32", 4096, 32, IOCB_CMD_PWRITE, 0, 1000},
	{"seqread", 1 << 20, 4, IOCB_CMD_PREAD, 1, 30},
	{"seqwrite", 1 << 20, 4, IOCB_CMD_PWRITE, 1, 30},
};

struct disk {
	int fd;
	uint64_t bytes;
	aio_context_t context;
	unsigned char *buffers; /* MOST_AT_ONCE of 1 MiB */
	uint64_t random;
	uint64_t next; /* sequential: which request's turn it is */
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* Marsaglia's xorshift: the same places in each run. */
static uint64_t random_number(struct disk *disk)
{
	disk->random ^= disk->random << 13;
	disk->random ^= disk->random >> 7;
	disk->random ^= disk->random << 17;
	return disk->random;
}

static void prepare(
	struct disk *disk, const struct pattern *pattern, unsigned int slot, struct iocb *request)
{
	uint64_t places = disk->bytes / pattern->bytes;
	uint64_t place = pattern->sequential ? disk->next++ : random_number(disk);

	memset(request, 0, sizeof(*request));
	request->aio_lio_opcode = pattern->op;
	request->aio_fildes = (uint32_t)disk->fd;
	request->aio_buf = (uintptr_t)(disk->buffers + ((size_t)slot << 20));
	request->aio_nbytes = pattern->bytes;
	request->aio_offset = (int64_t)(place % places * pattern->bytes);
	request->aio_data = slot;
}

static void submit(struct disk *disk, struct iocb **requests, long count)
{
	if (count && syscall(SYS_io_submit, disk->context, count, requests) != count)
		die("io_submit");
}

/* Waits for at least one request; as many as are done at once take their next turn at once. */
static unsigned int turn(
	struct disk *disk, const struct pattern *pattern, struct iocb *requests, unsigned int left)
{
	struct io_event events[MOST_AT_ONCE];
	struct iocb *again[MOST_AT_ONCE];
	long done = syscall(SYS_io_getevents, disk->context, 1, MOST_AT_ONCE, events, NULL);
	unsigned int count = 0;

	if (done < 1)
		die("io_getevents");
	for (long i = 0; i < done; i++) {
		unsigned int slot = (unsigned int)events[i].data;

		if (events[i].res != (int64_t)pattern->bytes) {
			fprintf(stderr, "%s: a request gave %lld\n", pattern->name,
				(long long)events[i].res);
			exit(1);
		}
		if (count < left) {
			prepare(disk, pattern, slot, &requests[slot]);
			again[count++] = &requests[slot];
		}
	}
	submit(disk, again, count);
	return (unsigned int)done;
}

static void run(struct disk *disk, const struct pattern *pattern, unsigned int asked)
{
	unsigned int total = asked * pattern->per_mille / 1000, begun, done = 0;
	struct iocb requests[MOST_AT_ONCE], *first[MOST_AT_ONCE];
	uint64_t began;

	if (total < pattern->depth)
		total = pattern->depth;
	disk->next = 0;
	began = now();
	for (begun = 0; begun < pattern->depth; begun++) {
		prepare(disk, pattern, begun, &requests[begun]);
		first[begun] = &requests[begun];
	}
	submit(disk, first, begun);
	while (done < total) {
		unsigned int ended = turn(disk, pattern, requests, total - begun);

		done += ended;
		begun += ended < total - begun ? ended : total - begun;
	}
	printf("disk %s %u %llu\n", pattern->name, total, (unsigned long long)(now() - began));
	fflush(stdout);
}

/* disk DEVICE REQUESTS [PATTERN]... */
int main(int argc, char **argv)
{
	struct disk disk = {.random = 88172645463325252u};
	unsigned int asked = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 0;

	if (!asked)
		return 2;
	disk.fd = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk.fd < 0 || ioctl(disk.fd, BLKGETSIZE64, &disk.bytes))
		die(argv[1]);
	if (syscall(SYS_io_setup, MOST_AT_ONCE, &disk.context))
		die("io_setup");
	disk.buffers = mmap(NULL, (size_t)MOST_AT_ONCE << 20, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (disk.buffers == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		int wanted = argc == 3;

		for (int word = 3; word < argc; word++)
			wanted |= strcmp(argv[word], patterns[i].name) == 0;
		if (wanted)
			run(&disk, &patterns[i], asked);
	}
	return 0;
}
