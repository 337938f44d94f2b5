/* SPDX-License-Identifier: MIT */
/* What KVM might say of two hosts. The topology in it is the host's, which no guest may see. */
#include "arch/x86_64/cpu_sources.h"

#define KVM_LEAVES                                                                                 \
	{.function = 0x40000000,                                                                   \
		.eax = 0x40000001,                                                                 \
		.ebx = 0x4b4d564b,                                                                 \
		.ecx = 0x564b4d56,                                                                 \
		.edx = 0x4d},                                                                      \
	{                                                                                          \
		.function = 0x40000001, .eax = 0x01007efb                                          \
	}

#define SUB(leaf, sub) .function = (leaf), .index = (sub), .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX

/* clang-format off */
static const struct kvm_cpuid_entry2 intel[] = {
	{.function = 0, .eax = 0x1f, .ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e},
	/* vmx pcid x2apic xsave avx f16c fma sse3 ssse3 sse4 aes; all of edx that is usual */
	{.function = 1, .eax = 0x606a6, .ebx = 0x2a400800, .ecx = 0x76ba3223, .edx = 0x1fabfbff},
	{SUB(4, 0), .eax = 0xfc004121, .ebx = 0x02c0003f, .ecx = 63},
	{SUB(4, 1), .eax = 0xfc004122, .ebx = 0x01c0003f, .ecx = 63},
	{SUB(4, 2), .eax = 0xfc004143, .ebx = 0x04c0003f, .ecx = 1023},
	{SUB(4, 3), .eax = 0xfc1fc163, .ebx = 0x02c0003f, .ecx = 0xffff},
	{SUB(4, 4), .eax = 0},
	{.function = 6, .eax = 4},
	/* fsgsbase tsc_adjust bmi1 avx2 smep bmi2 erms invpcid avx512f -dq -cd -bw -vl */
	{SUB(7, 0), .eax = 1, .ebx = 0xd19f07ab, .ecx = 0x00005f4e, .edx = 0xac000400},
	{SUB(7, 1), .eax = 0x30},
	{SUB(0xb, 0), .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 42},
	{SUB(0xb, 1), .eax = 7, .ebx = 128, .ecx = 0x201, .edx = 42},
	{SUB(0xd, 0), .eax = 0x2e7, .ebx = 0xa88, .ecx = 0xa88},
	{SUB(0xd, 1), .eax = 0xf, .ebx = 0xa08},
	{SUB(0xd, 2), .eax = 256, .ebx = 576},
	{SUB(0xd, 5), .eax = 64, .ebx = 1088},
	{SUB(0xd, 6), .eax = 512, .ebx = 1152},
	{SUB(0xd, 7), .eax = 1024, .ebx = 1664},
	{SUB(0xd, 9), .eax = 8, .ebx = 2688},
	{SUB(0x1f, 0), .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 42},
	{SUB(0x1f, 1), .eax = 7, .ebx = 128, .ecx = 0x201, .edx = 42},
	{.function = 0x80000000, .eax = 0x80000008},
	{.function = 0x80000001, .ecx = 0x121, .edx = 0x2c100800},
	{.function = 0x80000007, .edx = 0x100},
	{.function = 0x80000008, .eax = 0x3039},
	KVM_LEAVES,
};

static const struct kvm_cpuid_entry2 amd[] = {
	{.function = 0, .eax = 0x10, .ebx = 0x68747541, .edx = 0x69746e65, .ecx = 0x444d4163},
	{.function = 1, .eax = 0x00a00f11, .ebx = 0x2a400800, .ecx = 0x76b83203, .edx = 0x178bfbff},
	{.function = 6, .eax = 4},
	{SUB(7, 0), .ebx = 0x219c01ab, .ecx = 0x0000069c},
	{SUB(0xb, 0)},
	{SUB(0xd, 0), .eax = 0x207, .ebx = 0x988, .ecx = 0x988},
	{SUB(0xd, 1), .eax = 0xf},
	{SUB(0xd, 2), .eax = 256, .ebx = 576},
	{SUB(0xd, 9), .eax = 8, .ebx = 2432},
	{.function = 0x80000000, .eax = 0x80000026, .ebx = 0x68747541, .edx = 0x69746e65,
		.ecx = 0x444d4163},
	{.function = 0x80000001, .ebx = 0x40000000, .ecx = 0x004003f7, .edx = 0x2fd3fbff},
	{.function = 0x80000007, .edx = 0x100},
	{.function = 0x80000008, .eax = 0x3030, .ecx = 0x707f},
	{.function = 0x8000000a, .eax = 1, .ebx = 8, .edx = 0xbcff},
	{SUB(0x8000001d, 0), .eax = 0x00004121, .ebx = 0x01c0003f, .ecx = 63},
	{SUB(0x8000001d, 1), .eax = 0x00004122, .ebx = 0x01c0003f, .ecx = 63},
	{SUB(0x8000001d, 2), .eax = 0x00004143, .ebx = 0x01c0003f, .ecx = 1023},
	{SUB(0x8000001d, 3), .eax = 0x0003c163, .ebx = 0x03c0003f, .ecx = 0x7fff},
	{SUB(0x8000001d, 4), .eax = 0},
	{.function = 0x8000001e, .eax = 42, .ebx = 0x115, .ecx = 0x301},
	{SUB(0x80000026, 0), .eax = 1, .ebx = 2, .ecx = 0x100, .edx = 42},
	KVM_LEAVES,
};

/* KVM emulates movbe and rdpid. */
static const struct kvm_cpuid_entry2 emulated[] = {
	{.function = 0, .eax = 7},
	{.function = 1, .ecx = 1 << 22},
	{SUB(7, 0), .ecx = 1 << 22},
};
/* clang-format on */

#define VIEW(array)                                                                                \
	{                                                                                          \
		array, sizeof(array) / sizeof((array)[0])                                          \
	}

struct keg_cpu_source intel_like(void)
{
	return (struct keg_cpu_source){VIEW(intel), VIEW(emulated), true};
}

struct keg_cpu_source amd_like(void)
{
	return (struct keg_cpu_source){VIEW(amd), VIEW(emulated), true};
}
