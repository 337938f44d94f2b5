/* SPDX-License-Identifier: MIT */
/* A list of CPUID leaves that is looked up and changed. */
#include "arch/x86_64/cpuid_leaves.h"

#include <string.h>

struct kvm_cpuid_entry2 *keg_leaves_find(
	struct keg_leaves *leaves, uint32_t function, uint32_t index)
{
	for (size_t i = 0; i < leaves->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];

		if (leaf->function != function)
			continue;
		if (!(leaf->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || leaf->index == index)
			return leaf;
	}
	return NULL;
}

/* A leaf that is there twice would show its second self once the first is trimmed. */
void keg_leaves_copy(struct keg_leaves *leaves, const struct keg_cpuid_view *view)
{
	leaves->count = 0;
	for (size_t i = 0; i < view->count && leaves->count < KEG_LEAVES_MOST; i++) {
		const struct kvm_cpuid_entry2 *leaf = &view->entries[i];

		if (!keg_leaves_find(leaves, leaf->function, leaf->index))
			leaves->entries[leaves->count++] = *leaf;
	}
}

struct kvm_cpuid_entry2 *keg_leaves_need(
	struct keg_leaves *leaves, uint32_t function, uint32_t index, bool has_subleaves)
{
	struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, function, index);

	if (leaf || leaves->count == KEG_LEAVES_MOST)
		return leaf;
	leaf = &leaves->entries[leaves->count++];
	*leaf = (struct kvm_cpuid_entry2){
		.function = function,
		.index = has_subleaves ? index : 0,
		.flags = has_subleaves ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
	};
	return leaf;
}

void keg_leaves_drop(struct keg_leaves *leaves, uint32_t function, uint32_t index)
{
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		const struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];

		if (leaf->function != function || leaf->index < index)
			leaves->entries[kept++] = *leaf;
	}
	leaves->count = kept;
}

void keg_leaves_trim(struct keg_leaves *leaves)
{
	size_t kept = 0;

	for (size_t i = 0; i < leaves->count; i++) {
		const struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];

		if (leaf->eax | leaf->ebx | leaf->ecx | leaf->edx)
			leaves->entries[kept++] = *leaf;
	}
	leaves->count = kept;
}

uint32_t *keg_leaf_register(struct kvm_cpuid_entry2 *leaf, enum keg_x86_register where)
{
	uint32_t *const registers[] = {&leaf->eax, &leaf->ebx, &leaf->ecx, &leaf->edx};

	return registers[where];
}

bool keg_leaves_has(struct keg_leaves *leaves, const struct keg_x86_feature *feature)
{
	struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, feature->function, feature->index);

	return leaf && *keg_leaf_register(leaf, feature->where) >> feature->bit & 1;
}

/* Whether the subleaves of a leaf that has features differ: the others have one set of registers.
 */
static bool has_subleaves(uint32_t function)
{
	return function == 7 || function == 0xd;
}

bool keg_leaves_switch(struct keg_leaves *leaves, const struct keg_x86_feature *feature, bool on)
{
	struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, feature->function, feature->index);
	uint32_t bit = 1U << feature->bit, *value;

	if (!leaf && !on)
		return true;
	leaf = keg_leaves_need(
		leaves, feature->function, feature->index, has_subleaves(feature->function));
	if (!leaf)
		return false;
	value = keg_leaf_register(leaf, feature->where);
	*value = on ? *value | bit : *value & ~bit;
	return true;
}

bool keg_leaves_has_name(struct keg_leaves *leaves, const char *name)
{
	struct keg_x86_feature feature;

	return keg_x86_find_feature(name, &feature) == 0 && keg_leaves_has(leaves, &feature);
}

bool keg_leaves_switch_name(struct keg_leaves *leaves, const char *name, bool on)
{
	struct keg_x86_feature feature;

	return keg_x86_find_feature(name, &feature) == 0 && keg_leaves_switch(leaves, &feature, on);
}

/* Leaf 0 has the maker's name in ebx, edx and ecx. */
static bool is_made_by(struct keg_leaves *leaves, const char name[12])
{
	const struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, 0, 0);

	return leaf && memcmp(&leaf->ebx, name, 4) == 0 && memcmp(&leaf->edx, name + 4, 4) == 0 &&
	       memcmp(&leaf->ecx, name + 8, 4) == 0;
}

bool keg_leaves_is_amd(struct keg_leaves *leaves)
{
	return is_made_by(leaves, "AuthenticAMD") || is_made_by(leaves, "HygonGenuine");
}

bool keg_leaves_is_intel(struct keg_leaves *leaves)
{
	return is_made_by(leaves, "GenuineIntel");
}

uint32_t keg_leaves_highest(struct keg_leaves *leaves, uint32_t base)
{
	const struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, base, 0);

	return leaf ? leaf->eax : 0;
}
