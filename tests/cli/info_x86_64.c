/* SPDX-License-Identifier: MIT */
/* CPUID and MSRs. */
#include "info_machine.h"

#include "testing.h"

#include <keg/x86.h>

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("%s is no integer", key);
	return json_integer_value(value);
}

static bool names_feature(const json_t *leaf, const char *name)
{
	const json_t *features = json_object_get(leaf, "features");

	for (size_t i = 0; i < json_array_size(features); i++) {
		if (strcmp(json_string_value(json_array_get(features, i)), name) == 0)
			return true;
	}
	return false;
}

static void leaf_agrees(const json_t *leaf, const struct kvm_cpuid_entry2 *entry)
{
	assert_int_equal(number(leaf, "function"), entry->function);
	assert_int_equal(number(leaf, "index"), entry->index);
	assert_int_equal(number(leaf, "flags"), entry->flags);
	assert_int_equal(number(leaf, "eax"), entry->eax);
	assert_int_equal(number(leaf, "ebx"), entry->ebx);
	assert_int_equal(number(leaf, "ecx"), entry->ecx);
	assert_int_equal(number(leaf, "edx"), entry->edx);
	if (entry->function == 1) {
		assert_int_equal(names_feature(leaf, "fpu"), entry->edx & 1);
		assert_int_equal(names_feature(leaf, "sse2"), entry->edx >> 26 & 1);
		assert_int_equal(names_feature(leaf, "x2apic"), entry->ecx >> 21 & 1);
		assert_int_equal(names_feature(leaf, "hypervisor"), entry->ecx >> 31);
	}
	if (entry->function == 0x40000001)
		assert_int_equal(names_feature(leaf, "kvm_clocksource2"), entry->eax >> 3 & 1);
	if (entry->function == 7 && entry->index == 0)
		assert_int_equal(names_feature(leaf, "avx512vl"), entry->ebx >> 31);
}

void machine_json_agrees(struct keg_host *host, const json_t *info)
{
	const json_t *leaves = json_object_get(info, "cpuid");
	const json_t *msrs = json_object_get(info, "msrs");
	struct keg_cpuid_view cpuid;
	struct keg_msr_view list;

	assert_ok(keg_host_supported_cpuid(host, &cpuid));
	assert_int_equal(json_array_size(leaves), cpuid.count);
	for (size_t i = 0; i < cpuid.count; i++)
		leaf_agrees(json_array_get(leaves, i), &cpuid.entries[i]);
	assert_ok(keg_host_supported_msrs(host, &list));
	assert_int_equal(json_array_size(msrs), list.count);
	for (size_t i = 0; i < list.count; i++) {
		const json_t *msr = json_array_get(msrs, i);

		assert_int_equal(number(msr, "index"), list.indices[i]);
		if (list.indices[i] == 0x277)
			assert_string_equal(
				json_string_value(json_object_get(msr, "name")), "IA32_PAT");
	}
}
