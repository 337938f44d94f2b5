/* SPDX-License-Identifier: MIT */
/* What helps to make complaints helpful. */
#include "cli.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "access.h"

static uint64_t began_ns;

uint64_t cli_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void cli_begin(void)
{
	began_ns = cli_clock();
}

uint64_t cli_began(void)
{
	return began_ns;
}

/* How many letters must be added, removed or changed to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
	enum { LONGEST = 32 };
	size_t row[LONGEST + 1];
	size_t length = strlen(b);

	if (strlen(a) > LONGEST || length > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[length];
}

const char *cli_nearest(const char *word, const char *const *names)
{
	size_t length = strlen(word);
	size_t nearest = length / 3 + 2; /* more is another word */
	const char *found = NULL;

	for (; *names; names++) {
		size_t away = distance(word, *names);

		if (length > 1 && strncmp(*names, word, length) == 0)
			away = 1; /* its beginning */
		if (away < nearest && away < strlen(*names)) {
			nearest = away;
			found = *names;
		}
	}
	return found;
}

int cli_finish_output(int status, int failed)
{
	bool broken = ferror(stdout);

	errno = 0;
	if (fflush(stdout) == 0 && !broken)
		return status;
	/* Whoever closed a pipe has read enough, and knows. */
	if (errno != EPIPE)
		cli_error("cannot write the output: %s", strerror(errno ? errno : EIO));
	return failed;
}

struct keg_host *cli_open_host(const char *path, char why[CLI_WHY])
{
	struct keg_host_config config = {.size = sizeof(config), .path = path};
	struct keg_host *host = NULL;
	int rc = keg_host_create(&config, &host);

	if (rc == 0)
		return host;
	access_explain(path ? path : ACCESS_DEFAULT_PATH, -rc, "", why, CLI_WHY);
	if (!*why)
		snprintf(why, CLI_WHY, "%s", keg_error_message());
	return NULL;
}
