#!/bin/bash
# SPDX-License-Identifier: MIT
# The program of libkeg(3) is examples/adder.c to the letter, and says what the page says.
# Usage: adder.sh PROGRAM
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

in_page=$(sed -n '/^\.Sh EXAMPLES$/,$p' "$root/man/libkeg.3" |
	sed -n '/^\.Bd -literal$/,/^\.Ed$/p' | sed 's/\\e/\\/g; /^\.[BE]d/d')
in_file=$(sed -n '3,$p' "$root/examples/adder.c")
if [[ $in_page != "$in_file" ]]; then
	echo "FAILED: the program in man/libkeg.3 is not examples/adder.c"
	diff <(echo "$in_page") <(echo "$in_file") || true
	exit 1
fi
if [[ ! -r /dev/kvm || ! -w /dev/kvm ]]; then
	echo "SKIPPED: /dev/kvm cannot be used here; run it in the lab: tools/lab"
	exit 77
fi
said=$("$1")
if [[ ! $said =~ ^'the guest left: kicked'$'\n''its sum is '[1-9][0-9]*$ ]]; then
	echo "FAILED: the program said: $said"
	exit 1
fi
