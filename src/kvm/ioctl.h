/* SPDX-License-Identifier: MIT */
/* One way to ask the kernel, with retries and words for failures. */
#ifndef KEG_KVM_IOCTL_H
#define KEG_KVM_IOCTL_H

#include <stdint.h>

/* ioctl(2), retried on EINTR. Returns its result or a negative errno; notes no message. */
int keg_ioctl(int fd, unsigned long request, uintptr_t arg);

/*
 * What a failed request comes to: notes "REQUEST: reason" and returns `rc`, with -ENOTTY, which is
 * how KVM says that it does not know a request, made -ENOTSUP.
 */
int(keg_ioctl_failed)(int rc, const char *request) __attribute__((cold));

/* As in base/error.h: for the analyzer. */
#ifdef __clang_analyzer__
#define keg_ioctl_failed(rc, request) ((keg_ioctl_failed)(rc, request), -EINVAL)
#endif

#endif
