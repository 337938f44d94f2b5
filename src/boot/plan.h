/* SPDX-License-Identifier: MIT */
/*
 * What the loaders share: a plan of the parts that an image puts into guest memory. Each part is
 * checked when it joins the plan, against the machine's memory and the other parts; nothing is
 * written before the whole plan stands, so a refused image leaves the guest's memory as it was.
 */
#ifndef KEG_BOOT_PLAN_H
#define KEG_BOOT_PLAN_H

#include <keg/boot.h>

/* A range of guest memory: `data_bytes` bytes of `data`, then zeroes. */
struct keg_boot_part {
	char name[48]; /* for messages: "ELF: program header 2" */
	keg_gpa gpa;
	uint64_t bytes;
	const void *data; /* NULL: nothing is written, the range is only taken */
	uint64_t data_bytes;
	bool as_it_was; /* not zeroes: what follows the data is only taken, too */
};

/* Segments that an ELF file may have, and the parts that keg adds to any image. */
enum { KEG_BOOT_SEGMENTS = 256, KEG_BOOT_PARTS = KEG_BOOT_SEGMENTS + 8 };

/* Ranges that a configuration may reserve. */
enum { KEG_BOOT_RESERVED = 64 };

/* The end of a PC's conventional memory, and the beginning of what follows the adapters and ROMs
 * that come then. */
#define KEG_BOOT_LOW_END    0xa0000
#define KEG_BOOT_HIGH_START 0x100000

struct keg_packed;

struct keg_boot_plan {
	struct keg_mem *mem;
	const struct keg_boot_config *config; /* borrowed: kind and mode are resolved */
	struct keg_boot_entry entry;          /* what the loader finds out */
	void *scratch;                        /* released with the plan: data that a loader made */
	struct keg_packed *packed;            /* the same; NULL: no part's data is packed */
	bool is_pc;                           /* nothing is put between the two ends above */
	size_t count;
	struct keg_boot_part parts[KEG_BOOT_PARTS]; /* sorted by address */
};

/*
 * Adds a part where it says, or, for keg_boot_plan_place(), where there is room, of which
 * part->gpa then tells: just below 640 KiB if `low`, where a PC's firmware keeps its own data;
 * else, or when nothing is free there, at the lowest address after the image, and then anywhere.
 * -ENOEXEC it overlaps another part; -EFAULT not all of it is writable memory, or there is no room
 */
int keg_boot_plan_add(struct keg_boot_plan *plan, const struct keg_boot_part *part);
int keg_boot_plan_place(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, bool low);

/* The same, as high as there is room, ending at or below `limit`. */
int keg_boot_plan_place_high(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, keg_gpa limit);

/* The same, at `gpa` or as little above it as there is room. */
int keg_boot_plan_place_from(
	struct keg_boot_plan *plan, struct keg_boot_part *part, uint64_t alignment, keg_gpa gpa);

/* Notes in the entry which part of memory the plan uses: its parts are in order. */
void keg_boot_plan_measure(struct keg_boot_plan *plan);

/* Writes all parts to guest memory. */
int keg_boot_plan_carry_out(struct keg_boot_plan *plan);

/* The last address that an image which begins in this mode can reach at once. */
uint64_t keg_boot_reach(enum keg_entry_mode mode);

/* Where the writable memory ends that holds `gpa`: at `gpa` itself if there is none. */
keg_gpa keg_boot_memory_end(struct keg_mem *mem, keg_gpa gpa);

/* How much writable memory there is. */
uint64_t keg_boot_memory_bytes(struct keg_mem *mem);

/* Whether a region is memory that an image can be put into. */
bool keg_boot_region_writable(const struct keg_region *region);

/* The region after this one, or NULL. */
struct keg_region *keg_boot_region_after(struct keg_mem *mem, const struct keg_region *region);

/* The loaders, one a format. Each adds its parts to the plan and fills in the entry. */
int keg_boot_plan_elf(struct keg_boot_plan *plan);
int keg_boot_plan_multiboot(struct keg_boot_plan *plan);
int keg_boot_plan_flat(struct keg_boot_plan *plan);
int keg_boot_plan_bzimage(struct keg_boot_plan *plan);
int keg_boot_plan_linux(struct keg_boot_plan *plan);
int keg_boot_plan_pvh(struct keg_boot_plan *plan);

#endif
