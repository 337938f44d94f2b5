#!/bin/bash
# SPDX-License-Identifier: MIT
# The README's table of the reference names functions that there are, and tests that there are.
# Usage: readme.sh BUILD LIBRARY
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
table=$(sed -n '/^## From the reference/,/^## Licence/p' "$root/README.md" | grep '^| `')
tests=$(meson introspect --tests "$1" | grep -o '"name": "[^"]*"' | cut -d'"' -f4)
symbols=$(nm -D --defined-only "$2" | awk '{ print $3 }' | sed 's/@.*//')
failures=0

missing() {
	echo "FAILED: README.md names $1, which does not exist"
	failures=$((failures + 1))
}

for function in $(grep -o 'keg_[a-z0-9_]*()' <<<"$table" | tr -d '()' | sort -u); do
	grep -qx "$function" <<<"$symbols" || missing "the function $function"
done
for test in $(awk -F'|' '{ print $4 }' <<<"$table" | tr ',' ' '); do
	grep -qx "$test" <<<"$tests" || missing "the test $test"
done
members=$(wc -l <<<"$table")
if ((members < 41)); then
	echo "FAILED: README.md's table has $members members of the reference, of 41"
	failures=$((failures + 1))
fi
exit "$((failures != 0))"
