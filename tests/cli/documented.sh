#!/bin/bash
# SPDX-License-Identifier: MIT
# Every option that a command's help shows is in its manual page, and the other way round; and bash
# completes what the program offers.
set -euo pipefail
keg=$1
cd "$(dirname "$0")/../.."
status=0

mapfile -t commands < <("$keg" complete '')
for command in "${commands[@]}"; do
	[[ $command == help ]] && continue
	difference=$(diff \
		<("$keg" help "$command" | sed -n 's/^ \{2,6\}\(-., \)\?--\([a-z-]*\).*/\2/p' | sort -u) \
		<(sed -n 's/^\.It Fl \(. , Fl \)\?-\([a-z-]*\).*/\2/p' "man/keg-$command.1" | sort -u)) ||
		{ echo "keg help $command (<) and man/keg-$command.1 (>): $difference"; status=1; }
done

# shellcheck source=tools/completion/keg.bash
. tools/completion/keg.bash

# What comes of the words "$2..." and the completion of the last one: "$1".
expect() {
	local expected=$1
	shift
	COMP_WORDS=("$keg" "$@")
	COMP_CWORD=$#
	_keg
	[[ "${COMPREPLY[*]}" == "$expected" ]] ||
		{ echo "keg $*: '${COMPREPLY[*]}', not '$expected'"; status=1; }
}
expect "${commands[*]}" ''
expect 'info' i
expect '--memory --mmio --mode' run --m
expect 'auto real protected long' run --mode ''
expect 'long' run --mode = l
expect '' run --initrd ''
exit $status
