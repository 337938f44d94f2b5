#!/bin/bash
# SPDX-License-Identifier: MIT
# The program's table of capabilities has every KVM_CAP_ of the kernel headers that are installed, with
# the same number.
set -euo pipefail
cd "$(dirname "$0")/../.."

table=src/cli/kvm_caps.c
header=$(gcc -E -x c - <<<'#include <linux/kvm.h>' | sed -n 's/^# [0-9]* "\(.*linux\/kvm\.h\)".*/\1/p' | head -n 1)
[[ -n $header ]] || { echo "gcc finds no linux/kvm.h"; exit 1; }

# Those within #ifdef of another architecture too, so not what the preprocessor would leave.
missing=$(comm -23 \
	<(awk '$1 == "#define" && $2 ~ /^KVM_CAP_/ { print $2, $3 }' "$header" | sort) \
	<(sed -n 's/^\t{"\(KVM_CAP_.*\)", \([0-9]*\)},$/\1 \2/p' "$table" | sort))
[[ -z $missing ]] || { echo "not in $table: $missing"; exit 1; }

duplicates=$(grep -o ' [0-9]*},' "$table" | sort | uniq -d)
[[ $duplicates == ' 0},' || -z $duplicates ]] || { echo "twice in $table: $duplicates"; exit 1; }
