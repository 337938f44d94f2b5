/* SPDX-License-Identifier: MIT */
/* The first process of the guest whose boot is timed: says one line, and powers off. */
#include <sys/reboot.h>
#include <unistd.h>

int main(void)
{
	static const char line[] = "first\n";

	(void)!write(1, line, sizeof(line) - 1);
	reboot(RB_POWER_OFF);
	return 1;
}
