/* SPDX-License-Identifier: MIT */
/* keg info on this machine's KVM, beside what KVM itself answers. */
#include "program.h"

#include <assert.h>
#include <sched.h>

#include <jansson.h>

#include <keg/host.h>

#include "cli/kvm_caps.h"
#include "info_machine.h"

static json_t *info_json(const char *option)
{
	struct outcome outcome;
	json_error_t error;
	json_t *info;

	run_keg(&outcome, "info", "--json", option);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	info = json_loads(outcome.out, JSON_REJECT_DUPLICATES, &error);
	if (!info)
		fail_msg("line %d of the JSON: %s", error.line, error.text);
	program_release(&outcome);
	return info;
}

static json_int_t integer(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	if (!json_is_integer(value))
		fail_msg("%s is no integer", key);
	return json_integer_value(value);
}

static void json_agrees_with_kvm(void **state)
{
	json_t *info = info_json("--no-measure"), *limits = json_object_get(info, "limits");
	json_t *capabilities = json_object_get(info, "capabilities");
	struct keg_host *host;

	(void)state;
	assert_ok(keg_host_create(NULL, &host));
	assert_int_equal(integer(info, "api_version"), 12);
	assert_int_equal(integer(info, "vcpu_mmap_size"), keg_host_vcpu_mmap_size(host));
	assert_int_equal(integer(limits, "memory_slots"), keg_host_memory_slot_count(host));
	assert_int_equal(integer(limits, "vcpus"), keg_host_max_vcpus(host));
	assert_true(json_is_true(json_object_get(json_object_get(info, "device"), "usable")));
	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++)
		assert_int_equal(integer(capabilities, cap->name),
			keg_host_check_extension(host, cap->number));
	assert_int_equal(integer(capabilities, "KVM_CAP_NR_MEMSLOTS"),
		keg_host_check_extension(host, KVM_CAP_NR_MEMSLOTS));
	assert_true(json_is_array(json_object_get(info, "msrs")));
	assert_true(json_is_array(json_object_get(info, "cpuid")));
	machine_json_agrees(host, info);
	keg_host_destroy(host);
	json_decref(info);
}

static void speed_is_measured(void **state)
{
	json_t *info = info_json("-j"), *speed = json_object_get(info, "guest_kernel");
	const char *mode = json_string_value(json_object_get(speed, "mode"));
	double mips = json_real_value(json_object_get(speed, "mips"));

	(void)state;
	assert_non_null(mode);
	assert_true(strcmp(mode, "native") == 0 || strcmp(mode, "emulated") == 0);
	assert_true(mips > 0);
	assert_true(json_real_value(json_object_get(speed, "host_mips")) > 0);
	json_decref(info);
}

static void speed_is_not_measured(void **state)
{
	json_t *info = info_json("--no-measure"), *speed = json_object_get(info, "guest_kernel");

	(void)state;
	assert_true(json_is_null(json_object_get(speed, "mode")));
	assert_true(json_is_null(json_object_get(speed, "mips")));
	json_decref(info);
}

static void text_is_one_screen(void **state)
{
	struct outcome outcome;
	unsigned int lines = 0;

	(void)state;
	run_keg(&outcome, "info", "--no-measure");
	assert_int_equal(outcome.status, 0);
	assert_has(outcome.out, "KVM at /dev/kvm\n");
	assert_has(outcome.out, "memory slots");
	assert_has(outcome.out, "sync-regs");
	assert_null(strchr(outcome.out, '\033')); /* no colours into a pipe */
	for (char *line = strtok(outcome.out, "\n"); line; line = strtok(NULL, "\n"), lines++) {
		if (strlen(line) > 80)
			fail_msg("%zu columns: %s", strlen(line), line);
	}
	assert_in_range(lines, 15, 45);
	program_release(&outcome);
}

static void all_names_every_capability(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "info", "--no-measure", "--all");
	assert_int_equal(outcome.status, 0);
	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++)
		assert_has(outcome.out, cap->name);
	program_release(&outcome);
}

static void brief_is_brief(void **state)
{
	struct outcome outcome;

	(void)state;
	run_keg(&outcome, "info", "--brief");
	assert_int_equal(outcome.status, 0);
	assert_has(outcome.out, "million instructions/s");
	assert_null(strstr(outcome.out, "sync-regs"));
	program_release(&outcome);
}

/* Some leaves hold the number of the CPU that was asked: for this process and those it starts let
 * it be the same. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	assert(cpu >= 0);
	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	assert(sched_setaffinity(0, sizeof(set), &set) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_agrees_with_kvm),
		cmocka_unit_test(speed_is_measured),
		cmocka_unit_test(speed_is_not_measured),
		cmocka_unit_test(text_is_one_screen),
		cmocka_unit_test(all_names_every_capability),
		cmocka_unit_test(brief_is_brief),
	};

	require_kvm();
	stay_on_one_cpu();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
