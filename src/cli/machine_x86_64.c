/* SPDX-License-Identifier: MIT */
/* x86-64: the processor that guests see, its features and MSRs; and why there may be no KVM. */
#include <stdio.h>
#include <string.h>

#include <keg/x86.h>

#include "machine.h"
#include "msr_names.h"
#include "processor.h"
#include "style.h"

enum { NAME_SIZE = 64 };

const char machine_serial_console[] = "console=ttyS0";

/* ---- What /proc/cpuinfo says, where there is no KVM to ask ---- */

struct host_cpu {
	bool vmx, svm, hypervisor;
};

/* Whether a line of flags has that one. */
static bool has_flag(const char *line, const char *flag)
{
	size_t length = strlen(flag);

	for (const char *at = line; (at = strstr(at, flag)); at += length) {
		if (at[-1] == ' ' && (at[length] == ' ' || at[length] == '\n'))
			return true;
	}
	return false;
}

static void look_at_cpu(const char *root, struct host_cpu *cpu)
{
	char path[512], line[8192];
	FILE *file;

	*cpu = (struct host_cpu){0};
	snprintf(path, sizeof(path), "%s/proc/cpuinfo", root);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "flags", 5) != 0)
			continue;
		cpu->vmx = has_flag(line, "vmx");
		cpu->svm = has_flag(line, "svm");
		cpu->hypervisor = has_flag(line, "hypervisor");
		break;
	}
	fclose(file);
}

void machine_explain_no_kvm(
	const char *path, const char *root, const char *otherwise, char *text, size_t size)
{
	struct host_cpu cpu;

	look_at_cpu(root, &cpu);
	if (cpu.vmx || cpu.svm)
		snprintf(text, size,
			"there is no %s because KVM's module is not loaded: run 'sudo modprobe "
			"%s', and "
			"see 'sudo dmesg | grep kvm' if that fails%s",
			path, cpu.vmx ? "kvm_intel" : "kvm_amd", otherwise);
	else if (cpu.hypervisor)
		snprintf(text, size,
			"there is no %s because this virtual machine's processor has neither vmx "
			"nor svm: "
			"turn nested virtualization on in its host%s",
			path, otherwise);
	else
		snprintf(text, size,
			"there is no %s because the processor shows neither vmx nor svm: turn VT-x "
			"or "
			"AMD-V (SVM) on in the firmware's setup%s",
			path, otherwise);
}

/* ---- Text ---- */

/* What guests, hypervisors and libraries look for, beyond the levels. */
static const char *const notable =
	"x2apic tsc_deadline_timer nonstop_tsc kvm_clocksource_stable pcid invpcid pdpe1gb rdtscp "
	"fsgsbase smep smap umip pku la57 xsavec xsaves aes sha_ni vaes rdrand rdseed erms fsrm "
	"avx512f amx_tile vmx svm kvm_clocksource kvm_pv_unhalt kvm_steal_time";

static void flow_word(void *context, const char *name)
{
	style_flow_word(context, STYLE_PLAIN, name);
}

static void count_one(void *context, const char *name)
{
	(void)name;
	++*(unsigned int *)context;
}

static void print_row(const char *label, const struct keg_cpuid_view *view, bool present)
{
	struct style_flow flow;

	style_label(label);
	style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
	if (cpuid_filter(view, notable, present, flow_word, &flow) == 0)
		style_flow_word(&flow, STYLE_PLAIN, "none");
	style_flow_end(&flow);
}

static void print_every_feature(const struct keg_cpuid_view *view)
{
	static const char *const registers[] = {"eax", "ebx", "ecx", "edx"};
	struct keg_x86_feature first;

	printf("\n");
	style_title(stdout, "CPUID features, by leaf");
	for (size_t n = 0; keg_x86_feature_register(n, &first) == 0; n++) {
		const struct kvm_cpuid_entry2 *entry =
			cpuid_leaf(view, first.function, first.index);
		char label[32];
		unsigned int count = 0;
		struct style_flow flow;

		if (entry)
			cpuid_each_feature(
				&first, cpuid_value(entry, first.where), count_one, &count);
		if (!count)
			continue;
		snprintf(label, sizeof(label), first.index ? "0x%x.%u %s" : "0x%x%.0u %s",
			first.function, first.index, registers[first.where]);
		style_label(label);
		style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
		cpuid_each_feature(&first, cpuid_value(entry, first.where), flow_word, &flow);
		style_flow_end(&flow);
	}
}

static void print_msr_list(const char *title, const struct keg_msr_view *view)
{
	char name[NAME_SIZE];

	printf("\n");
	style_title(stdout, title);
	for (size_t i = 0; i < view->count; i++) {
		printf("  0x%08x      %s\n", view->indices[i],
			msr_name(view->indices[i], name, sizeof(name)) == 0 ? name : "-");
	}
}

static void print_cpu(const struct keg_cpuid_view *view)
{
	struct processor processor;
	unsigned int count = 0;

	cpuid_identify(view, &processor);
	cpuid_all_features(view, count_one, &count);
	style_title(stdout, "The processor that guests see");
	if (processor.brand[0]) {
		style_label("name");
		printf("%s\n", processor.brand);
	}
	style_label("identity");
	printf("%s, family %u, model %u, stepping %u\n", processor.vendor, processor.family,
		processor.model, processor.stepping);
	style_label("level");
	printf("x86-64-v%u; %u features in %zu CPUID leaves\n", cpuid_level(view), count,
		view->count);
	print_row("notable", view, true);
	print_row("lacks", view, false);
}

void machine_print(struct keg_host *host, bool all)
{
	struct keg_cpuid_view cpuid = {0};
	struct keg_msr_view msrs = {0}, features = {0};

	/* What KVM does not list is shown as empty. */
	(void)keg_host_supported_cpuid(host, &cpuid);
	(void)keg_host_supported_msrs(host, &msrs);
	(void)keg_host_feature_msrs(host, &features);
	print_cpu(&cpuid);
	style_label("MSRs");
	printf("%zu saved with a vCPU, %zu that describe features\n", msrs.count, features.count);
	if (!all)
		return;
	print_every_feature(&cpuid);
	print_msr_list("MSRs that are saved with a vCPU", &msrs);
	print_msr_list("MSRs that describe features", &features);
}

/* ---- JSON ---- */

static void append_name(void *context, const char *name)
{
	json_array_append_new(context, json_string(name));
}

static json_t *leaf_json(const struct kvm_cpuid_entry2 *entry)
{
	json_t *features = json_array();
	struct keg_x86_feature first;

	for (size_t n = 0; keg_x86_feature_register(n, &first) == 0; n++) {
		if (cpuid_is_of(&first, entry))
			cpuid_each_feature(
				&first, cpuid_value(entry, first.where), append_name, features);
	}
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "function",
		(json_int_t)entry->function, "index", (json_int_t)entry->index, "flags",
		(json_int_t)entry->flags, "eax", (json_int_t)entry->eax, "ebx",
		(json_int_t)entry->ebx, "ecx", (json_int_t)entry->ecx, "edx",
		(json_int_t)entry->edx, "features", features);
}

static json_t *msrs_json(const struct keg_msr_view *view)
{
	json_t *array = json_array();
	char name[NAME_SIZE];

	for (size_t i = 0; i < view->count; i++) {
		bool known = msr_name(view->indices[i], name, sizeof(name)) == 0;

		json_array_append_new(
			array, json_pack("{s:I, s:s?}", "index", (json_int_t)view->indices[i],
				       "name", known ? name : NULL));
	}
	return array;
}

static json_t *processor_json(const struct keg_cpuid_view *view)
{
	struct processor processor;

	cpuid_identify(view, &processor);
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "vendor", processor.vendor, "brand",
		processor.brand, "family", (int)processor.family, "model", (int)processor.model,
		"stepping", (int)processor.stepping, "level", (int)cpuid_level(view));
}

int machine_json(struct keg_host *host, json_t *object)
{
	struct keg_cpuid_view cpuid = {0};
	struct keg_msr_view msrs = {0}, features = {0};
	json_t *leaves = json_array();
	int failed = 0;

	(void)keg_host_supported_cpuid(host, &cpuid);
	(void)keg_host_supported_msrs(host, &msrs);
	(void)keg_host_feature_msrs(host, &features);
	for (size_t i = 0; i < cpuid.count; i++)
		failed |= json_array_append_new(leaves, leaf_json(&cpuid.entries[i]));
	failed |= json_object_set_new(object, "processor", processor_json(&cpuid));
	failed |= json_object_set_new(object, "cpuid", leaves);
	failed |= json_object_set_new(object, "msrs", msrs_json(&msrs));
	failed |= json_object_set_new(object, "feature_msrs", msrs_json(&features));
	return failed ? -1 : 0;
}
