#!/bin/bash
# SPDX-License-Identifier: MIT
# The README's program is examples/hello.c to the letter, and says what the README says.
# Usage: hello.sh PROGRAM
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)

# shellcheck disable=SC2016  # the backquotes are Markdown's
in_readme=$(sed -n '/^```c$/,/^```$/p' "$root/README.md" | sed '1d;$d')
in_file=$(sed -n '3,$p' "$root/examples/hello.c")
if [[ $in_readme != "$in_file" ]]; then
	echo "FAILED: the program in README.md is not examples/hello.c"
	diff <(echo "$in_readme") <(echo "$in_file") || true
	exit 1
fi
if [[ ! -r /dev/kvm || ! -w /dev/kvm ]]; then
	echo "SKIPPED: /dev/kvm cannot be used here; run it in the lab: tools/lab"
	exit 77
fi
said=$("$1")
if [[ $said != "Hello, world!" ]]; then
	echo "FAILED: the program said: $said"
	exit 1
fi
