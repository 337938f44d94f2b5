/* SPDX-License-Identifier: MIT */
/* What the requests that x86-64 alone has answer when they fail. */
#include "fault/requests.h"

const struct fault_request fault_arch_requests[] = {
	/* What does not fit is asked for again. */
	REQUEST(GET_SUPPORTED_CPUID, USUAL, F(ENOMEM), E(E2BIG)),
	/* A KVM without it emulates nothing: a CPU model is made all the same. */
	REQUEST(GET_EMULATED_CPUID, ANY, F(EINVAL), F(EFAULT), E(ENOTTY), F(ENOMEM), E(E2BIG)),
	REQUEST(GET_MSR_INDEX_LIST, USUAL, E(E2BIG)),
	REQUEST(GET_MSR_FEATURE_INDEX_LIST, USUAL, E(E2BIG)),
	REQUEST(GET_PIT2, USUAL, F(ENXIO)),
	REQUEST(SET_PIT2, USUAL, F(ENXIO)),
	REQUEST(GET_XSAVE, USUAL, F(ENOMEM)),
	REQUEST(GET_XSAVE2, USUAL, F(ENOMEM)),
	REQUEST(SET_XSAVE, USUAL, F(ENOMEM)),
	REQUEST(GET_XCRS, USUAL, F(ENOMEM)),
	REQUEST(SET_XCRS, USUAL, F(ENOMEM)),
	REQUEST(GET_DEBUGREGS, USUAL),
	REQUEST(SET_DEBUGREGS, USUAL),
	REQUEST(GET_LAPIC, USUAL, F(ENOMEM)),
	REQUEST(SET_LAPIC, USUAL, F(ENOMEM)),
	REQUEST(GET_MSRS, USUAL, F(ENOMEM), F(E2BIG)),
	REQUEST(SET_MSRS, USUAL, F(ENOMEM), F(E2BIG)),
	REQUEST(GET_CPUID2, USUAL, F(ENOMEM), F(E2BIG)),
	REQUEST(SET_CPUID2, USUAL, F(ENOMEM), F(E2BIG)),
	REQUEST(TRANSLATE, USUAL),
};
const size_t fault_arch_request_count =
	sizeof(fault_arch_requests) / sizeof(fault_arch_requests[0]);

const char *const fault_arch_excuses[] = {NULL};
