/* SPDX-License-Identifier: MIT */
/*
 * x87, SSE, AVX and so on, as XSAVE lays them out in standard form (SDM volume 1, 13.4): what KVM
 * takes and gives, cut to what the program's XCR0 has.
 */
#include "user/machine_inside.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum {
	FCW_AT = 0,
	MXCSR_AT = 24,
	IN_USE_AT = 512, /* XSTATE_BV, the header's first word; the other seven are 0 */
	HEADER_END = 576,
	/* As a new Linux process has them. */
	FCW_INITIAL = 0x37f,
	MXCSR_INITIAL = 0x1f80,
	X87_AND_SSE = 3,
};

static void free_area(uint8_t **area)
{
	free(*area);
}

static uint8_t *new_area(const struct keg_machine *machine)
{
	uint8_t *area = calloc(1, machine->features.xsave_bytes);

	if (!area)
		keg_fail_errno(ENOMEM, "a vCPU's XSAVE area");
	return area;
}

size_t keg_cpu_xstate_size(struct keg_machine *machine)
{
	return machine->features.xstate_size;
}

uint64_t keg_cpu_xstate_features(struct keg_machine *machine)
{
	return machine->features.xcr0;
}

static int get_area(struct keg_cpu *cpu, uint8_t *area)
{
	bool larger = cpu->machine->features.xsave_bytes > sizeof(struct kvm_xsave);

	return larger ? keg_vcpu_request(cpu->vcpu, KVM_GET_XSAVE2, area)
		      : keg_vcpu_request(cpu->vcpu, KVM_GET_XSAVE, area);
}

static int set_area(struct keg_cpu *cpu, const uint8_t *area)
{
	int rc = keg_vcpu_change(cpu->vcpu, KVM_SET_XSAVE, area);

	return rc < 0 ? rc : 0;
}

int keg_cpu_get_xstate(struct keg_cpu *cpu, void *to, size_t size)
{
	const struct keg_cpu_features *features = &cpu->machine->features;
	__attribute__((cleanup(free_area))) uint8_t *area = new_area(cpu->machine);
	uint64_t in_use;
	int rc;

	if (!area)
		return -ENOMEM;
	rc = get_area(cpu, area);
	if (rc < 0)
		return rc;
	memcpy(&in_use, area + IN_USE_AT, sizeof(in_use));
	in_use &= features->xcr0;
	memcpy(area + IN_USE_AT, &in_use, sizeof(in_use));
	memcpy(to, area, size < features->xstate_size ? size : features->xstate_size);
	return 0;
}

/* What KVM would refuse, or take for another form. MXCSR it checks itself. */
static int check_header(const struct keg_cpu_features *features, const uint8_t *area)
{
	uint64_t header[8];

	memcpy(header, area + IN_USE_AT, sizeof(header));
	if (header[0] & ~features->xcr0)
		return keg_fail(EINVAL, "states 0x%llx in an XSAVE area that a program cannot have",
			(unsigned long long)(header[0] & ~features->xcr0));
	for (int i = 1; i < 8; i++) {
		if (header[i])
			return keg_fail(EINVAL, "an XSAVE area that is not of the standard form");
	}
	return 0;
}

int keg_cpu_set_xstate(struct keg_cpu *cpu, const void *from, size_t size)
{
	const struct keg_cpu_features *features = &cpu->machine->features;
	__attribute__((cleanup(free_area))) uint8_t *area = new_area(cpu->machine);
	int rc;

	if (!area)
		return -ENOMEM;
	if (size < HEADER_END)
		return keg_fail(EINVAL, "an XSAVE area of %zu bytes", size);
	memcpy(area, from, size < features->xstate_size ? size : features->xstate_size);
	rc = check_header(features, area);
	/* The analyzer does not see the cleanup. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
	return rc ? rc : set_area(cpu, area);
}

int keg_cpu_reset_xstate(struct keg_cpu *cpu)
{
	static const struct {
		uint16_t fcw;
		uint32_t mxcsr;
		uint64_t in_use;
	} initial = {FCW_INITIAL, MXCSR_INITIAL, X87_AND_SSE};
	uint8_t area[HEADER_END] = {0};

	memcpy(area + FCW_AT, &initial.fcw, sizeof(initial.fcw));
	memcpy(area + MXCSR_AT, &initial.mxcsr, sizeof(initial.mxcsr));
	memcpy(area + IN_USE_AT, &initial.in_use, sizeof(initial.in_use));
	return keg_cpu_set_xstate(cpu, area, sizeof(area));
}
