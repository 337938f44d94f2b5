/* SPDX-License-Identifier: MIT */
/* Machines without KVM, as their /proc/cpuinfo shows them; one file for each architecture. */
#ifndef KEG_TESTS_CLI_NO_KVM_H
#define KEG_TESTS_CLI_NO_KVM_H

struct no_kvm {
	const char *cpuinfo;
	const char *why, *advice; /* parts of the sentence */
};

/* Ends with one without a cpuinfo. */
extern const struct no_kvm no_kvm[];

#endif
