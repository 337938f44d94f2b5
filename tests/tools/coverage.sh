#!/bin/bash
# SPDX-License-Identifier: MIT
# tools/coverage counts the branches that the tests take, and refuses too few.
# shellcheck source=tests/tools/expect.sh
. "$(dirname "$0")/expect.sh"

need build coverage
put_sound_tree
put src/base/sign.c <<'END'
int keg_sign(int n);
int keg_sign(int n)
{
	if (n < 0)
		return -1;
	return n > 0;
}
END
put src/cli/main.c <<'END'
int keg_sign(int n);
int main(void)
{
	return keg_sign(0);
}
END
cat >>"$tree/meson.build" <<'END'
test('sign', executable('sign', 'src/base/sign.c', 'src/cli/main.c'), suite: 'unit')
END

coverage() { "$tree/tools/coverage" --no-lab "$@"; }

expect_refusal 'half of the branches' 'branch coverage 50.0 %, at least 95 % asked for' coverage
expect_ok 'half of the branches, and no more asked for' coverage --min 50
sed -i 's/keg_sign(0)/keg_sign(0) + keg_sign(-1) + keg_sign(1)/' "$tree/src/cli/main.c"
expect_ok 'all branches' coverage --min 100
expect_output 'a row a file' 'src/base/sign.c                       4 /    4  100.0 %' coverage
sed -i 's/keg_sign(0) + //' "$tree/src/cli/main.c"
sed -i 's/return keg/return 3 + keg/' "$tree/src/cli/main.c"
expect_refusal 'a test that fails' 'FAILED coverage unit/sign' coverage --min 0

finish
