/* SPDX-License-Identifier: MIT */
/* The least program: what it costs is the start and the end. */
int main(void)
{
	return 0;
}
