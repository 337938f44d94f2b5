/* SPDX-License-Identifier: MIT */
/* arm64: what machines can have there; and why there may be no KVM. */
#include "machine.h"

#include <stdio.h>

#include <keg/device.h>
#include <keg/error.h>
#include <keg/vm.h>

#include "style.h"

const char machine_serial_console[] = "console=ttyAMA0";

void machine_explain_no_kvm(
	const char *path, const char *root, const char *otherwise, char *text, size_t size)
{
	(void)root;
	snprintf(text, size,
		"there is no %s because the kernel found no virtualization (EL2): see 'sudo dmesg "
		"| grep "
		"-i kvm', and turn it on in the firmware or, in a virtual machine, in its host%s",
		path, otherwise);
}

static const struct {
	const char *name;
	int cap;
} features[] = {
	{"psci-0.2", KVM_CAP_ARM_PSCI_0_2},
	{"aarch32-el1", KVM_CAP_ARM_EL1_32BIT},
	{"pmu-v3", KVM_CAP_ARM_PMU_V3},
	{"sve", KVM_CAP_ARM_SVE},
	{"ptrauth-address", KVM_CAP_ARM_PTRAUTH_ADDRESS},
	{"ptrauth-generic", KVM_CAP_ARM_PTRAUTH_GENERIC},
	{"mte", KVM_CAP_ARM_MTE},
	{"steal-time", KVM_CAP_STEAL_TIME},
	{"system-suspend", KVM_CAP_ARM_SYSTEM_SUSPEND},
};

static const struct {
	const char *name;
	uint32_t type;
} controllers[] = {
	{"gic-v2", KVM_DEV_TYPE_ARM_VGIC_V2},
	{"gic-v3", KVM_DEV_TYPE_ARM_VGIC_V3},
	{"gic-its", KVM_DEV_TYPE_ARM_VGIC_ITS},
};

enum {
	FEATURES = sizeof(features) / sizeof(features[0]),
	CONTROLLERS = sizeof(controllers) / sizeof(controllers[0]),
};

/* Only a machine can be asked which interrupt controllers it may have. */
static void ask_controllers(struct keg_host *host, bool present[CONTROLLERS])
{
	struct keg_vm *vm = NULL;
	int rc = keg_vm_create(host, NULL, &vm);

	for (size_t i = 0; i < CONTROLLERS; i++)
		present[i] = rc == 0 && keg_vm_has_device(vm, controllers[i].type);
	keg_vm_destroy(vm);
}

static void print_features(struct keg_host *host, bool present)
{
	struct style_flow flow;

	style_label(present ? "has" : "lacks");
	style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
	for (size_t i = 0; i < FEATURES; i++) {
		if ((keg_host_check_extension(host, features[i].cap) > 0) == present)
			style_flow_word(&flow, STYLE_PLAIN, features[i].name);
	}
	style_flow_end(&flow);
}

void machine_print(struct keg_host *host, bool all)
{
	bool present[CONTROLLERS];
	struct style_flow flow;

	(void)all; /* there are no longer lists here */
	ask_controllers(host, present);
	style_title(stdout, "The processor that guests see");
	style_label("addresses");
	printf("%d bits of guest-physical address at most\n",
		keg_host_check_extension(host, KVM_CAP_ARM_VM_IPA_SIZE));
	style_label("debugging");
	printf("%d breakpoints, %d watchpoints in hardware\n",
		keg_host_check_extension(host, KVM_CAP_GUEST_DEBUG_HW_BPS),
		keg_host_check_extension(host, KVM_CAP_GUEST_DEBUG_HW_WPS));
	print_features(host, true);
	print_features(host, false);
	style_label("interrupts");
	style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
	for (size_t i = 0; i < CONTROLLERS; i++) {
		if (present[i])
			style_flow_word(&flow, STYLE_PLAIN, controllers[i].name);
	}
	style_flow_end(&flow);
}

int machine_json(struct keg_host *host, json_t *object)
{
	json_t *arm64 = json_object();
	bool present[CONTROLLERS];
	int failed;

	ask_controllers(host, present);
	failed = json_object_set_new(arm64, "ipa_bits",
		json_integer(keg_host_check_extension(host, KVM_CAP_ARM_VM_IPA_SIZE)));
	for (size_t i = 0; i < FEATURES; i++)
		failed |= json_object_set_new(arm64, features[i].name,
			json_boolean(keg_host_check_extension(host, features[i].cap) > 0));
	for (size_t i = 0; i < CONTROLLERS; i++)
		failed |= json_object_set_new(arm64, controllers[i].name, json_boolean(present[i]));
	failed |= json_object_set_new(object, "arm64", arm64);
	/* For programs that read them on x86-64: there are none here. */
	failed |= json_object_set_new(object, "cpuid", json_array());
	failed |= json_object_set_new(object, "msrs", json_array());
	return failed ? -1 : 0;
}
