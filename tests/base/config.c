/* SPDX-License-Identifier: MIT */
/* Configurations of older and newer callers: keg_config_copy(). */
#include "testing.h"

#include "base/error.h"

/* The same configuration as three releases know it. */
struct older {
	size_t size;
	uint32_t first;
};
struct config {
	size_t size;
	uint32_t first;
	uint32_t second;
	uint64_t third;
};
struct newer {
	struct config known;
	uint64_t fourth;
};

static int copy(struct config *own, const void *given, size_t given_size)
{
	return keg_config_copy(own, sizeof(*own), given, given_size, "struct config");
}

static void our_own_size_is_copied_whole(void **state)
{
	const struct config given = {sizeof(given), 1, 2, 3};
	struct config own;

	(void)state;
	assert_ok(copy(&own, &given, given.size));
	assert_memory_equal(&own, &given, sizeof(own));
}

static void members_that_an_older_caller_lacks_are_zero(void **state)
{
	/* What is behind the older structure must not be read: here it is poison. */
	const struct config memory = {offsetof(struct config, second), 1, 0xbad, 0xbad};
	struct config own;

	(void)state;
	memset(&own, 0xff, sizeof(own));
	assert_ok(copy(&own, &memory, memory.size));
	assert_int_equal(own.first, 1);
	assert_int_equal(own.second, 0);
	assert_int_equal(own.third, 0);
}

static void an_older_structure_is_not_read_beyond_its_end(void **state)
{
	struct older *given = malloc(sizeof(*given)); /* the sanitizer guards its end */
	struct config own;

	(void)state;
	assert_non_null(given);
	*given = (struct older){sizeof(*given), 7};
	assert_ok(copy(&own, given, given->size));
	assert_int_equal(own.first, 7);
	free(given);
}

static void a_newer_caller_is_served_while_he_leaves_the_unknown_zero(void **state)
{
	const struct newer given = {.known = {sizeof(given), 1, 2, 3}};
	struct config own;

	(void)state;
	assert_ok(copy(&own, &given, given.known.size));
	assert_int_equal(own.third, 3);
}

static void members_that_we_do_not_know_are_refused_when_set(void **state)
{
	const struct newer given = {.known = {sizeof(given), 1, 2, 3}, .fourth = 1ULL << 63};
	struct config own;

	(void)state;
	assert_fails(copy(&own, &given, given.known.size), EINVAL, "struct config");
	assert_non_null(strstr(keg_error_message(), "does not know"));
	assert_non_null(strstr(keg_error_message(), keg_version()));
}

static void a_forgotten_size_is_refused_with_advice(void **state)
{
	const struct config given = {.first = 1};
	struct config own;

	(void)state;
	assert_fails(copy(&own, &given, 0), EINVAL, "struct config: its size member is 0");
	assert_non_null(strstr(keg_error_message(), "sizeof"));
}

static void a_size_that_does_not_even_hold_itself_is_refused(void **state)
{
	const struct config given = {.first = 1};
	struct config own;

	(void)state;
	assert_fails(copy(&own, &given, sizeof(size_t) - 1), EINVAL, "size member is 7");
}

static void the_size_alone_is_a_configuration_of_zeros(void **state)
{
	const size_t given = sizeof(given);
	struct config own;

	(void)state;
	memset(&own, 0xff, sizeof(own));
	assert_ok(copy(&own, &given, given));
	assert_int_equal(own.size, sizeof(given));
	assert_int_equal(own.first, 0);
	assert_int_equal(own.third, 0);
}

static void no_configuration_is_refused(void **state)
{
	struct config own;

	(void)state;
	assert_fails(copy(&own, NULL, 0), EINVAL, "struct config: there is none");
}

static void a_size_that_was_never_set_is_not_believed(void **state)
{
	const struct config given = {.size = 0};
	struct config own;

	(void)state;
	assert_fails(copy(&own, &given, SIZE_MAX / 2), EINVAL, "set it to sizeof");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(our_own_size_is_copied_whole),
		cmocka_unit_test(members_that_an_older_caller_lacks_are_zero),
		cmocka_unit_test(an_older_structure_is_not_read_beyond_its_end),
		cmocka_unit_test(a_newer_caller_is_served_while_he_leaves_the_unknown_zero),
		cmocka_unit_test(members_that_we_do_not_know_are_refused_when_set),
		cmocka_unit_test(a_forgotten_size_is_refused_with_advice),
		cmocka_unit_test(a_size_that_does_not_even_hold_itself_is_refused),
		cmocka_unit_test(the_size_alone_is_a_configuration_of_zeros),
		cmocka_unit_test(no_configuration_is_refused),
		cmocka_unit_test(a_size_that_was_never_set_is_not_believed),
	};

	return cmocka_run_group_tests_name("base-config", tests, NULL, NULL);
}
