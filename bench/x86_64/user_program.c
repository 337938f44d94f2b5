/* SPDX-License-Identifier: MIT */
/* A program that is one function, in a sandbox. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench.h"
#include "user_call.h"

enum { PAGE = 4096 };

struct program {
	union {
		struct {
			Elf64_Ehdr header;
			Elf64_Phdr segment;
		};
		uint8_t first[PAGE];
	};
	uint8_t text[PAGE];
};

static void write_program(char *path, const void *function, size_t bytes)
{
	const uint64_t at = USER_PROGRAM_FUNCTION - PAGE;
	struct program program = {
		.header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				   EV_CURRENT},
			.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_version = EV_CURRENT,
			.e_entry = USER_PROGRAM_FUNCTION,
			.e_phoff = offsetof(struct program, segment),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1},
		.segment = {.p_type = PT_LOAD,
			.p_flags = PF_R | PF_X,
			.p_vaddr = at,
			.p_filesz = sizeof(program),
			.p_memsz = sizeof(program)},
	};
	int fd = mkstemp(path);

	memcpy(program.text, function, bytes);
	if (fd < 0 || write(fd, &program, sizeof(program)) != sizeof(program) || fchmod(fd, 0700))
		bench_die("the program to call, %s, cannot be written", path);
	close(fd);
}

struct keg_user *user_program_open(struct bench *bench, const void *function, size_t bytes)
{
	const struct keg_user_config config = {.size = sizeof(config), .memory = 64 << 20};
	char path[] = "/tmp/keg-bench-XXXXXX";
	const char *const words[] = {path, NULL};
	struct keg_user *user;

	write_program(path, function, bytes);
	bench_need(keg_user_create(bench->host, &config, &user));
	bench_need(keg_user_bind(user, path, NULL, 0));
	bench_need(keg_user_load(user, path, words, NULL));
	unlink(path);
	return user;
}
