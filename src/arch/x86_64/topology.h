/* SPDX-License-Identifier: MIT */
/* One package, so many cores, one thread each: what CPUID says of it. */
#ifndef KEG_ARCH_X86_64_TOPOLOGY_H
#define KEG_ARCH_X86_64_TOPOLOGY_H

#include "arch/x86_64/cpuid_leaves.h"

/* Lays out `count` (at least 1) vCPUs: what all of them have in common. */
void keg_topology_set(struct keg_leaves *leaves, uint32_t count);

/* Puts one vCPU's number, which is its APIC id, into leaves that have been laid out. */
void keg_topology_set_id(struct keg_leaves *leaves, uint32_t id);

#endif
