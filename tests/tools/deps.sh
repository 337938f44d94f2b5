#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/deps finds out what is missing, installs it as root, and tells others how.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

deps() { PATH="$tree/bin:$PATH" "$root/tools/deps" "$@"; }

# A machine whose dpkg knows only the packages named, and whose apt-get tells what it is asked.
machine() {
	mkdir -p "$tree/bin"
	put bin/dpkg-query <<-END
		#!/bin/sh
		printf 'installed %s\\n' $*
	END
	put bin/apt-get <<-END
		#!/bin/sh
		echo "\$*" >>'$tree/asked'
	END
	chmod +x "$tree"/bin/*
}

libraries='libc6-dev libjansson-dev liburing-dev libslirp-dev zlib1g-dev liblzma-dev liblz4-dev
	libzstd-dev libseccomp-dev'
# Word splitting is wanted: a list of package names.
# shellcheck disable=SC2086
machine $libraries libcmocka-dev libclang-rt-14-dev gcc meson ninja-build pkg-config
expect_ok 'nothing is missing' deps --missing build
# shellcheck disable=SC2086
machine $libraries
expect_refusal 'the command to type' \
	'sudo apt-get update && sudo apt-get install --no-install-recommends libcmocka-dev' \
	deps --missing build
expect_refusal 'an unknown group' "no group 'nothing'" deps nothing
expect_refusal 'no group' 'usage' deps
expect_ok 'help' deps --help
if ((EUID == 0)); then
	expect_output 'says what it installs' 'installing libcmocka-dev' deps build
	expect_output 'installs it' 'install --no-install-recommends libcmocka-dev' cat "$tree/asked"
fi

finish
