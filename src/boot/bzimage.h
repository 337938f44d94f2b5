/* SPDX-License-Identifier: MIT */
/* bzImages: the setup header, checked, and what it says of the file. */
#ifndef KEG_BOOT_BZIMAGE_H
#define KEG_BOOT_BZIMAGE_H

#include "boot/linux.h"

struct keg_bzimage {
	struct keg_linux_header header; /* a copy; what its protocol lacks is 0 */
	const unsigned char *code;      /* protected mode's part of the file */
	size_t code_bytes;
	const unsigned char *payload; /* the packed kernel; NULL: it tells of none */
	size_t payload_bytes;
};

/* Whether an image has the header's magic number. */
bool keg_bzimage_is(const void *image, size_t bytes);

/* Copies the header and checks it. -ENOEXEC the message names the field; -ENOTSUP a kernel that is
 * too old */
int keg_bzimage_open(struct keg_bzimage *bzimage, const void *image, size_t bytes);

#endif
