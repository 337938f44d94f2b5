/* SPDX-License-Identifier: MIT */
/* keg, the program: finds the subcommand and hands over to it. */
#include <stdio.h>

#include <keg/keg.h>

int main(void)
{
	printf("keg %s\n", keg_version());
	return 0;
}
