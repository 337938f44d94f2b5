/* SPDX-License-Identifier: MIT */
/*
 * Linux's boot protocol for x86 (Linux, Documentation/arch/x86/boot.rst and zero-page.rst): the
 * header that a bzImage has, and what every kernel is told. Fields have that document's names.
 */
#ifndef KEG_BOOT_LINUX_H
#define KEG_BOOT_LINUX_H

#include <stddef.h>
#include <stdint.h>

#include "boot/plan.h"

struct keg_linux_header {
	uint8_t setup_sects;
	uint16_t root_flags;
	uint32_t syssize;
	uint16_t ram_size;
	uint16_t vid_mode;
	uint16_t root_dev;
	uint16_t boot_flag;
	uint8_t jump; /* the opcode */
	uint8_t jump_offset;
	uint32_t header;
	uint16_t version;
	uint32_t realmode_swtch;
	uint16_t start_sys_seg;
	uint16_t kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	uint16_t setup_move_size;
	uint32_t code32_start;
	uint32_t ramdisk_image;
	uint32_t ramdisk_size;
	uint32_t bootsect_kludge;
	uint16_t heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	uint32_t cmd_line_ptr;
	uint32_t initrd_addr_max;
	uint32_t kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	uint16_t xloadflags;
	uint32_t cmdline_size;
	uint32_t hardware_subarch;
	uint64_t hardware_subarch_data;
	uint32_t payload_offset;
	uint32_t payload_length;
	uint64_t setup_data;
	uint64_t pref_address;
	uint32_t init_size;
	uint32_t handover_offset;
	uint32_t kernel_info_offset;
	uint8_t later[0x290 - 0x26c]; /* fields of later protocols */
} __attribute__((packed));

/* Where the header is, in a file and in boot_params, and where its room there ends. */
enum { KEG_LINUX_HEADER = 0x1f1, KEG_LINUX_HEADER_END = 0x290 };
_Static_assert(sizeof(struct keg_linux_header) == KEG_LINUX_HEADER_END - KEG_LINUX_HEADER,
	"as in boot_params");
_Static_assert(offsetof(struct keg_linux_header, header) == 0x202 - KEG_LINUX_HEADER, "boot.rst");
_Static_assert(
	offsetof(struct keg_linux_header, pref_address) == 0x258 - KEG_LINUX_HEADER, "boot.rst");

#define KEG_LINUX_BOOT_FLAG 0xaa55
#define KEG_LINUX_MAGIC     0x53726448 /* "HdrS" */

enum {
	KEG_LINUX_LOADED_HIGH = 1 << 0, /* loadflags */
	KEG_LINUX_KASLR_FLAG = 1 << 1,
	KEG_LINUX_CAN_USE_HEAP = 1 << 7,
	KEG_LINUX_KERNEL_64 = 1 << 0, /* xloadflags: XLF_KERNEL_64 */
};

/*
 * Adds to the plan what a Linux kernel is told and sets the entry's registers: boot_params with
 * this header, completed; the command line; the initrd; a GDT; page tables. The kernel itself must
 * be in the plan already. -EINVAL the command line is too long
 */
int keg_linux_plan_params(struct keg_boot_plan *plan, const struct keg_linux_header *header);

/* Adds the page tables that the plan's mode needs, below 640 KiB: for kernels to which memory above
 * the image may not be free. */
int keg_linux_plan_tables(struct keg_boot_plan *plan);

/* -ENOTSUP the machine is no PC. Else notes in the plan that it is one. */
int keg_linux_require_pc(struct keg_boot_plan *plan);

/* The initrd, as high as can be below `limit`; a part of no bytes if there is none. */
int keg_linux_plan_initrd(struct keg_boot_plan *plan, struct keg_boot_part *ramdisk, keg_gpa limit);

#endif
