/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes CPU models (x86-64): the input is the model's text, which ends with a byte 0, how many
 * vCPUs there are, and the leaves that KVM supports.
 */
#include "arch/x86_64/cpu_model.h"
#include "arch/x86_64/topology.h"

#include <stdlib.h>
#include <string.h>

#include "fuzzing.h"

enum { TEXT_BYTES = 128, MOST_LEAVES = 300 };

/* Leaves of features, so that they are met often. */
static const uint32_t functions[] = {0, 1, 4, 6, 7, 0xb, 0xd, 0x1f, 0x40000000, 0x40000001,
	0x80000000, 0x80000001, 0x80000007, 0x80000008, 0x8000000a, 0x8000001d, 0x8000001e,
	0x80000021, 0x80000026};

static void take_text(struct fuzz_input *input, char text[TEXT_BYTES])
{
	size_t bytes = 0;
	char c;

	while (input->left && (c = (char)fuzz_take(input, 1))) {
		if (bytes < TEXT_BYTES - 1)
			text[bytes++] = c;
	}
	text[bytes] = 0;
}

static size_t take_leaves(struct fuzz_input *input, struct kvm_cpuid_entry2 *leaves)
{
	size_t count = 0;

	while (input->left && count < MOST_LEAVES) {
		struct kvm_cpuid_entry2 *leaf = &leaves[count++];
		uint8_t which = (uint8_t)fuzz_take(input, 1);

		leaf->function = functions[which % (sizeof(functions) / sizeof(functions[0]))];
		leaf->index = (uint32_t)fuzz_take(input, 1);
		leaf->flags = which >> 7 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
		leaf->eax = (uint32_t)fuzz_take(input, 4);
		leaf->ebx = (uint32_t)fuzz_take(input, 4);
		leaf->ecx = (uint32_t)fuzz_take(input, 4);
		leaf->edx = (uint32_t)fuzz_take(input, 4);
	}
	return count;
}

/* Whatever KVM and the user say, a vCPU has its own number, and no AVX-512 without its base. */
static void check(struct keg_leaves *leaves, uint32_t id)
{
	const struct kvm_cpuid_entry2 *leaf;

	fuzz_check(leaves->count <= KEG_LEAVES_MOST);
	leaf = keg_leaves_find(leaves, 1, 0);
	fuzz_check(!leaf || leaf->ebx >> 24 == (id & 0xff));
	leaf = keg_leaves_find(leaves, 0xb, 1);
	fuzz_check(!leaf || leaf->edx == id);
	fuzz_check(
		!keg_leaves_has_name(leaves, "avx512vl") || keg_leaves_has_name(leaves, "avx512f"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct kvm_cpuid_entry2 *leaves = calloc(MOST_LEAVES, sizeof(*leaves));
	struct keg_cpu_model *model = calloc(1, sizeof(*model));
	struct keg_cpu_source source = {.has_deadline_timer = true};
	char text[TEXT_BYTES];
	uint32_t count;

	fuzz_check(leaves && model);
	take_text(&input, text);
	count = (uint32_t)fuzz_take(&input, 2);
	source.supported = (struct keg_cpuid_view){leaves, take_leaves(&input, leaves)};
	source.emulated = (struct keg_cpuid_view){leaves, source.supported.count / 2};
	if (keg_cpu_model_make(&source, text, count, NULL, model) == 0) {
		keg_hv_set_timing(&model->leaves, count);
		keg_topology_set_id(&model->leaves, count ? count - 1 : 0);
		check(&model->leaves, count ? count - 1 : 0);
	}
	free(model);
	free(leaves);
	return 0;
}
