/* SPDX-License-Identifier: MIT */
/* General and special registers and events: through the shared area where KVM has it. */
#include <keg/x86.h>

#include <string.h>

#include "base/error.h"
#include "kvm/vcpu.h"

/* A class of registers: its bit in the shared area, and the system calls that do the same. */
struct register_class {
	uint64_t bit;
	const char *words;
	size_t bytes;
	size_t offset; /* in struct kvm_sync_regs */
	unsigned long get, set;
	const char *get_name, *set_name;
};

#define CLASS(name, member, request, class_words)                                                  \
	{                                                                                          \
		.bit = KVM_SYNC_X86_##name, .words = class_words,                                  \
		.bytes = sizeof(((struct kvm_sync_regs *)0)->member),                              \
		.offset = offsetof(struct kvm_sync_regs, member), .get = KVM_GET_##request,        \
		.set = KVM_SET_##request, .get_name = "KVM_GET_" #request,                         \
		.set_name = "KVM_SET_" #request,                                                   \
	}

static const struct register_class classes[] = {
	CLASS(REGS, regs, REGS, "general registers"),
	CLASS(SREGS, sregs, SREGS, "special registers"),
	CLASS(EVENTS, events, VCPU_EVENTS, "pending events"),
};
enum { REGS, SREGS, EVENTS, CLASSES };

static uint8_t *shared_copy(struct keg_vcpu *vcpu, const struct register_class *class)
{
	return (uint8_t *)&vcpu->run->s.regs + class->offset;
}

static inline int get(struct keg_vcpu *vcpu, const struct register_class *class, void *value)
{
	int rc;

	if (keg_shared_regs_read(vcpu, class->bit)) {
		memcpy(value, shared_copy(vcpu, class), class->bytes);
		return 0;
	}
	rc = keg_vcpu_request_named(vcpu, class->get, class->get_name, (uintptr_t)value);
	return rc < 0 ? rc : 0;
}

static inline int set(struct keg_vcpu *vcpu, const struct register_class *class, const void *value)
{
	int rc;

	if (keg_shared_regs_write(vcpu, class->bit)) {
		memcpy(shared_copy(vcpu, class), value, class->bytes);
		return 0;
	}
	rc = keg_vcpu_change_named(vcpu, class->set, class->set_name, (uintptr_t)value);
	return rc < 0 ? rc : 0;
}

int keg_vcpu_get_regs(struct keg_vcpu *vcpu, struct kvm_regs *regs)
{
	return get(vcpu, &classes[REGS], regs);
}

int keg_vcpu_set_regs(struct keg_vcpu *vcpu, const struct kvm_regs *regs)
{
	return set(vcpu, &classes[REGS], regs);
}

int keg_vcpu_get_sregs(struct keg_vcpu *vcpu, struct kvm_sregs *sregs)
{
	return get(vcpu, &classes[SREGS], sregs);
}

int keg_vcpu_set_sregs(struct keg_vcpu *vcpu, const struct kvm_sregs *sregs)
{
	/* Without a local APIC in the kernel, each run begins with this one (KVM API, kvm_run). */
	vcpu->run->cr8 = sregs->cr8;
	return set(vcpu, &classes[SREGS], sregs);
}

int keg_vcpu_get_events(struct keg_vcpu *vcpu, struct kvm_vcpu_events *events)
{
	return get(vcpu, &classes[EVENTS], events);
}

int keg_vcpu_set_events(struct keg_vcpu *vcpu, const struct kvm_vcpu_events *events)
{
	return set(vcpu, &classes[EVENTS], events);
}

int keg_arch_flush_registers(struct keg_vcpu *vcpu, uint64_t dirty)
{
	for (int i = 0; i < CLASSES; i++) {
		const struct register_class *class = &classes[i];
		int rc;

		if (!(dirty & class->bit))
			continue;
		rc = keg_vcpu_request_only_named(
			vcpu, class->set, class->set_name, (uintptr_t)shared_copy(vcpu, class));
		if (rc < 0)
			return rc;
	}
	return 0;
}

const char *keg_arch_register_class(uint64_t bits)
{
	for (int i = 0; i < CLASSES; i++) {
		if (bits & classes[i].bit)
			return classes[i].words;
	}
	return "registers";
}
