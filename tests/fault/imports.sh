#!/bin/sh
# SPDX-License-Identifier: MIT
# imports.sh NM LIBRARY OUTPUT: the symbols that a static library needs from others, a line each.
set -eu
nm=$1 library=$2 output=$3

# Names of the symbols that nm prints.
names() {
	awk 'NF > 1 { print $NF }' | sort -u
}

"$nm" --undefined-only "$library" | names >"$output.needed"
"$nm" --defined-only --extern-only "$library" | names >"$output.defined"
comm -23 "$output.needed" "$output.defined" >"$output"
rm "$output.needed" "$output.defined"
[ -s "$output" ]
