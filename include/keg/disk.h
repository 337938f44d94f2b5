/* SPDX-License-Identifier: MIT */
/*
 * Disks: what a machine's block device is backed by. Raw images and block devices, whose bytes are
 * the disk's; a size that is no multiple of 512 is rounded down. As long as the board is there the
 * disk is locked: by one that writes it, or by any number that only read it. A block device that is
 * mounted is not written.
 */
#ifndef KEG_DISK_H
#define KEG_DISK_H

#include <stddef.h>
#include <stdint.h>

#include <keg/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum keg_disk_flags {
	KEG_DISK_READONLY = 1 << 0, /* the guest cannot write */
	KEG_DISK_DIRECT = 1 << 1,   /* past the host's page cache (O_DIRECT) */
	KEG_DISK_SCRATCH = 1 << 2,  /* what the guest writes is kept beside it, and lost at the end:
				       the image stays as it is; neither READONLY nor DIRECT */
	KEG_DISK_THREADS = 1 << 3,  /* threads, even where there is io_uring */
	KEG_DISK_NO_SYNC = 1 << 4,  /* flushes are answered at once: for what may be lost */
};

struct keg_disk_config {
	size_t size;                /* sizeof(struct keg_disk_config) */
	const char *path;           /* borrowed until the board is made */
	uint32_t flags;             /* of enum keg_disk_flags */
	uint32_t queues;            /* 0 for one a vCPU, 4 at most; to 64 */
	const char *serial;         /* 20 bytes at most; NULL for "keg" and its number */
	const char *scratch_folder; /* KEG_DISK_SCRATCH: NULL for $TMPDIR or /var/tmp */
};

#ifdef __cplusplus
}
#endif

#endif
