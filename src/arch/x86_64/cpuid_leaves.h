/* SPDX-License-Identifier: MIT */
/* A list of CPUID leaves that is looked up and changed. */
#ifndef KEG_ARCH_X86_64_CPUID_LEAVES_H
#define KEG_ARCH_X86_64_CPUID_LEAVES_H

#include <keg/x86.h>

/* KVM_MAX_CPUID_ENTRIES. */
enum { KEG_LEAVES_MOST = 256 };

struct keg_leaves {
	struct kvm_cpuid_entry2 entries[KEG_LEAVES_MOST];
	size_t count;
};

/* Copies a list; what is more than KVM takes is left out. */
void keg_leaves_copy(struct keg_leaves *leaves, const struct keg_cpuid_view *view);

/* A leaf, or NULL. `index` is of no importance for leaves that have no subleaves. */
struct kvm_cpuid_entry2 *keg_leaves_find(
	struct keg_leaves *leaves, uint32_t function, uint32_t index);

/* The same, put at the end with all registers 0 where it is lacking. NULL: there is no room. */
struct kvm_cpuid_entry2 *keg_leaves_need(
	struct keg_leaves *leaves, uint32_t function, uint32_t index, bool has_subleaves);

/* Takes out a leaf with all its subleaves, or those from `index` on. */
void keg_leaves_drop(struct keg_leaves *leaves, uint32_t function, uint32_t index);

/* Takes out leaves whose registers are all 0: what KVM answers for those that are lacking. */
void keg_leaves_trim(struct keg_leaves *leaves);

uint32_t *keg_leaf_register(struct kvm_cpuid_entry2 *leaf, enum keg_x86_register where);

/* Whether a feature is on; and on or off with it: false where its leaf is lacking and has no room.
 */
bool keg_leaves_has(struct keg_leaves *leaves, const struct keg_x86_feature *feature);
bool keg_leaves_switch(struct keg_leaves *leaves, const struct keg_x86_feature *feature, bool on);

/* The same by a name, which must be in the table. */
bool keg_leaves_has_name(struct keg_leaves *leaves, const char *name);
bool keg_leaves_switch_name(struct keg_leaves *leaves, const char *name, bool on);

/* Whether the processor is of AMD's kind: the leaves of one maker mean nothing on the other's. */
bool keg_leaves_is_amd(struct keg_leaves *leaves);
bool keg_leaves_is_intel(struct keg_leaves *leaves);

/* The highest leaf of the range that begins at `base`, which its leaf tells; 0 if it has none. */
uint32_t keg_leaves_highest(struct keg_leaves *leaves, uint32_t base);

#endif
