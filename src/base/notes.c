/* SPDX-License-Identifier: MIT */
/* A list of sentences. */
#include "base/notes.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

int keg_notes_init(struct keg_notes *notes)
{
	int rc = pthread_mutex_init(&notes->lock, NULL);

	notes->count = 0;
	return rc ? keg_fail_errno(rc, "making a lock") : 0;
}

void keg_notes_fini(struct keg_notes *notes)
{
	pthread_mutex_destroy(&notes->lock);
}

static bool is_known(const struct keg_notes *notes, const char *sentence)
{
	for (size_t i = 0; i < notes->count; i++) {
		if (strcmp(notes->sentences[i], sentence) == 0)
			return true;
	}
	return false;
}

void keg_notes_add(struct keg_notes *notes, const char *format, ...)
{
	char sentence[KEG_NOTE_BYTES];
	va_list args;

	if (!notes)
		return;
	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	pthread_mutex_lock(&notes->lock);
	if (notes->count < KEG_NOTES_MOST && !is_known(notes, sentence))
		memcpy(notes->sentences[notes->count++], sentence, strlen(sentence) + 1);
	pthread_mutex_unlock(&notes->lock);
}

const char *keg_notes_get(struct keg_notes *notes, size_t index)
{
	const char *sentence;

	pthread_mutex_lock(&notes->lock);
	sentence = index < notes->count ? notes->sentences[index] : NULL;
	pthread_mutex_unlock(&notes->lock);
	return sentence;
}
