/* SPDX-License-Identifier: MIT */
/*
 * Guest-physical memory as a map of regions, and the only ways across.
 *
 * The owner declares regions: a range of guest addresses, and what is behind it. The kernel
 * hears of them when the machine starts (vm.h), each exactly once; regions that are added later are
 * mapped at once. Everything that touches the guest's memory goes through keg_mem_read(),
 * keg_mem_write() and keg_mem_slice(), with a length, and is checked for wraps, holes and ends.
 *
 * Threads: reading, writing and slicing from any thread, also while regions are added and removed.
 * A region is removed, and the map destroyed, only when nobody uses a slice or a handle of it.
 */
#ifndef KEG_MEM_H
#define KEG_MEM_H

#include <keg/slot.h>

#ifdef __cplusplus
extern "C" {
#endif

struct keg_mem;
struct keg_region;

/* What is behind a region. */
enum keg_backing {
	KEG_BACKING_ANONYMOUS, /* fresh, zeroed, private memory of this process */
	KEG_BACKING_MEMFD,     /* fresh, zeroed, shareable memory: keg_region_fd() */
	KEG_BACKING_FILE,   /* a part of the file `fd`, from `offset` on; see KEG_REGION_PRIVATE */
	KEG_BACKING_CALLER, /* `host`, which the caller keeps until the region is gone */
	KEG_BACKING_NONE,   /* nothing: the range stays I/O, and no region may take it */
};

enum keg_region_flags {
	KEG_REGION_READONLY = 1 << 0,  /* guest writes exit as MMIO; keg_mem_write() refuses */
	KEG_REGION_NOT_KVM = 1 << 1,   /* in the map, but never given to KVM */
	KEG_REGION_HUGE_2M = 1 << 2,   /* 2 MiB pages from the system's pool (anonymous, memfd) */
	KEG_REGION_HUGE_1G = 1 << 3,   /* 1 GiB pages from the system's pool (anonymous, memfd) */
	KEG_REGION_THP = 1 << 4,       /* ask for transparent huge pages */
	KEG_REGION_LOG_DIRTY = 1 << 5, /* KVM notes which pages are written */
	KEG_REGION_PRIVATE = 1 << 6,   /* of a file: changes stay in this process */
};

/* How a region is made. */
struct keg_region_config {
	size_t size;    /* sizeof(struct keg_region_config) */
	keg_gpa gpa;    /* where it begins; a multiple of 4096 (of a huge page's size, if any) */
	uint64_t bytes; /* a multiple of the same, not 0 */
	enum keg_backing backing;
	uint32_t flags;   /* of enum keg_region_flags */
	void *host;       /* KEG_BACKING_CALLER: page-aligned memory of `bytes` bytes */
	int fd;           /* KEG_BACKING_FILE: borrowed during the call */
	uint64_t offset;  /* KEG_BACKING_FILE: a multiple of 4096 */
	const char *name; /* for messages and listings; copied (31 bytes at most); may be NULL */
};

/* Makes the map of a machine's memory, empty. A machine has one. *mem borrows the machine.
 * -EEXIST the machine has one already, -EBUSY the machine has started, -ENOMEM */
KEG_API int keg_mem_create(struct keg_vm *vm, struct keg_mem **mem);

/*
 * Unmaps and releases everything that the map made itself. NULL is allowed. The machine's vCPUs
 * must have been destroyed before; the machine is destroyed after.
 */
KEG_API void keg_mem_destroy(struct keg_mem *mem);

/* The machine whose memory this is. */
KEG_API struct keg_vm *keg_mem_vm(const struct keg_mem *mem);

/*
 * Adds a region. *region (if not NULL) stays valid until it is removed or the map destroyed.
 * -EINVAL  the configuration is wrong: unaligned, empty, a wrap, flags that do not fit the backing
 * -EEXIST  the range overlaps another region's; the message names both
 * -ERANGE  the file is too short for the region
 * -ENOSPC  the machine has started and has no slot left
 * -ENOMEM, and what mmap(2), memfd_create(2) or KVM says
 */
KEG_API int keg_mem_add(
	struct keg_mem *mem, const struct keg_region_config *config, struct keg_region **region);

/* Adds `bytes` of anonymous memory at `gpa`: the everyday case of keg_mem_add(). */
KEG_API int keg_mem_add_ram(struct keg_mem *mem, keg_gpa gpa, uint64_t bytes);

/* Takes a region away, from the guest too. Its vCPUs may be running. */
KEG_API int keg_mem_remove(struct keg_mem *mem, struct keg_region *region);

/*
 * Puts `host` (page-aligned, as long as the region, kept by the caller) behind a region that has
 * not reached KVM yet. What the map had made for it is released.
 * -EBUSY   the machine has started
 * -EINVAL  the region is a hole, or `host` is not page-aligned
 */
KEG_API int keg_region_replace(struct keg_region *region, void *host);

KEG_API keg_gpa keg_region_gpa(const struct keg_region *region);
KEG_API uint64_t keg_region_bytes(const struct keg_region *region);
KEG_API uint32_t keg_region_flags(const struct keg_region *region);
KEG_API const char *keg_region_name(const struct keg_region *region);

/* The region's memory in this process, read-only regions included: how a ROM is filled. Only a
 * read-only file that is not private cannot be written here either. NULL for KEG_BACKING_NONE. */
KEG_API void *keg_region_host(const struct keg_region *region);

/* The memfd behind a region, or -1. It stays the region's. */
KEG_API int keg_region_fd(const struct keg_region *region);

/* The slot of a region that has reached KVM, for keg_slot_get_dirty(); { 0 } if it has not. */
KEG_API struct keg_slot keg_region_slot(const struct keg_region *region);

/* The region that holds `gpa`, or else the next one above it, or NULL: how to walk a map. */
KEG_API struct keg_region *keg_mem_next_region(struct keg_mem *mem, keg_gpa gpa);

/*
 * Copy `bytes` between the guest's memory and a buffer. The range may cross from one region into
 * the next where they touch. 0 bytes succeed anywhere. Nothing is copied unless everything can be.
 * -EFAULT  a wrap, a hole, or a range without memory, all told apart in the message
 * -EROFS   keg_mem_write() would touch a read-only region
 */
KEG_API int keg_mem_read(struct keg_mem *mem, keg_gpa gpa, void *buffer, size_t bytes);
KEG_API int keg_mem_write(struct keg_mem *mem, keg_gpa gpa, const void *buffer, size_t bytes);

/* Sets `bytes` bytes to `value`; errors as keg_mem_write(). */
KEG_API int keg_mem_fill(struct keg_mem *mem, keg_gpa gpa, uint8_t value, size_t bytes);

enum keg_access {
	KEG_ACCESS_READ,
	KEG_ACCESS_WRITE, /* refused in a read-only region */
};

/*
 * A pointer to `bytes` (not 0) of the guest's memory, which lie in one region. The guest can change
 * them at any moment: copy what must be checked, check the copy, and use the copy.
 * -EFAULT, -EROFS  as above; -EFAULT too where the range crosses a region's end
 * -EINVAL  0 bytes
 */
KEG_API int keg_mem_slice(
	struct keg_mem *mem, keg_gpa gpa, size_t bytes, enum keg_access access, void **pointer);

#ifdef __cplusplus
}
#endif

#endif
