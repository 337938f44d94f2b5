/* SPDX-License-Identifier: MIT */
/*
 * The log that kill.py lets a guest write: `records append FILE` appends records for ever and tells
 * of each one when fsync(2) says that it is on the disk; `records check FILE COUNT` fails unless
 * the first COUNT are there, and cuts off what was being written behind the last whole one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No multiple of a sector or a page, so that records lie across them. */
enum { WORDS = 625 };

struct record {
	uint64_t words[WORDS];
};

/* Each word depends on the record's number and its own: Knuth's multiplicative step. */
static void fill(struct record *record, uint64_t number)
{
	uint64_t value = number;

	for (size_t i = 0; i < WORDS; i++) {
		record->words[i] = value;
		value = value * 6364136223846793005u + 1442695040888963407u;
	}
}

static bool is_whole(const struct record *record, uint64_t number)
{
	struct record good;

	fill(&good, number);
	return memcmp(record, &good, sizeof(good)) == 0;
}

/* How many whole records the file begins with. */
static uint64_t count_records(int fd)
{
	struct record record;
	uint64_t count = 0;

	while (pread(fd, &record, sizeof(record), (off_t)(count * sizeof(record))) ==
			(ssize_t)sizeof(record) &&
		is_whole(&record, count))
		count++;
	return count;
}

static int append(int fd)
{
	struct record record;

	for (uint64_t number = count_records(fd);; number++) {
		fill(&record, number);
		if (pwrite(fd, &record, sizeof(record), (off_t)(number * sizeof(record))) !=
				(ssize_t)sizeof(record) ||
			fsync(fd))
			break;
		printf("acked: %llu\n", (unsigned long long)number + 1);
		fflush(stdout);
	}
	printf("failed: %s\n", strerror(errno));
	return 1;
}

static int check(int fd, uint64_t acked)
{
	uint64_t count = count_records(fd);

	printf("records: %llu of %llu\n", (unsigned long long)count, (unsigned long long)acked);
	if (count < acked)
		return 1;
	return ftruncate(fd, (off_t)(count * sizeof(struct record))) || fsync(fd);
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[2], O_RDWR | O_CREAT, 0644) : -1;

	if (fd < 0) {
		printf("failed: no file\n");
		return 2;
	}
	if (!strcmp(argv[1], "append"))
		return append(fd);
	return check(fd, argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
}
