/* SPDX-License-Identifier: MIT */
/* What each of 1, 2, 3, 8, 64 and 300 vCPUs finds about all of them, on both makers' processors. */
#include "arch/x86_64/cpu_sources.h"
#include "arch/x86_64/topology.h"
#include "testing.h"

#include <errno.h>

/* How many there are; what fits the fields that are too small; how many bits number them. */
static const struct {
	uint32_t count, ids, bits;
} sizes[] = {{1, 1, 0}, {2, 2, 1}, {3, 4, 2}, {8, 8, 3}, {64, 64, 6}, {300, 512, 9}};

enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static struct keg_cpu_model *make(struct keg_cpu_source source, uint32_t count, uint32_t id)
{
	struct keg_cpu_model *model = calloc(1, sizeof(*model));

	assert_non_null(model);
	assert_ok(keg_cpu_model_make(&source, "host", count, NULL, model));
	keg_topology_set_id(&model->leaves, id);
	return model;
}

#define leaf(model, n, sub) keg_leaves_find(&(model)->leaves, n, sub)

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void check_leaf_1(struct keg_cpu_model *model, uint32_t ids, uint32_t count, uint32_t id)
{
	enum { HTT = 1 << 28 };
	const struct kvm_cpuid_entry2 *one = leaf(model, 1, 0);

	assert_int_equal(one->ebx >> 24, id & 0xff);
	assert_int_equal(one->ebx >> 16 & 0xff, least(ids, 255));
	assert_int_equal(one->ebx & 0xffff, 0x0800); /* the line that clflush flushes */
	assert_int_equal(!!(one->edx & HTT), count > 1);
}

static void check_levels(
	struct keg_cpu_model *model, uint32_t function, uint32_t bits, uint32_t count, uint32_t id)
{
	const struct kvm_cpuid_entry2 *threads = leaf(model, function, 0);
	const struct kvm_cpuid_entry2 *cores = leaf(model, function, 1);
	const struct kvm_cpuid_entry2 *end = leaf(model, function, 2);

	assert_true(threads && cores && end);
	assert_int_equal(threads->eax, 0);
	assert_int_equal(threads->ebx, 1);
	assert_int_equal(threads->ecx, 0x100);
	assert_int_equal(cores->eax, bits);
	assert_int_equal(cores->ebx, count);
	assert_int_equal(cores->ecx, 0x201);
	assert_int_equal(end->ebx, 0);
	assert_int_equal(end->ecx, 2);
	assert_int_equal(threads->edx, id);
	assert_int_equal(cores->edx, id);
	assert_int_equal(end->edx, id);
}

static void every_vcpu_of_intels_kind_finds_one_package(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++) {
		uint32_t last = sizes[i].count - 1;
		struct keg_cpu_model *model = make(intel_like(), sizes[i].count, last);

		check_leaf_1(model, sizes[i].ids, sizes[i].count, last);
		check_levels(model, 0xb, sizes[i].bits, sizes[i].count, last);
		check_levels(model, 0x1f, sizes[i].bits, sizes[i].count, last);
		free(model);
	}
}

static void intels_caches_are_a_cores_own_but_for_the_last(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++) {
		struct keg_cpu_model *model = make(intel_like(), sizes[i].count, 0);

		for (uint32_t n = 0; n < 4; n++) {
			const struct kvm_cpuid_entry2 *cache = leaf(model, 4, n);

			assert_int_equal(cache->eax >> 14 & 0xfff, n == 3 ? sizes[i].ids - 1 : 0);
			assert_int_equal(cache->eax >> 26, least(sizes[i].ids, 64) - 1);
		}
		assert_int_equal(leaf(model, 4, 3)->eax & 0x3fff, 0x163); /* what it is */
		assert_null(leaf(model, 4, 4));                           /* lacking leaves are 0 */
		free(model);
	}
}

static void every_vcpu_of_amds_kind_finds_one_package(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++) {
		uint32_t count = sizes[i].count, last = count - 1;
		struct keg_cpu_model *model = make(amd_like(), count, last);
		const struct kvm_cpuid_entry2 *sizes_leaf = leaf(model, 0x80000008, 0);
		const struct kvm_cpuid_entry2 *id_leaf = leaf(model, 0x8000001e, 0);

		check_leaf_1(model, count, count, last);
		check_levels(model, 0xb, sizes[i].bits, count, last);
		assert_int_equal(sizes_leaf->ecx & 0xff, least(count, 256) - 1);
		assert_int_equal(sizes_leaf->ecx >> 12 & 0xf, sizes[i].bits);
		assert_int_equal(sizes_leaf->eax, 0x3030); /* the widths of addresses */
		assert_int_equal(id_leaf->eax, last);
		assert_int_equal(id_leaf->ebx, last & 0xff); /* one thread a core */
		assert_int_equal(id_leaf->ecx, 0);           /* one node */
		assert_int_equal(keg_leaves_has_name(&model->leaves, "cmp_legacy"), count > 1);
		assert_null(leaf(model, 0x1f, 0));
		assert_null(leaf(model, 0x80000026, 0));
		free(model);
	}
}

static void amds_caches_are_a_cores_own_but_for_the_last(void **state)
{
	(void)state;
	for (int i = 0; i < SIZES; i++) {
		struct keg_cpu_model *model = make(amd_like(), sizes[i].count, 0);

		for (uint32_t n = 0; n < 4; n++)
			assert_int_equal(leaf(model, 0x8000001d, n)->eax >> 14 & 0xfff,
				n == 3 ? sizes[i].ids - 1 : 0);
		free(model);
	}
}

static void without_amds_extended_topology_its_leaves_are_gone(void **state)
{
	struct keg_cpu_model *model = calloc(1, sizeof(*model));
	struct keg_cpu_source source = amd_like();

	(void)state;
	assert_non_null(model);
	assert_ok(keg_cpu_model_make(&source, "host,-topoext", 2, NULL, model));
	assert_null(leaf(model, 0x8000001d, 0));
	assert_null(leaf(model, 0x8000001e, 0));
	keg_topology_set_id(&model->leaves, 1);
	assert_int_equal(leaf(model, 1, 0)->ebx >> 24, 1);
	free(model);
}

static void many_vcpus_need_x2apic(void **state)
{
	struct keg_cpu_model *model = calloc(1, sizeof(*model));
	struct keg_cpu_source source = intel_like();

	(void)state;
	assert_non_null(model);
	assert_ok(keg_cpu_model_make(&source, "host,-x2apic", 255, NULL, model));
	assert_fails(
		keg_cpu_model_make(&source, "host,-x2apic", 256, NULL, model), EINVAL, "x2apic");
	assert_ok(keg_cpu_model_make(&source, "host", 256, NULL, model));
	free(model);
}

static void the_hosts_own_numbers_are_nowhere(void **state)
{
	struct keg_cpu_model *intel = make(intel_like(), 4, 0), *amd = make(amd_like(), 4, 0);

	(void)state;
	for (uint32_t sub = 0; sub < 4; sub++) {
		const struct kvm_cpuid_entry2 *b = leaf(intel, 0xb, sub),
					      *f = leaf(intel, 0x1f, sub);

		assert_true(!b || b->edx != 42);
		assert_true(!f || f->edx != 42);
	}
	assert_int_not_equal(leaf(intel, 1, 0)->ebx >> 24, 0x2a);
	assert_int_not_equal(leaf(amd, 0x8000001e, 0)->eax, 42);
	free(intel);
	free(amd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vcpu_of_intels_kind_finds_one_package),
		cmocka_unit_test(intels_caches_are_a_cores_own_but_for_the_last),
		cmocka_unit_test(every_vcpu_of_amds_kind_finds_one_package),
		cmocka_unit_test(amds_caches_are_a_cores_own_but_for_the_last),
		cmocka_unit_test(without_amds_extended_topology_its_leaves_are_gone),
		cmocka_unit_test(many_vcpus_need_x2apic),
		cmocka_unit_test(the_hosts_own_numbers_are_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
