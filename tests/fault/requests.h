/* SPDX-License-Identifier: MIT */
/* Tables of errors: what their rows expand to, and what ioctls have in common. */
#ifndef KEG_TESTS_FAULT_REQUESTS_H
#define KEG_TESTS_FAULT_REQUESTS_H

#include <errno.h>

#include <linux/kvm.h>

#include "fault/inject.h"

/* The errors of calls.def. */
#define F(error)                                                                                   \
	{                                                                                          \
		error, FAULT_TOLD, error                                                           \
	}
#define T(error, told)                                                                             \
	{                                                                                          \
		error, FAULT_TOLD, told                                                            \
	}
#define R(error)                                                                                   \
	{                                                                                          \
		error, FAULT_RETRIED, 0                                                            \
	}
#define E(error)                                                                                   \
	{                                                                                          \
		error, FAULT_EITHER, 0                                                             \
	}

/* EIO is what a machine answers to a process that has not made it. */
#define ANY   R(EINTR), F(EIO)
#define USUAL ANY, F(EINVAL), F(EFAULT), T(ENOTTY, ENOTSUP)

/* KVM_CREATE_DEVICE with KVM_CREATE_DEVICE_TEST, which makes nothing: no number of the kernel's. */
#define KVM_TEST_DEVICE 0xffffffffUL

enum { FAULT_MOST_ERRORS = 14 };

/* A request's row. The errors end with 0. */
struct fault_request {
	unsigned long number;
	const char *name; /* without KVM_ */
	struct fault_error errors[FAULT_MOST_ERRORS];
};

/* A row, without the comma after it. The name lacks KVM_: see sites.h. */
#define REQUEST(request, ...)                                                                      \
	{                                                                                          \
		KVM_##request, #request,                                                           \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* One that is not KVM's. */
#define OTHER(request, ...)                                                                        \
	{                                                                                          \
		request, #request,                                                                 \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* Those that only one architecture has. */
extern const struct fault_request fault_arch_requests[];
extern const size_t fault_arch_request_count;

/* Requests that libkeg has for other architectures: nobody makes them here. NULL ends them. */
extern const char *const fault_arch_excuses[];

/* The row of a name without KVM_, or NULL. */
const struct fault_request *fault_request_named(const char *name);

#endif
