# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# For the tests of the tools: each is a bash script that sources this, makes a small tree in $tree
# and says what a tool must think of it.
set -uo pipefail
export LC_ALL=C
unset CI CC CFLAGS LDFLAGS

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

fail() {
	echo "FAILED: $1"
	echo "$output"
	failures=$((failures + 1))
}

# expect_ok WHAT COMMAND...: the command succeeds.
expect_ok() {
	local what=$1 output
	shift
	output=$("$@" 2>&1) || fail "$what: exit status $?"
}

# expect_refusal WHAT WORDS COMMAND...: the command fails, and says the words.
expect_refusal() {
	local what=$1 words=$2 output
	shift 2
	if output=$("$@" 2>&1); then
		fail "$what: not refused"
	elif [[ $output != *"$words"* ]]; then
		fail "$what: refused without the words '$words'"
	fi
}

# expect_output WHAT WORDS COMMAND...: the command says the words, whatever its exit status.
expect_output() {
	local what=$1 words=$2 output
	shift 2
	output=$("$@" 2>&1)
	[[ $output == *"$words"* ]] || fail "$what: the words '$words' are missing"
}

# put FILE: standard input becomes that file of the tree.
put() {
	mkdir -p "$(dirname "$tree/$1")"
	cat >"$tree/$1"
}

# A tree with the tools and a library of one function, which every check accepts.
put_sound_tree() {
	mkdir -p "$tree"/{include/keg,src/base,man,tools}
	cp "$root"/{.clang-tidy,.clang-format} "$tree"
	cp "$root"/tools/{check,configure,coverage,deps,exports,has-kvm,headers,layers,lint} \
		"$root"/tools/{run,run-tests,sizes,synopsis,testing.py,tidy} "$tree/tools"
	cp "$root/tests/tools/sound/"* "$tree"
	mv "$tree/one.h" "$tree/include/keg/one.h"
	mv "$tree/one.c" "$tree/src/base/one.c"
	mv "$tree/keg_one.h.3" "$tree/man/keg_one.h.3"
}

# need GROUP...: skips the whole test where the packages of tools/deps are missing.
need() {
	local lacking
	lacking=$("$root/tools/deps" --missing "$@" 2>&1) && return
	echo "SKIPPED: ${lacking%%$'\n'*}"
	exit 77
}

finish() {
	((failures == 0)) || exit 1
	echo "as expected"
}
