/* SPDX-License-Identifier: MIT */
/* Arguments and environments on their way to a program: copied and bounded. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "user/load.h"

enum {
	WORD_MOST = KEG_WORD_MOST,
	WORDS_MOST = 2 * 1024 * 1024, /* with a pointer for each: ARG_MAX for 8 MiB of stack */
};

void keg_words_free(struct keg_words *words)
{
	for (uint32_t i = 0; i < words->count; i++)
		free(words->at[i]);
	free(words->at);
	*words = (struct keg_words){0};
}

/* Takes over `word`, also when it fails. Room for the end is kept. */
static int add(struct keg_words *words, char *word, size_t length)
{
	uint32_t count = words->count;

	if (length >= WORD_MOST || words->bytes + length + 1 + (count + 1ull) * 8 > WORDS_MOST) {
		free(word);
		return keg_fail(E2BIG, "the arguments or the environment are too large");
	}
	/* Full whenever the count and the end make a power of two. */
	if (!(count & (count + 1))) {
		char **more = reallocarray(words->at, 2 * (count + 1ull), sizeof(*more));

		if (!more) {
			free(word);
			return keg_fail(ENOMEM, "no memory for arguments");
		}
		words->at = more;
	}
	words->at[count] = word;
	words->at[count + 1] = NULL;
	words->count++;
	words->bytes += length + 1;
	return 0;
}

int keg_words_add(struct keg_words *words, const char *word, size_t length)
{
	char *copy = malloc(length + 1);

	if (!copy)
		return keg_fail(ENOMEM, "no memory for arguments");
	memcpy(copy, word, length);
	copy[length] = 0;
	return add(words, copy, length);
}

int keg_words_copy(struct keg_words *words, const char *const given[])
{
	int ret = 0;

	*words = (struct keg_words){0};
	for (; given && *given && !ret; given++)
		ret = keg_words_add(words, *given, strnlen(*given, WORD_MOST));
	if (ret)
		keg_words_free(words);
	return ret;
}

int keg_words_lead(struct keg_words *words, const char *const given[])
{
	struct keg_words all;
	int ret = keg_words_copy(&all, given);

	for (uint32_t i = 1; i < words->count && !ret; i++)
		ret = keg_words_add(&all, words->at[i], strlen(words->at[i]));
	if (ret) {
		keg_words_free(&all);
		return ret;
	}
	keg_words_free(words);
	*words = all;
	return 0;
}
