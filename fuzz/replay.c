/* SPDX-License-Identifier: MIT */
/* Gives a fuzz target each file of its corpus once, where there is no fuzzer: in the tests. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzzing.h"

enum { MOST_BYTES = 1 << 20 };

static int replay(const char *folder, const char *name)
{
	uint8_t *data = NULL;
	char path[4096];
	size_t size;
	FILE *file;
	int failed = 1;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file) {
		perror(path);
		return 1;
	}
	data = malloc(MOST_BYTES);
	if (!data)
		goto out;
	size = fread(data, 1, MOST_BYTES, file);
	/* To its very size, so that a sanitizer sees who reads beyond it. */
	data = realloc(data, size ? size : 1);
	if (!data)
		goto out;
	fprintf(stderr, "%s\n", name);
	LLVMFuzzerTestOneInput(data, size);
	failed = 0;
out:
	free(data);
	fclose(file);
	return failed;
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	int count = 0, failed = 0;

	if (!folder) {
		fprintf(stderr, "usage: replay CORPUS-FOLDER\n");
		return 2;
	}
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (entry->d_name[0] == '.')
			continue;
		failed |= replay(argv[1], entry->d_name);
		count++;
	}
	closedir(folder);
	return failed || count == 0;
}
