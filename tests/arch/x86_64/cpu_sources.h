/* SPDX-License-Identifier: MIT */
/* What KVM might say of two hosts: one like Intel's, one like AMD's. */
#ifndef KEG_TESTS_ARCH_X86_64_CPU_SOURCES_H
#define KEG_TESTS_ARCH_X86_64_CPU_SOURCES_H

#include "arch/x86_64/cpu_model.h"

struct keg_cpu_source intel_like(void);
struct keg_cpu_source amd_like(void);

#endif
