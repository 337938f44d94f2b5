/* SPDX-License-Identifier: MIT */
/* A library that a program finds by its run path. */
int of_the_library(int value);

int of_the_library(int value)
{
	return value + 40;
}
