/* SPDX-License-Identifier: MIT */
/* One way to ask the kernel, with retries and words for failures. */
#include "kvm/ioctl.h"

#include <sys/ioctl.h>

#include "base/error.h"

int keg_ioctl(int fd, unsigned long request, uintptr_t arg)
{
	int rc;

	do
		rc = ioctl(fd, request, arg);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

int(keg_ioctl_failed)(int rc, const char *request)
{
	if (rc == -ENOTTY)
		return keg_fail(ENOTSUP, "%s: this KVM does not have it", request);
	return keg_fail_errno(-rc, "%s", request);
}
