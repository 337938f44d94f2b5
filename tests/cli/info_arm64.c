/* SPDX-License-Identifier: MIT */
/* The guest-physical address space and the interrupt controllers. */
#include "info_machine.h"

#include "testing.h"

void machine_json_agrees(struct keg_host *host, const json_t *info)
{
	const json_t *arm64 = json_object_get(info, "arm64");

	assert_int_equal(json_integer_value(json_object_get(arm64, "ipa_bits")),
		keg_host_check_extension(host, KVM_CAP_ARM_VM_IPA_SIZE));
	assert_true(json_is_boolean(json_object_get(arm64, "gic-v3")));
	assert_int_equal(json_array_size(json_object_get(info, "cpuid")), 0);
}
