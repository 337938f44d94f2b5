/* SPDX-License-Identifier: MIT */
/* From CPUID's leaves to names. */
#include "processor.h"

#include <stdio.h>
#include <string.h>

enum { NAME_SIZE = 64 };

const struct kvm_cpuid_entry2 *cpuid_leaf(
	const struct keg_cpuid_view *view, uint32_t function, uint32_t index)
{
	for (size_t i = 0; i < view->count; i++) {
		const struct kvm_cpuid_entry2 *entry = &view->entries[i];

		if (entry->function != function)
			continue;
		if (!(entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) || entry->index == index)
			return entry;
	}
	return NULL;
}

uint32_t cpuid_value(const struct kvm_cpuid_entry2 *entry, enum keg_x86_register where)
{
	const uint32_t registers[] = {entry->eax, entry->ebx, entry->ecx, entry->edx};

	return registers[where];
}

/* Hands each feature that is set in `value` to `put`. */
void cpuid_each_feature(
	const struct keg_x86_feature *first, uint32_t value, cpuid_put *put, void *context)
{
	struct keg_x86_feature feature = *first;

	for (feature.bit = 0; feature.bit < 32; feature.bit++) {
		const char *name = keg_x86_feature_name(&feature);

		if (value >> feature.bit & 1 && name)
			put(context, name);
	}
}

bool cpuid_is_of(const struct keg_x86_feature *first, const struct kvm_cpuid_entry2 *entry)
{
	uint32_t index = entry->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ? entry->index : 0;

	return first->function == entry->function && first->index == index;
}

void cpuid_all_features(const struct keg_cpuid_view *view, cpuid_put *put, void *context)
{
	struct keg_x86_feature first;

	for (size_t n = 0; keg_x86_feature_register(n, &first) == 0; n++) {
		const struct kvm_cpuid_entry2 *entry =
			cpuid_leaf(view, first.function, first.index);

		if (entry)
			cpuid_each_feature(&first, cpuid_value(entry, first.where), put, context);
	}
}

/* Twelve or sixteen characters that CPUID hands out in registers. */
static void append_register(char *text, uint32_t value)
{
	size_t length = strlen(text);

	for (unsigned int i = 0; i < 4; i++) {
		char c = (char)(value >> (8 * i) & 0xff);

		text[length + i] = c >= ' ' && c <= '~' ? c : 0;
		text[length + i + 1] = 0;
	}
}

void cpuid_identify(const struct keg_cpuid_view *view, struct processor *processor)
{
	const struct kvm_cpuid_entry2 *entry = cpuid_leaf(view, 0, 0);
	size_t spaces;

	*processor = (struct processor){.vendor = ""};
	if (entry) {
		append_register(processor->vendor, entry->ebx);
		append_register(processor->vendor, entry->edx);
		append_register(processor->vendor, entry->ecx);
	}
	for (uint32_t leaf = 0x80000002; leaf <= 0x80000004; leaf++) {
		entry = cpuid_leaf(view, leaf, 0);
		for (enum keg_x86_register r = KEG_X86_EAX; entry && r <= KEG_X86_EDX; r++)
			append_register(processor->brand, cpuid_value(entry, r));
	}
	spaces = strspn(processor->brand, " ");
	memmove(processor->brand, processor->brand + spaces, strlen(processor->brand + spaces) + 1);
	entry = cpuid_leaf(view, 1, 0);
	if (!entry)
		return;
	/* Intel's SDM, "CPUID", figure "Version Information Returned by CPUID in EAX". */
	processor->stepping = entry->eax & 0xf;
	processor->model = (entry->eax >> 4 & 0xf) | (entry->eax >> 12 & 0xf0);
	processor->family = entry->eax >> 8 & 0xf;
	if (processor->family == 0xf)
		processor->family += entry->eax >> 20 & 0xff;
	else if (processor->family != 6)
		processor->model &= 0xf;
}

/* Sets *context (a bool) when the feature is the one looked for. */
struct search {
	const char *name;
	bool found;
};

static void compare(void *context, const char *name)
{
	struct search *search = context;

	if (strcmp(search->name, name) == 0)
		search->found = true;
}

static bool has_feature(const struct keg_cpuid_view *view, const char *name)
{
	struct search search = {.name = name};

	cpuid_all_features(view, compare, &search);
	return search.found;
}

/* Those of the words in `names` that are present, or absent, go to `put`; returns how many. */
unsigned int cpuid_filter(const struct keg_cpuid_view *view, const char *names, bool present,
	cpuid_put *put, void *context)
{
	char name[NAME_SIZE];
	unsigned int count = 0;

	while (*names) {
		size_t length = strcspn(names, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		if (has_feature(view, name) == present) {
			count++;
			put(context, name);
		}
		names += length + (names[length] == ' ');
	}
	return count;
}

static void ignore(void *context, const char *name)
{
	(void)context;
	(void)name;
}

/* The levels of the x86-64 psABI (section 3.1.1, "Processor Architecture"). */
static const char *const levels[] = {
	"cmov cx8 fpu fxsr mmx sse sse2 syscall lm",
	"cx16 lahf_lm popcnt sse3 sse4_1 sse4_2 ssse3",
	"avx avx2 bmi1 bmi2 f16c fma abm movbe xsave",
	"avx512f avx512bw avx512cd avx512dq avx512vl",
};

unsigned int cpuid_level(const struct keg_cpuid_view *view)
{
	unsigned int level = 0;

	while (level < 4 && cpuid_filter(view, levels[level], false, ignore, NULL) == 0)
		level++;
	return level;
}
