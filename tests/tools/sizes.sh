#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/sizes refuses long files and long functions.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

sizes() { "$root/tools/sizes" "$tree"; }

# A function whose body has that many lines.
function_of() {
	printf 'int f(void)\n{\n'
	for ((i = 0; i < $1; i++)); do printf '\n'; done
	printf '}\n'
}

function_of 40 | put src/base/a.c
expect_ok 'a function of 40 lines' sizes
function_of 41 | put src/base/a.c
expect_refusal 'a function of 41 lines' 'src/base/a.c:2: a function of 41 lines' sizes
{ function_of 3; function_of 41; } | put src/base/a.c
expect_refusal 'the second function' 'src/base/a.c:8: a function of 41 lines' sizes
{ printf 'static const int t[] = {\n'; yes 1, | head -n 100; printf '};\n'; } | put src/base/a.c
expect_ok 'a table of 100 lines' sizes
yes '/* */' | head -n 400 | put src/base/a.c
expect_ok 'a file of 400 lines' sizes
yes '/* */' | head -n 401 | put src/base/a.c
expect_refusal 'a file of 401 lines' 'src/base/a.c:401: 401 lines, at most 400' sizes
rm "$tree/src/base/a.c"
yes '# x' | head -n 401 | put tools/long
expect_refusal 'a tool of 401 lines' 'tools/long:401: 401 lines' sizes

finish
