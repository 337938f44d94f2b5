/* SPDX-License-Identifier: MIT */
/* What the flags tell of virtualization. */
#include "no_kvm.h"

#include <stddef.h>

const struct no_kvm no_kvm[] = {
	{"processor\t: 0\nflags\t\t: fpu vmx sse2\n", "module is not loaded",
		"sudo modprobe kvm_intel"},
	{"processor\t: 0\nflags\t\t: fpu svm\n", "module is not loaded", "sudo modprobe kvm_amd"},
	{"processor\t: 0\nflags\t\t: fpu svm_lock novmx\n", "neither vmx nor svm", "firmware"},
	{"processor\t: 0\nflags\t\t: fpu hypervisor\n", "neither vmx nor svm",
		"nested virtualization"},
	{NULL, NULL, NULL},
};
