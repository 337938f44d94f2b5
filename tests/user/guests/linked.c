/* SPDX-License-Identifier: MIT */
/* A program that is linked with a library beside it: its exit status is what that says. */
int of_the_library(int value);

int main(int argc, char *argv[])
{
	(void)argv;
	return of_the_library(argc);
}
