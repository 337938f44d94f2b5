/* SPDX-License-Identifier: MIT */
/* Sentences about what was worked around. */
#include <pthread.h>

#include "base/notes.h"
#include "testing.h"

static int open_notes(void **state)
{
	struct keg_notes *notes = calloc(1, sizeof(*notes));

	assert_non_null(notes);
	assert_ok(keg_notes_init(notes));
	*state = notes;
	return 0;
}

static int close_notes(void **state)
{
	keg_notes_fini(*state);
	free(*state);
	return 0;
}

static void a_new_list_is_empty(void **state)
{
	assert_null(keg_notes_get(*state, 0));
	assert_null(keg_notes_get(*state, SIZE_MAX));
}

static void sentences_are_kept_in_order(void **state)
{
	keg_notes_add(*state, "KVM refuses MSR 0x%x", 0x2ff);
	keg_notes_add(*state, "avx2 is off");
	assert_string_equal(keg_notes_get(*state, 0), "KVM refuses MSR 0x2ff");
	assert_string_equal(keg_notes_get(*state, 1), "avx2 is off");
	assert_null(keg_notes_get(*state, 2));
}

static void a_sentence_is_kept_once(void **state)
{
	keg_notes_add(*state, "one");
	keg_notes_add(*state, "two");
	keg_notes_add(*state, "one");
	assert_string_equal(keg_notes_get(*state, 1), "two");
	assert_null(keg_notes_get(*state, 2));
}

static void there_are_so_many_and_no_more(void **state)
{
	for (int i = 0; i < KEG_NOTES_MOST + 10; i++)
		keg_notes_add(*state, "number %d", i);
	assert_string_equal(keg_notes_get(*state, KEG_NOTES_MOST - 1), "number 63");
	assert_null(keg_notes_get(*state, KEG_NOTES_MOST));
}

static void a_long_sentence_is_cut(void **state)
{
	keg_notes_add(*state, "%01000d", 7);
	assert_int_equal(strlen(keg_notes_get(*state, 0)), KEG_NOTE_BYTES - 1);
}

static void nobody_need_listen(void **state)
{
	(void)state;
	keg_notes_add(NULL, "heard by none");
}

enum { THREADS = 4, SENTENCES = 16 };

static void *add_all(void *notes)
{
	for (int i = 0; i < SENTENCES; i++)
		keg_notes_add(notes, "sentence %d", i);
	return NULL;
}

static void threads_add_the_same_sentence_once(void **state)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_all, *state), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_non_null(keg_notes_get(*state, SENTENCES - 1));
	assert_null(keg_notes_get(*state, SENTENCES));
}

#define notes_test(name) cmocka_unit_test_setup_teardown(name, open_notes, close_notes)

int main(void)
{
	const struct CMUnitTest tests[] = {
		notes_test(a_new_list_is_empty),
		notes_test(sentences_are_kept_in_order),
		notes_test(a_sentence_is_kept_once),
		notes_test(there_are_so_many_and_no_more),
		notes_test(a_long_sentence_is_cut),
		notes_test(nobody_need_listen),
		notes_test(threads_add_the_same_sentence_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
