/* SPDX-License-Identifier: MIT */
/* A library. */
#include <keg/one.h>

int keg_one(void)
{
	return 1;
}
