/* SPDX-License-Identifier: MIT */
/* Names of features, from within. */
#ifndef KEG_ARCH_X86_64_CPUID_NAMES_H
#define KEG_ARCH_X86_64_CPUID_NAMES_H

/* Room for three names. */
enum { KEG_NEAREST_BYTES = 112 };

/* The names of features that are most like this one: "avx2, avx, aes". */
void keg_nearest_features(const char *name, char text[KEG_NEAREST_BYTES]);

#endif
