#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/configure sets up once; tools/check counts what passes, fails, is skipped or gets lost.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

need build check lint
put_sound_tree
# A lab that is this machine.
put tools/lab <<-'END'
	#!/bin/bash
	[[ $1 == --install ]] && exit
	while [[ $1 != -- ]]; do shift; done
	shift
	exec "$@"
END
chmod +x "$tree/tools/lab"

# The last line that tools/check prints.
verdict() { "$tree/tools/check" --only x86_64 | tail -n 1; }

configure=$tree/tools/configure
expect_ok 'the first set-up' "$configure" build
touch "$tree/build/mark"
expect_ok 'the same again' "$configure" build
[[ -e $tree/build/mark ]] || { output=; fail 'the same again starts anew'; }
expect_output 'other options' 'starting it anew' "$configure" build --buildtype=release
[[ ! -e $tree/build/mark ]] || { output=; fail 'other options keep the folder'; }

expect_output 'sound' '1 passed, 0 failed, 1 skipped' verdict
expect_output 'says why' 'SKIPPED x86_64 kvm/skips: because' "$tree/tools/check" --only x86_64
sed -i "s/'good': '0'/'good': '1'/" "$tree/meson.build"
expect_output 'a failure' '0 passed, 1 failed, 1 skipped' verdict
expect_refusal 'a failure' 'FAILED x86_64 kvm/good' "$tree/tools/check" --only x86_64
printf '#!/bin/sh\necho lost; exit 3\n' >"$tree/tools/run-tests"
expect_output 'a lab that dies' '0 passed, 2 failed' verdict
expect_refusal 'a lab that dies' 'kvm/good: gave no result (exit status 3)' \
	"$tree/tools/check" --only x86_64
# shellcheck disable=SC2016 # for that script
printf '#!/bin/sh\n[ -e once ] && exec tools/real "$@"; touch once; exit 125\n' \
	>"$tree/tools/run-tests"
cp "$root/tools/run-tests" "$tree/tools/real"
expect_output 'a lab that fails once' '2 once more, in a fresh lab' \
	"$tree/tools/check" --only x86_64
expect_output 'what it tried again' '0 passed, 1 failed, 1 skipped' verdict
rm "$tree/once"
# shellcheck disable=SC2016 # for that script
printf '#!/bin/sh\n[ -e once ] && sed -i s/false/true/ "$1"; touch once; exec tools/real "$@"\n' \
	>"$tree/tools/run-tests"
expect_output 'a test that fails once in a lab' '-- x86_64 kvm/good failed' \
	"$tree/tools/check" --only x86_64
echo 'int f(void) { return }' >>"$tree/src/base/one.c"
expect_refusal 'a build that fails' '0 passed, 1 failed' "$tree/tools/check" --only x86_64

finish
