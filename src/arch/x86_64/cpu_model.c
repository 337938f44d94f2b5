/* SPDX-License-Identifier: MIT */
/* CPU models: from a text like "host,-avx512f,+x2apic" to CPUID's leaves. */
#include "arch/x86_64/cpu_model.h"

#include <stdlib.h>
#include <string.h>

#include "arch/x86_64/cpuid_names.h"
#include "arch/x86_64/topology.h"
#include "base/error.h"

/* What "host" hides: a guest's own guests are a large part of KVM for it to attack. */
static const char *const hidden[] = {"vmx", "svm"};

enum { MOST_SWITCHES = 64, NAME_BYTES = 32, MOST_XAPIC_CPUS = 255 };

/* A model in the making. */
struct making {
	struct keg_leaves *leaves; /* as it will be */
	struct keg_leaves offered; /* all that can be on */
	struct keg_leaves before;  /* the model without its switches */
	struct keg_x86_feature asked[MOST_SWITCHES];
	size_t asked_count;
};

/* Adds what KVM only emulates to what it supports. */
static void add_emulated(struct keg_leaves *leaves, const struct keg_cpuid_view *view)
{
	struct keg_x86_feature feature;
	struct keg_leaves emulated;

	keg_leaves_copy(&emulated, view);
	for (size_t n = 0; emulated.count && keg_x86_feature_register(n, &feature) == 0; n++) {
		for (feature.bit = 0; feature.bit < 32; feature.bit++) {
			if (keg_leaves_has(&emulated, &feature))
				keg_leaves_switch(leaves, &feature, true);
		}
	}
}

/* What can be on at all. */
static void find_offered(struct making *making, const struct keg_cpu_source *source)
{
	keg_leaves_copy(&making->offered, &source->supported);
	keg_leaves_switch_name(&making->offered, "hypervisor", true);
	if (source->has_deadline_timer)
		keg_leaves_switch_name(&making->offered, "tsc_deadline_timer", true);
	*making->leaves = making->offered;
	add_emulated(&making->offered, &source->emulated);
}

static int begin_with(struct making *making, const char *name, size_t bytes)
{
	if (bytes == 3 && strncmp(name, "max", bytes) == 0) {
		*making->leaves = making->offered;
		return 0;
	}
	if (bytes != 4 || strncmp(name, "host", bytes) != 0)
		return keg_fail(EINVAL, "there is no CPU model '%.*s': there are host and max",
			bytes < NAME_BYTES ? (int)bytes : NAME_BYTES, name);
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		keg_leaves_switch_name(making->leaves, hidden[i], false);
	return 0;
}

static int find_feature(const char *item, size_t bytes, char *name, struct keg_x86_feature *feature)
{
	char nearest[KEG_NEAREST_BYTES];

	if (bytes < 2 || (*item != '+' && *item != '-'))
		return keg_fail(EINVAL,
			"CPU model: '%.*s' is no switch of a feature: +avx2 switches it on, -avx2 "
			"off",
			bytes < NAME_BYTES ? (int)bytes : NAME_BYTES, item);
	if (bytes > NAME_BYTES)
		bytes = NAME_BYTES;
	memcpy(name, item + 1, bytes - 1);
	name[bytes - 1] = 0;
	if (keg_x86_find_feature(name, feature) == 0)
		return 0;
	keg_nearest_features(name, nearest);
	return keg_fail(
		EINVAL, "CPU model: there is no feature '%s'; the nearest: %s", name, nearest);
}

/* The last switch of a feature counts. */
static void forget(struct making *making, const struct keg_x86_feature *feature)
{
	for (size_t i = 0; i < making->asked_count; i++) {
		struct keg_x86_feature *asked = &making->asked[i];

		if (asked->function == feature->function && asked->index == feature->index &&
			asked->where == feature->where && asked->bit == feature->bit) {
			*asked = making->asked[--making->asked_count];
			return;
		}
	}
}

static int apply(struct making *making, const char *item, size_t bytes)
{
	struct keg_x86_feature feature;
	char name[NAME_BYTES];
	int rc = find_feature(item, bytes, name, &feature);

	if (rc)
		return rc;
	forget(making, &feature);
	if (*item == '+') {
		if (!keg_leaves_has(&making->offered, &feature))
			return keg_fail(
				ENOTSUP, "CPU model: KVM on this host does not support %s", name);
		if (making->asked_count == MOST_SWITCHES)
			return keg_fail(EINVAL, "CPU model: more than %d features are switched on",
				MOST_SWITCHES);
		making->asked[making->asked_count++] = feature;
	}
	if (!keg_leaves_switch(making->leaves, &feature, *item == '+'))
		return keg_fail(E2BIG, "CPU model: there are too many CPUID leaves for %s", name);
	return 0;
}

/* The model's name, then its switches from left to right. */
static int parse(struct making *making, const char *text, struct keg_notes *notes)
{
	size_t bytes = strcspn(text, ",");
	int rc = begin_with(making, text, bytes);

	if (rc)
		return rc;
	keg_cpuid_drop_unsaved(making->leaves);
	rc = keg_cpuid_settle(making->leaves, making->leaves, NULL, 0, NULL);
	if (rc || !text[bytes])
		return rc;
	making->before = *making->leaves;
	for (text += bytes; !rc && *text; text += bytes) {
		text++;
		bytes = strcspn(text, ",");
		rc = apply(making, text, bytes);
	}
	return rc ? rc
		  : keg_cpuid_settle(making->leaves, &making->before, making->asked,
			    making->asked_count, notes);
}

int keg_cpu_model_make(const struct keg_cpu_source *source, const char *text, uint32_t count,
	struct keg_notes *notes, struct keg_cpu_model *model)
{
	struct making *making = calloc(1, sizeof(*making));
	int rc;

	if (!making)
		return keg_fail_errno(ENOMEM, "making a CPU model");
	memset(model, 0, sizeof(*model));
	model->notes = notes;
	model->count = count ? count : 1;
	making->leaves = &model->leaves;
	find_offered(making, source);
	rc = parse(making, text ? text : "host", notes);
	/* What the model hides goes with what describes it. */
	if (!rc)
		keg_cpuid_agree(&model->leaves, &making->offered);
	if (!rc && model->count > MOST_XAPIC_CPUS && !keg_leaves_has_name(&model->leaves, "x2apic"))
		rc = keg_fail(EINVAL, "%u vCPUs: more than %d need x2apic", model->count,
			MOST_XAPIC_CPUS);
	if (!rc) {
		keg_leaves_trim(&model->leaves);
		keg_topology_set(&model->leaves, model->count);
	}
	free(making);
	return rc;
}
