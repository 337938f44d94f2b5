/* SPDX-License-Identifier: MIT */
/* The names of KVM's capabilities. */
#ifndef KEG_CLI_KVM_CAPS_H
#define KEG_CLI_KVM_CAPS_H

struct kvm_cap {
	const char *name;
	int number;
};

/* Every capability that is known, of all architectures, by number; ends with one without a name. */
extern const struct kvm_cap kvm_caps[];

#endif
