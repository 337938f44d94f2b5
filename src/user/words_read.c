/* SPDX-License-Identifier: MIT */
/* The words of an execve(2), out of the program's memory. */
#include <stdlib.h>

#include "base/error.h"
#include "user/load.h"
#include "user/space.h"

static int read_word(
	struct keg_words *words, struct keg_space *space, uint64_t at, char buffer[KEG_WORD_MOST])
{
	uint64_t word;
	ssize_t length;

	if (keg_space_read(space, &word, at, sizeof(word)))
		return -EFAULT;
	if (!word)
		return 1;
	length = keg_space_read_string(space, buffer, word, KEG_WORD_MOST);
	if (length == -ENAMETOOLONG)
		return -E2BIG;
	if (length < 0)
		return (int)length;
	return keg_words_add(words, buffer, (size_t)length);
}

int keg_words_read(struct keg_words *words, struct keg_space *space, uint64_t at)
{
	char *buffer;
	int ret = 0;

	*words = (struct keg_words){0};
	if (!at)
		return 0; /* Linux takes NULL for an empty list */
	buffer = malloc(KEG_WORD_MOST);
	if (!buffer)
		return keg_fail(ENOMEM, "no memory for arguments");
	for (; !ret; at += sizeof(uint64_t))
		ret = read_word(words, space, at, buffer);
	free(buffer);
	if (ret < 0)
		keg_words_free(words);
	return ret < 0 ? ret : 0;
}
