/* SPDX-License-Identifier: MIT */
/* Scripts' first lines, programs' words, and the stack that they begin with. */
#include "testing.h"

#include <elf.h>
#include <errno.h>

#include "user/elf.h"
#include "user/stack.h"

static struct keg_script script;

static int read_line(const char *line)
{
	return keg_script_read(line, strlen(line), &script);
}

static void a_script_names_its_interpreter(void **state)
{
	static const struct {
		const char *line, *interpreter, *argument;
	} good[] = {
		{"#!/bin/sh\necho", "/bin/sh", ""},
		{"#! \t/bin/sh \t\necho", "/bin/sh", ""},
		{"#!/usr/bin/env python3\n", "/usr/bin/env", "python3"},
		{"#!/usr/bin/awk  -f  two words \n", "/usr/bin/awk", "-f  two words"},
		{"#!/bin/sh", "/bin/sh", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_ok(read_line(good[i].line));
		assert_string_equal(script.interpreter, good[i].interpreter);
		assert_string_equal(script.argument, good[i].argument);
	}
}

static void a_script_without_one_is_none(void **state)
{
	(void)state;
	assert_fails(read_line(""), ENOEXEC, "no script");
	assert_fails(read_line("#"), ENOEXEC, "no script");
	assert_fails(read_line("ab"), ENOEXEC, "no script");
	assert_fails(read_line("#!"), ENOEXEC, "no interpreter");
	assert_fails(read_line("#! \t \n/bin/sh"), ENOEXEC, "no interpreter");
	assert_fails(keg_script_read("#!\0/bin/sh", 10, &script), ENOEXEC, "no interpreter");
}

static void lines_are_read_as_far_as_256_bytes(void **state)
{
	char line[400];

	(void)state;
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!/", 3);
	assert_fails(keg_script_read(line, sizeof(line), &script), ENOEXEC, "too long");
	assert_fails(keg_script_read(line, KEG_SCRIPT_LINE, &script), ENOEXEC, "too long");
	line[KEG_SCRIPT_LINE - 1] = '\n';
	assert_ok(keg_script_read(line, sizeof(line), &script));
	assert_int_equal(strlen(script.interpreter), KEG_SCRIPT_LINE - 3);
	/* An argument is cut. */
	line[KEG_SCRIPT_LINE - 1] = 'x';
	line[10] = ' ';
	assert_ok(keg_script_read(line, sizeof(line), &script));
	assert_int_equal(strlen(script.interpreter), 8);
	assert_int_equal(strlen(script.argument), KEG_SCRIPT_LINE - 11);
}

static void words_are_copied_and_led(void **state)
{
	static const char *const given[] = {"a", "", "three", NULL};
	static const char *const first[] = {"/bin/sh", "-e", "script", NULL};
	struct keg_words words;

	(void)state;
	assert_ok(keg_words_copy(&words, NULL));
	assert_int_equal(words.count, 0);
	keg_words_free(&words);
	assert_ok(keg_words_copy(&words, given));
	assert_int_equal(words.count, 3);
	assert_int_equal(words.bytes, 2 + 1 + 6);
	assert_null(words.at[3]);
	assert_ok(keg_words_lead(&words, first));
	assert_int_equal(words.count, 5);
	assert_string_equal(words.at[2], "script");
	assert_string_equal(words.at[3], "");
	assert_string_equal(words.at[4], "three");
	assert_null(words.at[5]);
	keg_words_free(&words);
}

static void words_are_bounded(void **state)
{
	enum { LONG = 128 * 1024, MANY = 2 * 1024 * 1024 / 10 + 1 };
	char *one = malloc(LONG + 1);
	const char **many = calloc(MANY + 1, sizeof(*many));
	struct keg_words words;

	(void)state;
	memset(one, 'a', LONG);
	one[LONG] = 0;
	assert_fails(keg_words_copy(&words, (const char *const[]){one, NULL}), E2BIG, "too large");
	one[LONG - 1] = 0;
	assert_ok(keg_words_copy(&words, (const char *const[]){one, NULL}));
	keg_words_free(&words);
	for (uint32_t i = 0; i < MANY; i++)
		many[i] = "a";
	assert_fails(keg_words_copy(&words, many), E2BIG, "too large");
	many[MANY - 1] = NULL;
	assert_ok(keg_words_copy(&words, many));
	keg_words_free(&words);
	free(one);
	free(many);
}

enum { TOP = 0x10000 };
static struct keg_words arguments, environment;
static struct keg_stack stack;

/* What the program sees at an address. */
static void *at(uint64_t address)
{
	assert_in_range(address, stack.rsp, TOP - 1);
	return stack.bytes + (address - stack.rsp);
}

static uint64_t word(uint64_t address)
{
	uint64_t value;

	memcpy(&value, at(address), sizeof(value));
	return value;
}

static uint64_t auxiliary(uint64_t from, uint64_t type)
{
	for (; word(from) != AT_NULL; from += 16)
		if (word(from) == type)
			return word(from + 8);
	fail_msg("no auxiliary value %d", (int)type);
	return 0;
}

static void make_stack(const char *const args[], const char *const env[])
{
	struct keg_stack_input input = {
		.top = TOP,
		.arguments = &arguments,
		.environment = &environment,
		.file = "./program",
		.headers = 0x400040,
		.header_count = 5,
		.base = 0x7000,
		.entry = 0x400200,
		.hwcap = 0x1234,
		.signal_stack = 3632,
		.random = "0123456789abcdef",
	};

	assert_ok(keg_words_copy(&arguments, args));
	assert_ok(keg_words_copy(&environment, env));
	assert_ok(keg_stack_make(&input, &stack));
	assert_int_equal(stack.size, TOP - stack.rsp);
}

static void free_stack(void)
{
	keg_words_free(&arguments);
	keg_words_free(&environment);
	keg_stack_free(&stack);
}

static void a_stack_is_as_the_abi_has_it(void **state)
{
	uint64_t sp, auxv;

	(void)state;
	make_stack(
		(const char *const[]){"program", "-x", NULL}, (const char *const[]){"A=b", NULL});
	sp = stack.rsp;
	assert_int_equal(sp % 16, 0);
	assert_int_equal(word(sp), 2);
	assert_string_equal(at(word(sp + 8)), "program");
	assert_string_equal(at(word(sp + 16)), "-x");
	assert_int_equal(word(sp + 24), 0);
	assert_string_equal(at(word(sp + 32)), "A=b");
	assert_int_equal(word(sp + 40), 0);
	auxv = sp + 48;
	assert_int_equal(auxiliary(auxv, AT_PHDR), 0x400040);
	assert_int_equal(auxiliary(auxv, AT_PHENT), sizeof(Elf64_Phdr));
	assert_int_equal(auxiliary(auxv, AT_PHNUM), 5);
	assert_int_equal(auxiliary(auxv, AT_BASE), 0x7000);
	assert_int_equal(auxiliary(auxv, AT_ENTRY), 0x400200);
	assert_int_equal(auxiliary(auxv, AT_PAGESZ), 4096);
	assert_int_equal(auxiliary(auxv, AT_CLKTCK), 100);
	assert_int_equal(auxiliary(auxv, AT_UID), getuid());
	assert_int_equal(auxiliary(auxv, AT_EGID), getegid());
	assert_int_equal(auxiliary(auxv, AT_SECURE), 0);
	assert_int_equal(auxiliary(auxv, AT_HWCAP), 0x1234);
	assert_int_equal(auxiliary(auxv, 51), 3632); /* AT_MINSIGSTKSZ */
	assert_string_equal(at(auxiliary(auxv, AT_EXECFN)), "./program");
	assert_string_equal(at(auxiliary(auxv, AT_PLATFORM)), "x86_64");
	assert_memory_equal(at(auxiliary(auxv, AT_RANDOM)), "0123456789abcdef", 16);
	assert_int_equal(word(TOP - 8), 0);
	/* For /proc/self/cmdline and environ. */
	assert_memory_equal(at(stack.args_at), "program\0-x", 11);
	assert_int_equal(stack.args_end, stack.args_at + 11);
	assert_memory_equal(at(stack.env_at), "A=b", 4);
	assert_int_equal(stack.env_end, stack.env_at + 4);
	/* And for auxv. */
	assert_memory_equal(stack.auxv, at(auxv), 16 * 20);
	free_stack();
}

static void a_stack_is_aligned_whatever_is_on_it(void **state)
{
	char text[40] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		text[i] = 'x';
		make_stack((const char *const[]){text, i & 1 ? text : NULL, NULL},
			(const char *const[]){i & 2 ? text : NULL, NULL});
		assert_int_equal(stack.rsp % 16, 0);
		assert_string_equal(at(word(stack.rsp + 8)), text);
		free_stack();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_script_names_its_interpreter),
		cmocka_unit_test(a_script_without_one_is_none),
		cmocka_unit_test(lines_are_read_as_far_as_256_bytes),
		cmocka_unit_test(words_are_copied_and_led),
		cmocka_unit_test(words_are_bounded),
		cmocka_unit_test(a_stack_is_as_the_abi_has_it),
		cmocka_unit_test(a_stack_is_aligned_whatever_is_on_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
