/* SPDX-License-Identifier: MIT */
/*
 * Reading ELF64 programs and the first line of scripts: from bytes to a plan of what is mapped
 * where. Nothing is mapped here, and nothing believed: each field is checked before it is used.
 */
#ifndef KEG_USER_ELF_H
#define KEG_USER_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file's bytes: in memory, or behind a descriptor. */
struct keg_image {
	const unsigned char *memory; /* NULL: fd's */
	int fd;
	uint64_t bytes;
};

/* The image of an open file. -EACCES it is not a regular one, as execve(2) has it */
int keg_image_of_file(struct keg_image *image, int fd);
/* Copies `length` bytes. -ENOEXEC the file ends before, and what pread(2) says */
int keg_image_read(const struct keg_image *image, uint64_t offset, void *to, size_t length);

#define KEG_PROGRAM_SEGMENTS 64 /* that are loaded; linkers make four or five */

struct keg_program_segment {
	uint64_t at; /* as linked; offset is the same within a page, if there are bytes of the file
		      */
	uint64_t memory_bytes;
	uint64_t file_bytes; /* at most memory_bytes, all in the file; what follows is zero */
	uint64_t offset;
	int protection; /* PROT_ */
};

/* A checked program. Addresses are as linked: the place where it is loaded is to be added. */
struct keg_program {
	bool relocatable; /* ET_DYN */
	bool executable_stack;
	uint64_t entry;
	uint64_t start, end; /* of all segments, in whole pages; end > start */
	uint64_t alignment;  /* of start, a power of two of at least a page */
	uint64_t headers;    /* where the program headers are once it is loaded; 0: nowhere */
	uint32_t header_count;
	uint64_t dynamic_offset, dynamic_bytes; /* in the file; 0: none */
	uint32_t segment_count;
	struct keg_program_segment segments[KEG_PROGRAM_SEGMENTS]; /* ascending, apart */
	char interpreter[PATH_MAX];                                /* "": none */
};

bool keg_program_is_elf(const void *start, size_t bytes);

/* -ENOEXEC it is no program that can be loaded, and the message says why. */
int keg_program_read(const struct keg_image *image, struct keg_program *program);

/* Where the file has what is at an address: the bytes from there on in its segment; 0: nowhere. */
uint64_t keg_program_find(const struct keg_program *program, uint64_t at, uint64_t *offset);

/* The address, as linked, of a function or object, global ones first. -ENOENT, -ENOEXEC */
int keg_program_symbol(const struct keg_image *image, const char *name, uint64_t *at);

/* The first line of a script: #! PROGRAM [ARGUMENT], in the 256 bytes that Linux looks at. */
#define KEG_SCRIPT_LINE 256
struct keg_script {
	char interpreter[KEG_SCRIPT_LINE];
	char argument[KEG_SCRIPT_LINE]; /* with blanks in it as they are; "": none */
};
bool keg_script_is(const void *start, size_t bytes);
/* `start`: the file's beginning, as far as KEG_SCRIPT_LINE. -ENOEXEC */
int keg_script_read(const char *start, size_t bytes, struct keg_script *script);

#endif
