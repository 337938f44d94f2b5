/* SPDX-License-Identifier: MIT */
/*
 * Loaders: from an image in a file to a guest that can run. An image is hostile until it is
 * checked.
 *
 * Threads: any; a map is loaded by one thread, before its machine runs.
 */
#ifndef KEG_BOOT_H
#define KEG_BOOT_H

#include <keg/mem.h>
#include <keg/vcpu.h>

#ifdef __cplusplus
extern "C" {
#endif

enum keg_image_kind {
	KEG_IMAGE_AUTO, /* as keg_image_identify() says */
	KEG_IMAGE_ELF32,
	KEG_IMAGE_ELF64,
	KEG_IMAGE_MULTIBOOT, /* Multiboot 0.6.96, whether ELF or with addresses of its own */
	KEG_IMAGE_FLAT,      /* bytes, to be put at `load_address` */
	KEG_IMAGE_BZIMAGE,   /* a Linux kernel for x86, with its own decompressor */
	KEG_IMAGE_LINUX, /* a Linux kernel for x86 as an ELF64 file (vmlinux), entered by Linux's
			    64-bit protocol */
	KEG_IMAGE_PVH,   /* an ELF file with a PVH entry, entered there (x86/HVM direct boot) */
};

/* The processor's state that an image is entered in. */
enum keg_entry_mode {
	KEG_ENTRY_AUTO,      /* ELF64, flat, Linux: long; ELF32, Multiboot, PVH: protected;
				bzImage: long if it has a 64-bit entry */
	KEG_ENTRY_REAL,      /* x86: 16 bits, no paging, below 1 MiB */
	KEG_ENTRY_PROTECTED, /* x86: 32 bits, flat segments, no paging */
	KEG_ENTRY_LONG, /* x86: 64 bits, the first 4 GiB mapped to themselves; arm64: EL1, MMU off
			 */
};

struct keg_boot_config {
	size_t size; /* sizeof(struct keg_boot_config) */
	enum keg_image_kind kind;
	enum keg_entry_mode mode;
	const void *image; /* borrowed during the call, like all pointers here */
	size_t image_bytes;
	const void *initrd; /* Multiboot and PVH: a module; may be NULL */
	size_t initrd_bytes;
	const char *command_line; /* may be NULL */
	const char *initrd_line;  /* Multiboot: the module's own string; may be NULL */
	uint64_t load_address;    /* flat images */
	uint64_t entry;           /* flat images: where to begin; others have their own */
	uint32_t flags;           /* of enum keg_boot_flags */
	/* Linux, PVH: what the machine tells the kernel of itself. */
	keg_gpa acpi_rsdp;                     /* 0: there is no ACPI */
	const struct keg_boot_range *reserved; /* addresses that are not for the kernel to use */
	size_t reserved_count;
};

/* A range that the memory map which a kernel is given tells of, besides the machine's memory; it
 * may lie within that. */
struct keg_boot_range {
	keg_gpa start;
	uint64_t bytes;
	uint32_t type; /* ACPI 6.4, section 15: 2 reserved, 3 ACPI tables, 4 ACPI NVS */
};

enum keg_boot_flags {
	KEG_BOOT_LOAD_ADDRESS = 1 << 0, /* `load_address` is given; else 1 MiB, in real mode 0x7c00;
					   arm64: 1 GiB and 512 KiB */
	KEG_BOOT_ENTRY = 1 << 1,        /* `entry` is given; else the load address */
	KEG_BOOT_NO_UNPACK = 1 << 2, /* a bzImage unpacks itself, in the guest; else it is unpacked
					here, which is faster, but the kernel's address is not
					randomised then */
};

/* Where a loaded image begins, and with what in its registers. */
struct keg_boot_entry {
	enum keg_image_kind kind;
	enum keg_entry_mode mode;
	uint64_t pc;
	uint64_t page_table; /* KEG_ENTRY_LONG on x86: what CR3 is to be */
	uint64_t stack;      /* 16-byte aligned; 0 for none */
	uint64_t args[2];    /* Multiboot: eax and ebx. PVH: 0 and ebx, the start info. Linux: 0 and
				esi or rsi, boot_params. Others: 0 and the command line's address
				(0 for none), in rdi and rsi, or x0 and x1 */
	keg_gpa low, high;   /* what the loader has used of the guest's memory: [low, high) */
	keg_gpa gdt;         /* Linux: 4 descriptors; its segments are 0x10 and 0x18 of them.
				Else 0 */
};

/* What an image is, by its first bytes, and an ELF file by its notes. KEG_IMAGE_FLAT if nothing
 * else. */
KEG_API enum keg_image_kind keg_image_identify(const void *image, size_t bytes);

/* "ELF64" and the like: static. */
KEG_API const char *keg_image_kind_name(enum keg_image_kind kind);

/*
 * Loads an image into guest memory, with all that it needs around it: the command line, a stack of
 * 16 KiB, page tables, a Multiboot kernel's information and module. They go where the image and
 * they overlap nothing, just below 640 KiB or after the image; an initrd as high as can be.
 * Everything is checked before the first byte of guest memory changes, but for one thing: that a
 * bzImage's packed data is damaged is found out while it is unpacked there.
 * -ENOEXEC  the image contradicts itself or its format; the message names the field
 * -EFAULT   it does not fit the machine's memory; the message says which part and where
 * -EINVAL   the configuration is wrong;  -ENOMEM
 * -ENOTSUP  the image is for another architecture, or of a kind that is known but not bootable, or
 *           the machine has no such mode
 */
KEG_API int keg_boot_load(
	struct keg_mem *mem, const struct keg_boot_config *config, struct keg_boot_entry *entry);

/* Puts a vCPU at the beginning of a loaded image. */
KEG_API int keg_boot_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry);

#ifdef __cplusplus
}
#endif

#endif
