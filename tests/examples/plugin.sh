#!/bin/bash
# SPDX-License-Identifier: MIT
# The plugin's filters do what they should, before and after one loops and one destroys its memory.
# Usage: plugin.sh PROGRAM FILTER-PROGRAM
set -euo pipefail

if [[ ! -r /dev/kvm || ! -w /dev/kvm ]]; then
	echo "SKIPPED: /dev/kvm cannot be used here; run it in the lab: tools/lab"
	exit 77
fi
want='filter_upper: 43, "THE QUICK BROWN FOX JUMPS OVER THE LAZY DOG"
filter_rot13: 43, "Gur dhvpx oebja sbk whzcf bire gur ynml qbt"
filter_words: 9, "The quick brown fox jumps over the lazy dog"
5000 calls, and it counts 0
filter_loop: stopped, it takes too long
filter_rot13: 43, "Gur dhvpx oebja sbk whzcf bire gur ynml qbt"
filter_scribble: ended: write to 0x10
filter_rot13: 43, "Gur dhvpx oebja sbk whzcf bire gur ynml qbt"'
# Where the writing instruction is depends on the compiler.
said=$("$1" "$2" | sed 's/\(write to 0x[0-9a-f]*\) at .*/\1/')
if [[ $said != "$want" ]]; then
	echo "FAILED: it said other than it should:"
	diff <(echo "$want") <(echo "$said") || true
	exit 1
fi
