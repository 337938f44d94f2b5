/* SPDX-License-Identifier: MIT */
/*
 * A process's address space: what is mapped where, as mmap(2) and its kin have it, filled page by
 * page as it is touched.
 *
 * Areas are keg's own list; page tables follow from it. An area is of anonymous memory or of an
 * object (object.h): a file's pages, or shared anonymous ones. Private pages are copied when they
 * are written.
 *
 * Threads: any. `lock` inside: faults, mappings and whatever takes a translation away hold it for
 * writing, copying in and out for reading.
 */
#ifndef KEG_USER_SPACE_H
#define KEG_USER_SPACE_H

#include <sys/types.h>

#include "user/machine.h"

struct keg_space;
struct keg_object;

/* Pages: a private mapping of a file that has no more is filled when it is made. */
enum { KEG_EAGER_FILE = 512 };

/* Owns a machine, made for it. The host, the pages and the lore are borrowed. */
int keg_space_create(struct keg_host *host, struct keg_pages *pages, struct keg_machine_lore *lore,
	struct keg_space **made);
void keg_space_destroy(struct keg_space *space);
struct keg_machine *keg_space_machine(struct keg_space *space);
/* Where mappings without a place of their own are put: below `base`, the highest first. */
void keg_space_set_base(struct keg_space *space, uint64_t base);

/* A copy for fork(2): private pages are shared until either side writes. */
int keg_space_clone(struct keg_space *space, struct keg_space **made);

/* ---- Mappings: addresses, lengths and errors as mmap(2) etc. have them ---- */

struct keg_mapping {
	uint64_t at;               /* a hint, or with MAP_FIXED the place */
	uint64_t length;           /* bytes; rounded up to pages */
	int protection;            /* PROT_ */
	int flags;                 /* MAP_ */
	struct keg_object *object; /* NULL: anonymous. Held by the space if it succeeds */
	uint64_t offset;           /* in the object, page aligned */
	bool read_only;            /* MAP_SHARED of a file that is not open for writing */
	const char
		*name; /* for /proc/self/maps and reports: a path, "[heap]"; copied; may be NULL */
};
/* The address, or a negative errno. */
int64_t keg_space_map(struct keg_space *space, const struct keg_mapping *mapping);
int keg_space_unmap(struct keg_space *space, uint64_t at, uint64_t length);
int keg_space_protect(struct keg_space *space, uint64_t at, uint64_t length, int protection);
int64_t keg_space_remap(struct keg_space *space, uint64_t at, uint64_t old_length,
	uint64_t new_length, int flags, uint64_t new_at);
int keg_space_advise(struct keg_space *space, uint64_t at, uint64_t length, int advice);
int keg_space_sync(struct keg_space *space, uint64_t at, uint64_t length, int flags);
int keg_space_set_brk(struct keg_space *space, uint64_t start); /* where the heap begins */
uint64_t keg_space_brk(struct keg_space *space, uint64_t to);   /* brk(2): the break that is */
/* RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK, in bytes. */
struct keg_space_limits {
	uint64_t address_space, data, stack;
};
void keg_space_set_limits(struct keg_space *space, const struct keg_space_limits *limits);

/* An area, for /proc/self/maps and for reports. The first that ends above `at`; -ENOENT none. */
struct keg_area_view {
	uint64_t start, end;
	int protection; /* PROT_ */
	bool shared;
	uint64_t offset;
	dev_t device;
	ino_t inode;
	char name[256];
};
int keg_space_area(struct keg_space *space, uint64_t at, struct keg_area_view *view);
/* Mappings that begin with the object's first page: how many, and whether one is at that address.
 */
uint32_t keg_space_count_object(struct keg_space *space, const struct keg_object *object);
bool keg_space_begins_object(struct keg_space *space, uint64_t at, const struct keg_object *object);
struct keg_space_usage {
	uint64_t size, resident, data, stack, text, locked; /* bytes */
	uint64_t faults;                                    /* page faults served */
};
void keg_space_usage(struct keg_space *space, struct keg_space_usage *usage);
/* Which of `count` pages from `at` on are there: a byte each, 1 or 0. -ENOMEM not all are mapped */
int keg_space_resident(struct keg_space *space, uint64_t at, size_t count, uint8_t *resident);

/* ---- Faults ---- */

enum keg_touch {
	KEG_TOUCH_READ,
	KEG_TOUCH_WRITE,
	KEG_TOUCH_EXECUTE,
};
/*
 * Makes an address accessible that a program, or keg for it, touched. 0; -EFAULT nothing is mapped
 * there (SEGV_MAPERR); -EACCES not so (SEGV_ACCERR); -ENXIO behind a file's end, or it cannot be
 * read (SIGBUS); -ENOMEM the sandbox's memory is out
 */
int keg_space_fault(struct keg_space *space, uint64_t at, enum keg_touch access);

/* ---- Copying in and out: all or -EFAULT; any address and any length are safe ---- */

int keg_space_read(struct keg_space *space, void *to, uint64_t from, size_t length);
int keg_space_write(struct keg_space *space, uint64_t to, const void *from, size_t length);
/* As many bytes as are accessible from the start: their number, -EFAULT if none of a length > 0. */
ssize_t keg_space_read_some(struct keg_space *space, void *to, uint64_t from, size_t length);
ssize_t keg_space_write_some(struct keg_space *space, uint64_t to, const void *from, size_t length);
/* A string with its end: its length, -EFAULT, or -ENAMETOOLONG if `size` bytes hold no end. */
ssize_t keg_space_read_string(struct keg_space *space, char *to, uint64_t from, size_t size);
/* Regardless of protection (for reports, loaders and plugins' hosts); areas must be there. -ENOMEM
 * there is no page for what was not touched yet */
int keg_space_poke(struct keg_space *space, uint64_t to, const void *from, size_t length);
int keg_space_peek(struct keg_space *space, void *to, uint64_t from, size_t length);
/* An aligned 32-bit word, atomically. -EFAULT, -EINVAL if not aligned. exchange: *value becomes
 * what was there; 0 if it was as expected and is now `desired`, -EAGAIN if not. */
int keg_space_load32(struct keg_space *space, uint64_t at, uint32_t *value);
int keg_space_exchange32(
	struct keg_space *space, uint64_t at, uint32_t *expected, uint32_t desired);

/*
 * What futexes are told apart by: for shared memory (object, offset), the same in every process;
 * for private memory (space, address). -EFAULT
 */
struct keg_futex_key {
	const void *of;
	uint64_t at;
};
int keg_space_futex_key(
	struct keg_space *space, uint64_t at, bool is_private, struct keg_futex_key *key);

/* ---- A state to come back to, for plugins ---- */

/* Remembers the memory as it is; reset puts it back: pages that were written since are copied
 * back, and stay writable, so that the next call faults no more; mappings as well. */
int keg_space_mark(struct keg_space *space);
int keg_space_reset(struct keg_space *space);

#endif
