/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are loaded when they are needed. The one that is loaded here comes with the C
 * library, and nothing else in this program wants it.
 */
#include "testing.h"

#include <arpa/inet.h>
#include <dlfcn.h>

#include "base/error.h"
#include "base/library.h"

#define FUNCTIONS(FUNCTION)                                                                        \
	FUNCTION(inet_net_pton)                                                                    \
	FUNCTION(inet_net_ntop)

struct resolver {
	FUNCTIONS(KEG_LIBRARY_POINTER)
};

static const char resolver_file[] = "libresolv.so.2";

static const struct keg_library resolver = {
	.name = "the resolver",
	.file = resolver_file,
	.package = "libc6",
	.functions = (const char *const[]){FUNCTIONS(KEG_LIBRARY_NAME) NULL},
};

static const struct keg_library absent = {
	.name = "libabsent",
	.file = "libkeg-absent.so.9",
	.package = "libabsent9",
	.functions = (const char *const[]){NULL},
};

/* Another version of the library: it has the first function and not the second. */
static const struct keg_library older = {
	.name = "the resolver",
	.file = resolver_file,
	.package = "libc6",
	.functions = (const char *const[]){"inet_net_pton", "inet_net_of_the_future", NULL},
};

static bool is_loaded(void)
{
	void *handle = dlopen(resolver_file, RTLD_LAZY | RTLD_NOLOAD);

	if (handle)
		dlclose(handle);
	return handle;
}

static void a_library_is_loaded_with_its_functions(void **state)
{
	struct resolver library;
	unsigned char net[4] = {0};
	char text[32];
	void *handle;

	(void)state;
	assert_ok(keg_library_open(&resolver, &handle, &library));
	assert_non_null(handle);
	assert_int_equal(library.inet_net_pton(AF_INET, "10.1.2.0/24", net, sizeof(net)), 24);
	assert_int_equal(net[1], 1);
	assert_non_null(library.inet_net_ntop(AF_INET, net, 24, text, sizeof(text)));
	assert_string_equal(text, "10.1.2/24");
	keg_library_close(handle);
}

static void a_library_is_there_as_long_as_somebody_has_it(void **state)
{
	struct resolver first, second;
	void *first_handle, *second_handle;

	(void)state;
	assert_false(is_loaded());
	assert_ok(keg_library_open(&resolver, &first_handle, &first));
	assert_ok(keg_library_open(&resolver, &second_handle, &second));
	assert_ptr_equal(first.inet_net_pton, second.inet_net_pton);
	keg_library_close(first_handle);
	assert_true(is_loaded());
	keg_library_close(second_handle);
	assert_false(is_loaded());
}

static void a_library_that_is_not_there_is_named_with_its_package(void **state)
{
	void *handle = &handle;

	(void)state;
	assert_fails(keg_library_open(&absent, &handle, NULL), ENOTSUP,
		"libabsent cannot be used: libkeg-absent.so.9: cannot open shared object file");
	assert_non_null(strstr(keg_error_message(), "Debian's package libabsent9 has it"));
	assert_null(handle);
	keg_library_close(handle);
}

static void a_library_that_lacks_a_function_is_refused_and_given_back(void **state)
{
	struct resolver library;
	void *handle = &handle;

	(void)state;
	assert_fails(keg_library_open(&older, &handle, &library), ENOTSUP,
		"the resolver cannot be used: ");
	assert_non_null(strstr(keg_error_message(), "inet_net_of_the_future"));
	assert_null(handle);
	assert_false(is_loaded());
}

static void whether_a_library_is_there_can_be_asked(void **state)
{
	(void)state;
	assert_true(keg_library_is_there(&resolver));
	assert_false(is_loaded());
	assert_false(keg_library_is_there(&absent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_library_is_loaded_with_its_functions),
		cmocka_unit_test(a_library_is_there_as_long_as_somebody_has_it),
		cmocka_unit_test(a_library_that_is_not_there_is_named_with_its_package),
		cmocka_unit_test(a_library_that_lacks_a_function_is_refused_and_given_back),
		cmocka_unit_test(whether_a_library_is_there_can_be_asked),
	};

	return cmocka_run_group_tests_name("base-library", tests, NULL, NULL);
}
