/* SPDX-License-Identifier: MIT */
/* The host's lists of CPUID leaves and MSRs: asked for once, then kept. */
#include <keg/x86.h>

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "kvm/host.h"

/* A list of either kind, as the kernel fills it. */
struct list {
	void *kernel; /* struct kvm_cpuid2 or struct kvm_msr_list; NULL: not asked yet */
};

enum list_kind { SUPPORTED_CPUID, EMULATED_CPUID, SUPPORTED_MSRS, FEATURE_MSRS, LIST_KINDS };

struct lists {
	struct list list[LIST_KINDS];
};

/* How each list is asked for. The first room that is tried fits what today's kernels have. */
static const struct {
	unsigned long request;
	const char *name;
	size_t header_bytes;
	size_t entry_bytes;
	uint32_t first_room;
} kinds[LIST_KINDS] = {
	[SUPPORTED_CPUID] = {KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID",
		sizeof(struct kvm_cpuid2), sizeof(struct kvm_cpuid_entry2), 256},
	[EMULATED_CPUID] = {KVM_GET_EMULATED_CPUID, "KVM_GET_EMULATED_CPUID",
		sizeof(struct kvm_cpuid2), sizeof(struct kvm_cpuid_entry2), 64},
	[SUPPORTED_MSRS] = {KVM_GET_MSR_INDEX_LIST, "KVM_GET_MSR_INDEX_LIST",
		sizeof(struct kvm_msr_list), sizeof(uint32_t), 512},
	[FEATURE_MSRS] = {KVM_GET_MSR_FEATURE_INDEX_LIST, "KVM_GET_MSR_FEATURE_INDEX_LIST",
		sizeof(struct kvm_msr_list), sizeof(uint32_t), 64},
};

/* Both of the kernel's structures begin with the count. */
static uint32_t *count_of(void *kernel)
{
	return kernel;
}

/* Asks once, with room for `room` entries. -E2BIG if that was too little. */
static int ask(struct keg_host *host, enum list_kind kind, uint32_t room, void **kernel)
{
	void *list = calloc(1, kinds[kind].header_bytes + room * kinds[kind].entry_bytes);
	int rc;

	*kernel = list;
	if (!list)
		return -ENOMEM;
	*count_of(list) = room;
	rc = keg_ioctl(host->fd, kinds[kind].request, (uintptr_t)list);
	return rc < 0 ? rc : 0;
}

static int load(struct keg_host *host, enum list_kind kind, struct list *list)
{
	uint32_t room = kinds[kind].first_room;
	void *kernel;
	int rc = ask(host, kind, room, &kernel);

	if (rc == -E2BIG) {
		/* KVM says how many MSRs there are; of CPUID it only says that there are more. */
		uint32_t needed = *count_of(kernel);

		free(kernel);
		rc = ask(host, kind, needed > room ? needed : room * 8, &kernel);
	}
	if (rc) {
		free(kernel);
		return keg_ioctl_failed(rc, kinds[kind].name);
	}
	list->kernel = kernel;
	return 0;
}

static void lists_destroy(void *state)
{
	struct lists *lists = state;

	for (int i = 0; i < LIST_KINDS; i++)
		free(lists->list[i].kernel);
	free(lists);
}

static int get_locked(struct keg_host *host, enum list_kind kind, void **kernel)
{
	struct lists *lists = host->lists.state;
	int rc = 0;

	if (!lists) {
		lists = calloc(1, sizeof(*lists));
		if (!lists)
			return keg_fail_errno(ENOMEM, "%s", kinds[kind].name);
		host->lists = (struct keg_attachment){lists, lists_destroy};
	}
	if (!lists->list[kind].kernel)
		rc = load(host, kind, &lists->list[kind]);
	*kernel = lists->list[kind].kernel;
	return rc;
}

static int get(struct keg_host *host, enum list_kind kind, void **kernel)
{
	int rc;

	pthread_mutex_lock(&host->lock);
	rc = get_locked(host, kind, kernel);
	pthread_mutex_unlock(&host->lock);
	return rc;
}

static int view_cpuid(struct keg_host *host, enum list_kind kind, struct keg_cpuid_view *view)
{
	struct kvm_cpuid2 *list = NULL;
	int rc = get(host, kind, (void **)&list);

	*view = rc ? (struct keg_cpuid_view){NULL, 0}
		   : (struct keg_cpuid_view){list->entries, list->nent};
	return rc;
}

static int view_msrs(struct keg_host *host, enum list_kind kind, struct keg_msr_view *view)
{
	struct kvm_msr_list *list = NULL;
	int rc = get(host, kind, (void **)&list);

	*view = rc ? (struct keg_msr_view){NULL, 0}
		   : (struct keg_msr_view){list->indices, list->nmsrs};
	return rc;
}

int keg_host_supported_cpuid(struct keg_host *host, struct keg_cpuid_view *view)
{
	return view_cpuid(host, SUPPORTED_CPUID, view);
}

int keg_host_emulated_cpuid(struct keg_host *host, struct keg_cpuid_view *view)
{
	return view_cpuid(host, EMULATED_CPUID, view);
}

int keg_host_supported_msrs(struct keg_host *host, struct keg_msr_view *view)
{
	return view_msrs(host, SUPPORTED_MSRS, view);
}

int keg_host_feature_msrs(struct keg_host *host, struct keg_msr_view *view)
{
	return view_msrs(host, FEATURE_MSRS, view);
}

/* Copies all or nothing. */
static int copy(const void *from, size_t count, size_t entry_bytes, void *to, size_t *room)
{
	size_t fits = *room;

	*room = count;
	if (count > fits)
		return keg_fail(
			E2BIG, "the list has %zu entries, and there is room for %zu", count, fits);
	if (count)
		memcpy(to, from, count * entry_bytes);
	return 0;
}

int keg_host_copy_supported_cpuid(
	struct keg_host *host, struct kvm_cpuid_entry2 *entries, size_t *count)
{
	struct keg_cpuid_view view;
	int rc = keg_host_supported_cpuid(host, &view);

	return rc ? rc : copy(view.entries, view.count, sizeof(*entries), entries, count);
}

int keg_host_copy_supported_msrs(struct keg_host *host, uint32_t *indices, size_t *count)
{
	struct keg_msr_view view;
	int rc = keg_host_supported_msrs(host, &view);

	return rc ? rc : copy(view.indices, view.count, sizeof(*indices), indices, count);
}

int keg_host_read_feature_msr(struct keg_host *host, uint32_t index, uint64_t *value)
{
	union {
		struct kvm_msrs header;
		unsigned char room[sizeof(struct kvm_msrs) + sizeof(struct kvm_msr_entry)];
	} msrs = {.header.nmsrs = 1};
	struct kvm_msr_entry *entry = msrs.header.entries;
	int rc;

	entry->index = index;
	rc = keg_host_request(host, KVM_GET_MSRS, &msrs);
	if (rc < 0)
		return rc;
	if (rc != 1)
		return keg_fail(EINVAL, "MSR 0x%x describes no feature of this host", index);
	*value = entry->data;
	return 0;
}
