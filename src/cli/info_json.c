/* SPDX-License-Identifier: MIT */
/* keg info for programs. */
#include <keg/error.h>

#include "cli.h"
#include "info.h"
#include "machine.h"

enum { PRECISION = 5 };

static json_t *device_json(const struct info *info)
{
	return json_pack("{s:s, s:b, s:s, s:s?}", "path", info->path, "usable", info->host != NULL,
		"permissions", info->mode, "module", *info->module ? info->module : NULL);
}

static json_t *limits_json(struct keg_host *host)
{
	return json_pack("{s:i, s:i, s:i, s:i}", "memory_slots", keg_host_memory_slot_count(host),
		"vcpus_recommended", keg_host_recommended_vcpus(host), "vcpus",
		keg_host_max_vcpus(host), "vcpu_ids", keg_host_max_vcpu_id(host));
}

static json_t *speed_json(const struct info *info)
{
	if (!info->measured)
		return json_pack("{s:n, s:n, s:n}", "mode", "mips", "host_mips");
	return json_pack("{s:s, s:f, s:f}", "mode", info->speed.native ? "native" : "emulated",
		"mips", info->speed.guest_mips, "host_mips", info->speed.host_mips);
}

static json_t *capabilities_json(struct keg_host *host)
{
	json_t *object = json_object();

	for (const struct kvm_cap *cap = kvm_caps; cap->name; cap++)
		json_object_set_new(object, cap->name,
			json_integer(keg_host_check_extension(host, cap->number)));
	return object;
}

static json_t *features_json(struct keg_host *host)
{
	json_t *object = json_object();

	for (const struct info_feature *feature = info_features; feature->name; feature++)
		json_object_set_new(
			object, feature->name, json_boolean(info_has_feature(host, feature)));
	return object;
}

static int dump(json_t *object)
{
	int rc = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(PRECISION));

	printf("\n");
	json_decref(object);
	if (rc)
		cli_error("could not make the JSON: out of memory, or the output is full");
	return rc;
}

int info_print_json(const struct info *info)
{
	json_t *object = json_object();
	int failed = 0;

	failed |= json_object_set_new(object, "keg", json_string(keg_version()));
	failed |= json_object_set_new(object, "device", device_json(info));
	failed |= json_object_set_new(
		object, "api_version", json_integer(keg_host_api_version(info->host)));
	failed |= json_object_set_new(object, "vcpu_mmap_size",
		json_integer((json_int_t)keg_host_vcpu_mmap_size(info->host)));
	failed |= json_object_set_new(object, "guest_kernel", speed_json(info));
	failed |= json_object_set_new(object, "limits", limits_json(info->host));
	failed |= json_object_set_new(object, "features", features_json(info->host));
	failed |= json_object_set_new(object, "capabilities", capabilities_json(info->host));
	failed |= machine_json(info->host, object);
	if (!failed)
		return dump(object);
	json_decref(object);
	cli_error("could not make the JSON: out of memory");
	return -1;
}

void info_print_json_unusable(const struct info *info, const char *why)
{
	json_t *object = json_object();

	json_object_set_new(object, "keg", json_string(keg_version()));
	json_object_set_new(object, "device", device_json(info));
	json_object_set_new(object, "error", json_string(why));
	dump(object);
}
