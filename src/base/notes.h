/* SPDX-License-Identifier: MIT */
/*
 * What did not go as asked but was worked around: a list of sentences that layers add to, and that
 * whoever made the machine can read.
 */
#ifndef KEG_BASE_NOTES_H
#define KEG_BASE_NOTES_H

#include <pthread.h>
#include <stddef.h>

/* So many sentences, of so many bytes: what is more is not kept, what is longer is cut. */
enum { KEG_NOTES_MOST = 64, KEG_NOTE_BYTES = 256 };

struct keg_notes {
	pthread_mutex_t lock;
	size_t count;
	char sentences[KEG_NOTES_MOST][KEG_NOTE_BYTES];
};

/* Makes an empty list. */
int keg_notes_init(struct keg_notes *notes);
void keg_notes_fini(struct keg_notes *notes);

/*
 * Adds a sentence, once: one that is there already is not added again. Any thread. NULL is a list
 * that nobody reads.
 */
void keg_notes_add(struct keg_notes *notes, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/* The `index`-th sentence, which lives as long as the list; NULL after the last. Any thread. */
const char *keg_notes_get(struct keg_notes *notes, size_t index);

#endif
