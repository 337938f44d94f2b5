#!/bin/bash
# SPDX-License-Identifier: MIT
# Each check of tools/lint accepts a sound tree and refuses the fault that it is there for.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

lint() { "$tree/tools/lint" "$@"; }

# refused CHECK WORDS FILE: adds standard input to the file, expects the refusal, and takes it back.
refused() {
	local before
	[[ -e $tree/$3 ]] && before=$(<"$tree/$3")
	mkdir -p "$(dirname "$tree/$3")"
	cat >>"$tree/$3"
	expect_refusal "$1: $3" "not ok $1" lint --only "$1"
	expect_refusal "$1: $3" "$2" lint --only "$1"
	if [[ -n ${before-} ]]; then echo "$before" >"$tree/$3"; else rm "$tree/$3"; fi
}

need build lint
put_sound_tree
expect_ok 'a sound tree' lint

refused layers 'src/base may include from no other layer' src/base/one.c <<<'#include "kvm/a.h"'
refused sizes '410 lines, at most 400' src/base/long.h < <(yes '/* */' | head -n 410)
refused format 'To apply: clang-format-14 -i src/base/one.c' src/base/one.c <<<'static int  a;'
refused headers 'include/keg/two.h: does not compile alone as C17' include/keg/two.h \
	<<<'int keg_two(size_t);'
refused headers 'include/keg/two.h: does not compile alone as C++17' include/keg/two.h \
	<<<'int keg_two(int new);'
refused exports 'keg_two is exported but no header' src/base/one.c \
	<<<'__attribute__((visibility("default"))) int keg_two(void) { return 2; }'
# shellcheck disable=SC2016 # the fault is in the text
refused scripts 'SC2086' tools/bad < <(printf '#!/bin/sh\nrm $1\n')
refused manual 'skipping unknown macro' man/keg_one.h.3 <<<'.Xy'
refused synopsis 'there is no man/keg_two.h.3' include/keg/two.h <<<'KEG_API int keg_two(void);'
refused cppcheck 'Memory leak' src/base/leak.c <<<'
#include <stdlib.h>
int leak(void);
int leak(void)
{
	char *p = malloc(4);
	return p != NULL;
}'
refused tidy 'bugprone-sizeof-expression' src/base/one.c <<<'
int keg_size(const char *text);
int keg_size(const char *text)
{
	return (int)sizeof(sizeof(text));
}'
expect_ok 'all is taken back' lint
expect_refusal 'an unknown check' 'usage' lint --only nothing

finish
