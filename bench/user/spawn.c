/* SPDX-License-Identifier: MIT */
/*
 * user-spawn ROUNDS COMMAND --- COMMAND [--- COMMAND]...: runs the commands in turns and prints,
 * for each round, a line with how many nanoseconds each took, from posix_spawn() to waitpid().
 */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { MOST = 8 };

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static long long run(char **words)
{
	const long long began = now();
	int status = 0;
	pid_t pid;

	if (!words[0] || posix_spawn(&pid, words[0], NULL, NULL, words, environ) != 0 ||
		waitpid(pid, &status, 0) != pid || status != 0) {
		fprintf(stderr, "user-spawn: %s failed\n", words[0] ? words[0] : "nothing");
		exit(1);
	}
	return now() - began;
}

int main(int argc, char **argv)
{
	const int rounds = argc > 2 ? (int)strtol(argv[1], NULL, 10) : 0;
	char **commands[MOST] = {argv + 2};
	int count = 1;

	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "---") != 0 || count == MOST)
			continue;
		argv[i] = NULL;
		commands[count++] = argv + i + 1;
	}
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < count; i++)
			printf("%lld%c", run(commands[i]), i + 1 < count ? ' ' : '\n');
	}
	return 0;
}
