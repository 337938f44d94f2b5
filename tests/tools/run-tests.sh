#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/run-tests tells passed, failed, skipped and stuck tests apart, in bash and in busybox.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

# The line that one test gives, its time left out.
verdict() {
	printf 'suite/name\t%s\t%s\n' "$1" "$2" >"$tree/list"
	"${shell[@]}" "$root/tools/run-tests" "$tree/list" | sed -E 's/ [0-9]+\.[0-9][0-9]s/ TIME/'
}

all_verdicts() {
	expect_output 'passes' 'ok suite/name TIME' verdict 5 true
	expect_output 'fails' 'not ok suite/name TIME: exit status 3' verdict 5 'exit 3'
	expect_output 'shows the log' '    broken' verdict 5 'echo broken; exit 1'
	expect_output 'shows a failure that is long past' '    [  FAILED  ] early' verdict 5 \
		'echo "[  FAILED  ] early"; seq 200; exit 1'
	expect_output 'dies of a signal' 'exit status 134' verdict 5 'kill -ABRT $$'
	expect_output 'hangs' 'killed, or still running after 1 s' verdict 1 'sleep 60'
	expect_output 'skips' 'skip suite/name: no KVM' verdict 5 'echo SKIPPED: no KVM; exit 77'
	expect_output 'skips in silence' 'skip suite/name: it does not say why' verdict 5 'exit 77'
	expect_output 'skips within' 'skip suite/name/part: too old' verdict 5 \
		'echo "SKIPPED: too old"; echo "[  SKIPPED ] part"'
	expect_output 'keeps quotes' 'skip suite/name: a  b' verdict 5 "echo 'a  b'; exit 77"
}

shell=(bash --posix)
all_verdicts
if command -v busybox >/dev/null; then
	shell=(busybox sh)
	all_verdicts
fi

printf 'a\t5\ttrue\nb\t5\tfalse\nc\t5\tcat\n' | put list
expect_refusal 'one of three' 'not ok b' "$root/tools/run-tests" "$tree/list"
expect_output 'goes on after a failure' 'ok c' "$root/tools/run-tests" "$tree/list"

finish
