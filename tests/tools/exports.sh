#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/exports refuses what the libraries must not export or hold.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

# Builds the libraries from the tree's one source, and looks at them.
exports() {
	local object=$tree/build/a.o
	mkdir -p "$tree/build"
	gcc -fPIC -c -o "$object" "$tree/a.c" && gcc -shared -o "$tree/build/libkeg.so" "$object" &&
		rm -f "$tree/build/libkeg.a" && ar rc "$tree/build/libkeg.a" "$object" &&
		"$root/tools/exports" --root "$tree"
}

# Adds a line to a sound source, and expects the refusal.
refused() {
	printf 'int keg_a(void) { return 1; }\n%s\n' "$1" | put a.c
	expect_refusal "$1" "$2" exports
}

accepted() {
	printf 'int keg_a(void) { return 1; }\n%s\n' "$1" | put a.c
	expect_ok "$1" exports
}

printf 'int keg_a(void);\nint keg_b(void);\n' | put include/keg/a.h
echo '.Fn keg_a' | put man/a.3

accepted ''
accepted 'static const char *const table[] = {"a", "b"}; const char *const *keg_a_t(void);
	__attribute__((used)) static const char *const *t(void) { return table; }'
accepted '__attribute__((used)) static _Thread_local char last_message[512];'
refused 'int other(void) { return 2; }' 'other is exported: a public name begins with keg_'
refused '__attribute__((visibility("hidden"))) int inner(void) { return 2; }' \
	'inner has external linkage: its name begins with keg_'
refused '__attribute__((visibility("hidden"))) const int inner[] = {1};' 'inner has external linkage'
accepted '__attribute__((visibility("hidden"))) int keg_inner(void) { return 2; }'
refused 'int keg_c(void) { return 2; }' 'keg_c is exported but no header'
refused 'int keg_b(void) { return 2; }' 'keg_b is exported but no man/*.3 names it'
refused '__attribute__((used)) static int counter;' 'counter in .bss is mutable global state'
refused '__attribute__((used)) static int counter = 1;' 'counter in .data is mutable global state'
refused 'void keg_b(void) { static int calls = 1; calls++; }' 'mutable global state'
refused '__attribute__((used)) static _Thread_local int mine;' 'mine in .tbss is mutable'
refused '__attribute__((used)) static char *t[] = {"a"};' 't in .data.rel'

finish
