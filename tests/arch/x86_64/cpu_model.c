/* SPDX-License-Identifier: MIT */
/* CPU models: what their text may say, and which features the vCPUs then have. */
#include "arch/x86_64/cpu_sources.h"
#include "testing.h"

#include <errno.h>

struct fixture {
	struct keg_cpu_model model;
	struct keg_notes notes;
};

static int open_model(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	assert_ok(keg_notes_init(&f->notes));
	*state = f;
	return 0;
}

static int close_model(void **state)
{
	struct fixture *f = *state;

	keg_notes_fini(&f->notes);
	free(f);
	return 0;
}

static int make(struct fixture *f, struct keg_cpu_source source, const char *text)
{
	return keg_cpu_model_make(&source, text, 1, &f->notes, &f->model);
}

#define has(f, name)          keg_leaves_has_name(&(f)->model.leaves, name)
#define leaf(f, n, sub)       keg_leaves_find(&(f)->model.leaves, n, sub)
#define assert_has(f, name)   assert_true(has(f, name))
#define assert_lacks(f, name) assert_false(has(f, name))

/* ---- Models ---- */

static void host_has_what_kvm_supports(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host"));
	assert_has(f, "avx512f");
	assert_has(f, "xsave");
	assert_has(f, "nonstop_tsc");
	assert_has(f, "kvm_clocksource2");
	assert_null(keg_notes_get(&f->notes, 0));
}

static void no_text_is_host(void **state)
{
	struct fixture *f = *state;
	struct keg_leaves host;

	assert_ok(make(f, amd_like(), "host"));
	host = f->model.leaves;
	assert_ok(make(f, amd_like(), NULL));
	assert_memory_equal(&host, &f->model.leaves, sizeof(host));
}

static void a_guest_of_host_has_no_guests_of_its_own(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host"));
	assert_lacks(f, "vmx");
	assert_ok(make(f, amd_like(), "host"));
	assert_lacks(f, "svm");
	assert_null(leaf(f, 0x8000000a, 0));
	assert_ok(make(f, amd_like(), "host,+svm"));
	assert_has(f, "svm");
	assert_non_null(leaf(f, 0x8000000a, 0));
}

static void max_has_all_that_kvm_supports_and_emulates(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host"));
	assert_lacks(f, "movbe");
	assert_ok(make(f, intel_like(), "max"));
	assert_has(f, "movbe");
	assert_has(f, "rdpid");
	assert_has(f, "vmx");
}

static void a_guest_knows_that_it_is_one(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host"));
	assert_has(f, "hypervisor");
	assert_ok(make(f, intel_like(), "host,-hypervisor"));
	assert_lacks(f, "hypervisor");
}

static void the_deadline_timer_is_there_where_kvm_has_it(void **state)
{
	struct keg_cpu_source without = amd_like();
	struct fixture *f = *state;

	assert_ok(make(f, amd_like(), "host"));
	assert_has(f, "tsc_deadline_timer");
	without.has_deadline_timer = false;
	assert_ok(make(f, without, "host"));
	assert_lacks(f, "tsc_deadline_timer");
	assert_fails(make(f, without, "host,+tsc_deadline_timer"), ENOTSUP, "tsc_deadline_timer");
}

/* ---- Switches ---- */

static void a_feature_is_switched_off_and_on(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host,-aes,+movbe"));
	assert_lacks(f, "aes");
	assert_has(f, "movbe");
}

static void the_last_switch_of_a_feature_counts(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host,+avx2,-avx2"));
	assert_lacks(f, "avx2");
	assert_ok(make(f, intel_like(), "host,-avx2,+avx2"));
	assert_has(f, "avx2");
	assert_has(f, "avx512f");
}

static void what_needs_a_feature_that_is_off_is_off_with_a_note(void **state)
{
	struct fixture *f = *state;
	bool noted = false;
	const char *note;

	assert_ok(make(f, intel_like(), "host,-avx512f"));
	assert_lacks(f, "avx512vl");
	assert_lacks(f, "avx512_vnni");
	assert_lacks(f, "avx512_bf16");
	assert_has(f, "avx2");
	for (size_t i = 0; (note = keg_notes_get(&f->notes, i)); i++)
		noted |= strcmp(note, "CPU feature avx512vl is off, because it needs avx512f, "
				      "which is off") == 0;
	assert_true(noted);
}

static void a_feature_that_is_asked_for_needs_what_it_needs(void **state)
{
	struct fixture *f = *state;

	assert_fails(make(f, intel_like(), "host,-avx,+avx512vl"), EINVAL, "+avx512vl needs");
}

static void what_kvm_does_not_support_is_refused_by_name(void **state)
{
	assert_fails(make(*state, amd_like(), "host,+avx512f"), ENOTSUP, "support avx512f");
	assert_fails(make(*state, amd_like(), "max,+vmx"), ENOTSUP, "support vmx");
}

static void what_is_unknown_is_refused_with_what_is_known(void **state)
{
	static const struct {
		const char *text, *words;
	} wrong[] = {
		{"", "there is no CPU model ''"},
		{"hos", "there is no CPU model 'hos'"},
		{"hosts", "there are host and max"},
		{"-avx", "there is no CPU model '-avx'"},
		{"host,avx", "'avx' is no switch"},
		{"host,", "'' is no switch"},
		{"host,,", "'' is no switch"},
		{"host,+", "'+' is no switch"},
		{"host,-avx512", "avx512f"},
		{"host,+x2apik", "'x2apik'; the nearest: x2apic"},
		{"host,-none", "there is no feature 'none'"},
		{"host,+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			"there is no feature 'aaaa"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_fails(make(*state, intel_like(), wrong[i].text), EINVAL, wrong[i].words);
}

/* ---- Leaves that have to agree ---- */

static void the_xsave_area_shrinks_with_its_parts(void **state)
{
	static const struct {
		const char *text;
		uint32_t parts, bytes;
	} areas[] = {
		{"host", 0x2e7, 2696},
		{"host,-pku", 0xe7, 2688},
		{"host,-avx512f", 0x207, 2696},
		{"host,-avx512f,-pku", 0x7, 832},
		{"host,-avx,-pku", 0x3, 576},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
		assert_ok(make(f, intel_like(), areas[i].text));
		assert_int_equal(leaf(f, 0xd, 0)->eax, areas[i].parts);
		assert_int_equal(leaf(f, 0xd, 0)->ecx, areas[i].bytes);
		for (uint32_t part = 2; part < 10; part++)
			assert_int_equal(leaf(f, 0xd, part) != NULL, areas[i].parts >> part & 1);
	}
}

static void without_xsave_there_is_no_area(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host,-xsave"));
	assert_lacks(f, "avx512f");
	assert_null(leaf(f, 0xd, 0));
}

static void amd_repeats_what_is_off(void **state)
{
	enum { MTRR = 1 << 12, SYSCALL = 1 << 11 };
	struct fixture *f = *state;

	assert_ok(make(f, amd_like(), "host"));
	assert_true(leaf(f, 0x80000001, 0)->edx & MTRR);
	assert_ok(make(f, amd_like(), "host,-mtrr"));
	assert_false(leaf(f, 0x80000001, 0)->edx & MTRR);
	assert_true(leaf(f, 0x80000001, 0)->edx & SYSCALL);
}

static void features_whose_registers_may_not_be_saved_are_off(void **state)
{
	static struct kvm_cpuid_entry2 leaves[64];
	struct keg_cpu_source source = intel_like();
	struct fixture *f = *state;

	assert_true(source.supported.count <= 64);
	memcpy(leaves, source.supported.entries, source.supported.count * sizeof(leaves[0]));
	for (size_t i = 0; i < source.supported.count; i++) {
		if (leaves[i].function == 7 && leaves[i].index == 0)
			leaves[i].edx |= 3U << 24; /* amx_tile, amx_int8 */
		if (leaves[i].function == 0xd && leaves[i].index == 1)
			leaves[i].eax |= 1 << 4; /* xfd */
	}
	source.supported.entries = leaves;
	assert_ok(make(f, source, "host"));
	assert_lacks(f, "amx_tile");
	assert_lacks(f, "amx_int8");
	for (size_t i = 0; i < source.supported.count; i++) {
		if (leaves[i].function == 0xd && leaves[i].index == 0)
			leaves[i].eax |= 3 << 17;
	}
	assert_ok(make(f, source, "host"));
	assert_has(f, "amx_int8");
}

/* What is needed must have its name in the table right: else all that need it would be lost. */
static void a_host_that_has_everything_keeps_everything(void **state)
{
	struct keg_leaves *all = calloc(1, sizeof(*all));
	struct keg_cpu_source source = {.has_deadline_timer = true};
	struct fixture *f = *state;
	struct keg_x86_feature bit;

	assert_non_null(all);
	for (size_t n = 0; keg_x86_feature_register(n, &bit) == 0; n++) {
		for (bit.bit = 0; bit.bit < 32; bit.bit++)
			assert_true(keg_leaves_switch(all, &bit, true));
	}
	keg_leaves_need(all, 0xd, 0, true)->eax = UINT32_MAX;
	source.supported = (struct keg_cpuid_view){all->entries, all->count};
	assert_ok(make(f, source, "max"));
	for (size_t n = 0; keg_x86_feature_register(n, &bit) == 0; n++) {
		for (bit.bit = 0; bit.bit < 32; bit.bit++) {
			const char *name = keg_x86_feature_name(&bit);

			/* One vCPU has no siblings. */
			if (name && strcmp(name, "ht") != 0 &&
				!keg_leaves_has(&f->model.leaves, &bit))
				fail_msg("%s is off", name);
		}
	}
	free(all);
}

/* Each of these has a row in the table of what needs what. */
static void chains_of_needs_are_followed_to_their_end(void **state)
{
	static const struct {
		const char *text, *lost;
	} chains[] = {
		{"host,-fxsr", "sse4_2"},
		{"host,-sse", "aes"},
		{"host,-xsave", "avx512_vnni"},
		{"host,-avx", "vaes"},
		{"host,-pcid", "invpcid"},
		{"host,-apic", "tsc_deadline_timer"},
		{"host,-tsc", "nonstop_tsc"},
		{"host,-lm", "pdpe1gb"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
		assert_ok(make(f, intel_like(), "host"));
		if (!has(f, chains[i].lost))
			fail_msg("%s is not there to be lost", chains[i].lost);
		assert_ok(make(f, intel_like(), chains[i].text));
		if (has(f, chains[i].lost))
			fail_msg("%s is still on with %s", chains[i].lost, chains[i].text);
	}
}

static void the_rates_of_the_clocks_are_told(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, intel_like(), "host"));
	keg_hv_set_timing(&f->model.leaves, 2419200);
	assert_int_equal(leaf(f, 0x40000000, 0)->eax, 0x40000010);
	assert_int_equal(leaf(f, 0x40000010, 0)->eax, 2419200);
	assert_int_equal(leaf(f, 0x40000010, 0)->ebx, 1000000);
}

static void a_host_that_tells_nothing_makes_a_model_that_has_little(void **state)
{
	struct fixture *f = *state;

	assert_ok(make(f, (struct keg_cpu_source){.has_deadline_timer = false}, "max"));
	keg_hv_set_timing(&f->model.leaves, 1);
	assert_null(leaf(f, 0x40000010, 0));
	assert_null(leaf(f, 0xb, 0));
}

#define model_test(name) cmocka_unit_test_setup_teardown(name, open_model, close_model)

int main(void)
{
	const struct CMUnitTest tests[] = {
		model_test(host_has_what_kvm_supports),
		model_test(no_text_is_host),
		model_test(a_guest_of_host_has_no_guests_of_its_own),
		model_test(max_has_all_that_kvm_supports_and_emulates),
		model_test(a_guest_knows_that_it_is_one),
		model_test(the_deadline_timer_is_there_where_kvm_has_it),
		model_test(a_feature_is_switched_off_and_on),
		model_test(the_last_switch_of_a_feature_counts),
		model_test(what_needs_a_feature_that_is_off_is_off_with_a_note),
		model_test(a_feature_that_is_asked_for_needs_what_it_needs),
		model_test(what_kvm_does_not_support_is_refused_by_name),
		model_test(what_is_unknown_is_refused_with_what_is_known),
		model_test(the_xsave_area_shrinks_with_its_parts),
		model_test(without_xsave_there_is_no_area),
		model_test(amd_repeats_what_is_off),
		model_test(features_whose_registers_may_not_be_saved_are_off),
		model_test(a_host_that_has_everything_keeps_everything),
		model_test(chains_of_needs_are_followed_to_their_end),
		model_test(the_rates_of_the_clocks_are_told),
		model_test(a_host_that_tells_nothing_makes_a_model_that_has_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
