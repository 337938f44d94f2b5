/* SPDX-License-Identifier: MIT */
/* What the requests that arm64 alone has answer when they fail. */
#include "fault/requests.h"

const struct fault_request fault_arch_requests[] = {
	REQUEST(ARM_PREFERRED_TARGET, USUAL, F(ENODEV)),
	REQUEST(ARM_VCPU_INIT, USUAL, F(ENOENT), F(ENOMEM)),
};
const size_t fault_arch_request_count =
	sizeof(fault_arch_requests) / sizeof(fault_arch_requests[0]);

const char *const fault_arch_excuses[] = {"CREATE_IRQCHIP", "CREATE_PIT2", "GET_CLOCK",
	"GET_TSC_KHZ", "INTERRUPT", "NMI", "SET_CLOCK", "SET_IDENTITY_MAP_ADDR", "SET_TSC_KHZ",
	"SET_TSS_ADDR", "SIGNAL_MSI", "SMI", NULL};
