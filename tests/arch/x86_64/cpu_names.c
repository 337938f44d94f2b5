/* SPDX-License-Identifier: MIT */
/* The names of CPUID's features. */
#include <errno.h>

#include <keg/x86.h>

#include "testing.h"

static void every_name_is_of_one_bit(void **state)
{
	struct keg_x86_feature bit, found;
	size_t names = 0;

	(void)state;
	for (size_t n = 0; keg_x86_feature_register(n, &bit) == 0; n++) {
		for (bit.bit = 0; bit.bit < 32; bit.bit++) {
			const char *name = keg_x86_feature_name(&bit);

			if (!name)
				continue;
			names++;
			assert_ok(keg_x86_find_feature(name, &found));
			assert_int_equal(found.function, bit.function);
			assert_int_equal(found.index, bit.index);
			assert_int_equal(found.where, bit.where);
			assert_int_equal(found.bit, bit.bit);
		}
	}
	assert_true(names > 200);
	bit.bit = 32;
	assert_null(keg_x86_feature_name(&bit));
}

static void a_name_that_linux_has_too_is_understood(void **state)
{
	struct keg_x86_feature one, other;

	(void)state;
	assert_ok(keg_x86_find_feature("pni", &one));
	assert_ok(keg_x86_find_feature("sse3", &other));
	assert_int_equal(one.bit, other.bit);
	assert_fails(keg_x86_find_feature("avx512", &one), ENOENT, "avx512f");
	assert_fails(keg_x86_find_feature("", &one), ENOENT, "no feature ''");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_name_is_of_one_bit),
		cmocka_unit_test(a_name_that_linux_has_too_is_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
