#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/layers lets each layer include what it may know, and nothing else.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

layers() { "$root/tools/layers" "$tree"; }

# The only file that changes, its include line, and what the refusal says.
refused() {
	echo "$2" | put "$1"
	expect_refusal "$2 in $1" "$1:1: ${2}: $3" layers
	rm "$tree/$1"
}

accepted() {
	echo "$2" | put "$1"
	expect_ok "$2 in $1" layers
	rm "$tree/$1"
}

: | put src/base/error.h
: | put src/kvm/host.h
: | put src/mem/map.h
: | put src/arch/arch.h
: | put src/arch/x86_64/regs.h
: | put src/dev/bus.h
: | put src/cli/cli.h

accepted src/base/a.c '#include <string.h>'
accepted src/base/a.c '#include <sys/mman.h>'
accepted src/base/a.c '#include <keg/error.h>'
accepted src/base/a.c '#include "base/error.h"'
accepted src/kvm/a.c '#include "base/error.h"'
accepted src/kvm/a.c '#include "host.h"'
accepted src/kvm/a.c '#include <linux/kvm.h>'
accepted src/arch/x86_64/a.c '#include "arch/arch.h"'
accepted src/dev/a.c '#include "mem/map.h"'
accepted src/board/a.c '#include "dev/bus.h"'
accepted src/cli/a.c '#include "cli.h"'
accepted include/keg/a.h '#include <linux/kvm.h>'
accepted guest/a.c '#include <stdint.h>'

refused src/base/a.c '#include "kvm/host.h"' 'src/base may include from no other layer'
refused src/kvm/a.c '#include "mem/map.h"' 'src/kvm may include from src/base, not from src/mem'
refused src/kvm/a.c '# include "../mem/map.h"' 'name it from src/, without ".."'
refused src/arch/a.c '#include "arch/x86_64/regs.h"' 'src/arch may include from'
refused src/arch/arm64/a.c '#include "arch/x86_64/regs.h"' 'src/arch/arm64 may include from'
refused src/dev/a.c '#include "kvm/host.h"' 'src/dev may include from src/base, src/mem'
refused src/dev/a.c '#include <linux/kvm.h>' 'src/dev may include <keg/...>, libc'
refused src/cli/a.c '#include "base/error.h"' 'src/cli may include from no other layer'
refused src/cli/a.c '#include <linux/kvm.h>' 'src/cli may include <keg/...>, libc'
refused src/kvm/a.c '#include <jansson.h>' 'src/kvm may include <keg/...>, libc'
refused src/kvm/a.c '#include "nowhere/x.h"' 'src/nowhere/x.h is in no layer'
refused include/keg/a.h '#include "base/error.h"' 'a public header includes <keg/...>'
refused guest/a.c '#include <stdio.h>' 'guest/ has no C library'

: | put src/nowhere/a.c
expect_refusal 'a folder that is no layer' 'src/nowhere/a.c:1: is in no layer' layers
rm -r "${tree:?}"/*
expect_refusal 'an empty tree' 'no C file found' layers

finish
