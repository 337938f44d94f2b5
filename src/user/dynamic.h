/* SPDX-License-Identifier: MIT */
/* What a program says to its dynamic linker (System V gABI, chapter 5): libraries, and where to
 * look for them. */
#ifndef KEG_USER_DYNAMIC_H
#define KEG_USER_DYNAMIC_H

#include "user/elf.h"

struct keg_dynamic {
	const struct keg_image *image;
	uint64_t strings, string_bytes; /* in the file; 0: there are none */
	uint64_t at, end;               /* what of the section is still to be looked at */
	char run_path[PATH_MAX];        /* DT_RUNPATH, else DT_RPATH; "": none */
};

/* Begins; a program without a dynamic section has no libraries. -ENOEXEC */
int keg_dynamic_open(struct keg_dynamic *dynamic, const struct keg_image *image,
	const struct keg_program *program);
/* The next library that is needed: 1; 0: there is none. -ENOEXEC */
int keg_dynamic_next(struct keg_dynamic *dynamic, char library[PATH_MAX]);

#endif
