/* SPDX-License-Identifier: MIT */
/* keg info for people: one screen, or all of it. */
#include "info.h"
#include "machine.h"
#include "style.h"

static void print_speed(const struct info *info)
{
	const struct keg_guest_speed *speed = &info->speed;
	enum style style = speed->native ? STYLE_GOOD : STYLE_BAD;

	style_label("guest kernels");
	if (!info->measured) {
		printf("not measured\n");
		return;
	}
	printf("%s%s%s: %.*f million instructions/s (%.0f in a process)\n", style_on(stdout, style),
		speed->native ? "native" : "emulated", style_off(stdout, style),
		speed->guest_mips < 10 ? 1 : 0, speed->guest_mips, speed->host_mips);
	if (!speed->native) {
		style_label("");
		printf("small ones run well; Linux would take minutes to boot\n");
	}
}

static void print_device(const struct info *info)
{
	printf("%sKVM at %s%s\n", style_on(stdout, STYLE_TITLE), info->path,
		style_off(stdout, STYLE_TITLE));
	style_label("access");
	printf("%sopen%s to this user (%s)\n", style_on(stdout, STYLE_GOOD),
		style_off(stdout, STYLE_GOOD), info->mode);
	style_label("served by");
	if (*info->module)
		printf("module %s\n", info->module);
	else
		printf("the kernel itself\n");
	style_label("API version");
	printf("%d, with a vCPU area of %zu bytes\n", keg_host_api_version(info->host),
		keg_host_vcpu_mmap_size(info->host));
	print_speed(info);
}

static void print_limits(struct keg_host *host)
{
	int slots = keg_host_memory_slot_count(host);

	printf("\n");
	style_title(stdout, "Limits of one machine");
	style_label("memory slots");
	if (slots)
		printf("%d\n", slots);
	else
		printf("KVM does not tell\n");
	style_label("vCPUs");
	printf("%d recommended, %d at most, ids below %d\n", keg_host_recommended_vcpus(host),
		keg_host_max_vcpus(host), keg_host_max_vcpu_id(host));
}

/* The features that are there, or those that are not. */
static void print_features(struct keg_host *host, bool present)
{
	struct style_flow flow;
	bool any = false;

	style_label(present ? "has" : "lacks");
	style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
	for (const struct info_feature *feature = info_features; feature->name; feature++) {
		if (info_has_feature(host, feature) == present) {
			style_flow_word(&flow, STYLE_PLAIN, feature->name);
			any = true;
		}
	}
	if (!any)
		style_flow_word(&flow, STYLE_PLAIN, "none");
	style_flow_end(&flow);
}

static void print_capabilities(struct keg_host *host, bool all)
{
	unsigned int present = 0, known = 0;
	int value;

	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++, known++)
		present += keg_host_check_extension(host, cap->number) > 0;
	printf("\n");
	style_title(stdout, "Capabilities");
	style_label("count");
	printf("%u of the %u that there are%s\n", present, known,
		all ? "" : "; keg info --all lists them");
	print_features(host, true);
	print_features(host, false);
	if (!all)
		return;
	printf("\n");
	style_title(stdout, "Every capability and its value; 0 is absent");
	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++) {
		value = keg_host_check_extension(host, cap->number);
		printf("  %s%-46s%d%s\n", style_on(stdout, value > 0 ? STYLE_PLAIN : STYLE_DIM),
			cap->name, value, style_off(stdout, value > 0 ? STYLE_PLAIN : STYLE_DIM));
	}
}

void info_print(const struct info *info, enum info_detail detail)
{
	print_device(info);
	print_limits(info->host);
	if (detail == INFO_BRIEF)
		return;
	print_capabilities(info->host, detail == INFO_ALL);
	printf("\n");
	machine_print(info->host, detail == INFO_ALL);
}
