/* SPDX-License-Identifier: MIT */
/* Opening KVM, and the questions that it answers about itself. */
#include "kvm/host.h"

#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { API_VERSION = 12 };

static const char *const default_path = "/dev/kvm";

/* The name of the group that a file belongs to, or its number. */
static void group_of(const char *path, char *name, size_t size)
{
	struct group group, *found = NULL;
	char buffer[1024];
	struct stat st;

	if (stat(path, &st)) {
		snprintf(name, size, "that owns it");
		return;
	}
	if (getgrgid_r(st.st_gid, &group, buffer, sizeof(buffer), &found) || !found)
		snprintf(name, size, "%u", (unsigned int)st.st_gid);
	else
		snprintf(name, size, "'%s'", group.gr_name);
}

static int open_failed(const char *path, int error)
{
	char group[64];

	switch (error) {
	case ENOENT:
		return keg_fail(error,
			"%s does not exist: load KVM's module (modprobe kvm_intel or kvm_amd), and "
			"turn "
			"virtualization on in the firmware or in the hypervisor around this "
			"machine",
			path);
	case EACCES:
	case EPERM:
		group_of(path, group, sizeof(group));
		return keg_fail(error,
			"%s may not be opened by this user: become root, or a member of the group "
			"%s",
			path, group);
	default:
		return keg_fail_errno(error, "opening %s", path);
	}
}

/* Checks that `host->fd` is KVM, of the version we know, and learns what does not change. */
static int introduce(struct keg_host *host, const char *path)
{
	int rc = keg_ioctl(host->fd, KVM_GET_API_VERSION, 0);

	if (rc == -ENOTTY)
		return keg_fail(ENOTTY, "%s is not KVM's device", path);
	if (rc < 0)
		return keg_fail_errno(-rc, "asking %s for KVM's version", path);
	if (rc != API_VERSION)
		return keg_fail(ENOTSUP,
			"%s speaks version %d of KVM's interface, and keg version %d", path, rc,
			API_VERSION);
	rc = keg_host_request(host, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (rc < 0)
		return rc;
	if ((size_t)rc < sizeof(struct kvm_run))
		return keg_fail(
			EPROTO, "KVM's vCPU area has %d bytes, too few for struct kvm_run", rc);
	host->vcpu_mmap_size = (size_t)rc;
	host->sync_regs = keg_host_check_extension(host, KVM_CAP_SYNC_REGS);
	if (host->sync_regs < 0)
		return host->sync_regs;
	host->coalesced_page = keg_host_check_extension(host, KVM_CAP_COALESCED_MMIO);
	return host->coalesced_page < 0 ? host->coalesced_page : 0;
}

static int open_host(const char *path, struct keg_host *host)
{
	int rc;

	host->fd = open(path, O_RDWR | O_CLOEXEC);
	if (host->fd < 0)
		return open_failed(path, errno);
	rc = introduce(host, path);
	if (!rc) {
		rc = pthread_mutex_init(&host->lock, NULL);
		if (rc)
			rc = keg_fail_errno(rc, "making a lock");
	}
	if (rc)
		close(host->fd);
	return rc;
}

int keg_host_create(const struct keg_host_config *given, struct keg_host **result)
{
	struct keg_host_config config = {.path = NULL};
	struct keg_host *host;
	int rc;

	*result = NULL;
	if (given) {
		rc = keg_config_copy(
			&config, sizeof(config), given, given->size, "struct keg_host_config");
		if (rc)
			return rc;
	}
	host = calloc(1, sizeof(*host));
	if (!host)
		return keg_fail_errno(ENOMEM, "opening KVM");
	rc = open_host(config.path ? config.path : default_path, host);
	if (rc) {
		free(host);
		return rc;
	}
	*result = host;
	return 0;
}

void keg_host_destroy(struct keg_host *host)
{
	if (!host)
		return;
	keg_attachment_destroy(&host->lists);
	pthread_mutex_destroy(&host->lock);
	close(host->fd);
	free(host);
}

int keg_host_fd(const struct keg_host *host)
{
	return host->fd;
}

int keg_host_ioctl(struct keg_host *host, unsigned long request, uintptr_t arg)
{
	int rc = keg_ioctl(host->fd, request, arg);

	return rc < 0 ? keg_fail_errno(-rc, "ioctl 0x%lx on KVM", request) : rc;
}

int keg_host_request_named(
	struct keg_host *host, unsigned long request, const char *name, uintptr_t arg)
{
	int rc = keg_ioctl(host->fd, request, arg);

	return rc < 0 ? keg_ioctl_failed(rc, name) : rc;
}

int keg_host_api_version(const struct keg_host *host)
{
	(void)host; /* keg_host_create() takes no other */
	return API_VERSION;
}

size_t keg_host_vcpu_mmap_size(const struct keg_host *host)
{
	return host->vcpu_mmap_size;
}
