/* SPDX-License-Identifier: MIT */
/* The host, from within. */
#ifndef KEG_KVM_HOST_H
#define KEG_KVM_HOST_H

#include <pthread.h>

#include <keg/host.h>

#include "kvm/ioctl.h"
#include "kvm/uapi.h"

/* State that a lower layer keeps with an object of this one, and how it ends. */
struct keg_attachment {
	void *state;
	void (*destroy)(void *state);
};

struct keg_host {
	int fd;
	size_t vcpu_mmap_size;
	/* Answers that making machines needs each time; they do not change. */
	int sync_regs;
	int coalesced_page;
	pthread_mutex_t lock;        /* guards `lists` */
	struct keg_attachment lists; /* what the architecture keeps of CPUID and MSRs */
};

/* A typed request: messages on failure, -ENOTTY made -ENOTSUP. */
#define keg_host_request(host, request, arg)                                                       \
	keg_host_request_named(host, request, #request, (uintptr_t)(arg))
int keg_host_request_named(
	struct keg_host *host, unsigned long request, const char *name, uintptr_t arg);

/*
 * How many vCPUs a machine may have, and one more than the largest id; unlike keg_host_max_vcpus()
 * these fail, with a negative errno, when a question does.
 */
int keg_host_vcpu_limit(struct keg_host *host);
int keg_host_vcpu_id_limit(struct keg_host *host);

static inline void keg_attachment_destroy(struct keg_attachment *attachment)
{
	if (attachment->state)
		attachment->destroy(attachment->state);
}

#endif
