/* SPDX-License-Identifier: MIT */
/* Programs that cannot be, and those that begin themselves again. */
#include "hostile.h"

#include <elf.h>
#include <sys/stat.h>

#define SELF "/proc/self/exe"

static void put(const char *path, const void *bytes, size_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0700);

	MUST(fd >= 0);
	write(fd, bytes, size);
	close(fd);
}

static void execute(void *path)
{
	char *const words[] = {path, "good", NULL};

	execve(path, words, NULL);
	_exit(1);
}

static void try(const char *path)
{
	in_child(execute, (void *)path, 300);
}

/* ---- Headers ---- */

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[4];
	char rest[8192];
};

static void make(struct program *program)
{
	memset(program, 0, sizeof(*program));
	memcpy(program->header.e_ident, "\177ELF\2\1\1", 7);
	program->header.e_type = ET_EXEC;
	program->header.e_machine = EM_X86_64;
	program->header.e_version = 1;
	program->header.e_entry = 0x401000;
	program->header.e_phoff = sizeof(Elf64_Ehdr);
	program->header.e_ehsize = sizeof(Elf64_Ehdr);
	program->header.e_phentsize = sizeof(Elf64_Phdr);
	program->header.e_phnum = 2;
	for (int i = 0; i < 4; i++)
		program->segments[i] = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = PF_R | PF_W | PF_X,
			.p_vaddr = 0x400000 + 0x10000u * (unsigned)i,
			.p_filesz = 0x2000,
			.p_memsz = 0x3000,
			.p_align = 0x1000};
	/* exit(0), wherever it begins. */
	memset(program->rest, 0x90, sizeof(program->rest));
	memcpy(program->rest + 0x1800, "\x31\xff\xb8\x3c\0\0\0\x0f\x05", 9);
}

static const uint64_t wild[] = {0, 1, 2, 0xff, 0xfff, 0x1000, 0x10000, 0xffff, 0x7fffffff,
	0xffffffff, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 0x7fffffffffffffff,
	0xffff800000000000, 0xfffffffffffff000, UINT64_MAX};
#define WILD (sizeof(wild) / sizeof(wild[0]))

static void change_words(size_t from, size_t to, size_t step)
{
	static struct program program;

	for (size_t at = from; at < to; at += step) {
		for (size_t i = 0; i < WILD; i++) {
			make(&program);
			memcpy((char *)&program + at, &wild[i], step);
			put("/tmp/program", &program, sizeof(program));
			try("/tmp/program");
		}
	}
}

static void headers(void)
{
	change_words(16, 24, 4);
	change_words(24, 48, 8);
	change_words(52, 64, 4);
}

static void segments(void)
{
	change_words(64, 64 + 8, 4);
	change_words(64 + 8, 64 + 56, 8);
}

static void random_programs(void)
{
	static struct program program;

	for (unsigned i = 0; i < 80 * hostile_effort; i++) {
		make(&program);
		for (unsigned j = 0; j < 1 + i % 5; j++) {
			size_t at = 16 + chance() % (64 + 2 * 56 - 16);

			((uint8_t *)&program)[at] = (uint8_t)chance();
		}
		put("/tmp/program", &program, chance() % 4 ? sizeof(program) : chance() % 300);
		try("/tmp/program");
	}
}

static void interpreters(void)
{
	static const char *const names[] = {"/tmp", "/tmp/fifo", "/tmp/program", "/dev/null",
		"/dev/zero", "/proc/self/exe", "/proc/self/mem", "", "relative", "/nowhere",
		"/tmp/loop", "/proc/self/fd/0", "/dev/stdin", "/proc/kcore"};
	static struct program program;

	raw(SYS_mknod, (long)"/tmp/fifo", S_IFIFO | 0700, 0, 0, 0, 0);
	symlink("/tmp/loop", "/tmp/loop");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		make(&program);
		program.segments[1].p_type = PT_INTERP;
		program.segments[1].p_offset = 0x800;
		program.segments[1].p_filesz = strlen(names[i]) + 1;
		strcpy((char *)&program + 0x800, names[i]);
		put("/tmp/program", &program, sizeof(program));
		try("/tmp/program");
		program.segments[1].p_filesz = 1ull << 40;
		put("/tmp/program", &program, sizeof(program));
		try("/tmp/program");
		try(names[i]);
	}
}

static void scripts(void)
{
	static char text[9000];
	static const char *const lines[] = {"#!", "#!\n", "#! \t \n", "#!/tmp/script\n",
		"#!/tmp/script", "#!/tmp\n", "#!relative x\n", "#!/tmp/fifo\n", "#!\0/x\n"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		put("/tmp/script", lines[i], strlen(lines[i]));
		try("/tmp/script");
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "#!/", 3);
	for (size_t size = 100; size < sizeof(text); size += 100) {
		put("/tmp/script", text, size);
		if (size % 1000 == 0 || size < 600)
			try("/tmp/script");
	}
	/* A circle of them. */
	put("/tmp/a", "#!/tmp/b\n", 9);
	put("/tmp/b", "#!/tmp/a\n", 9);
	try("/tmp/a");
}

/* ---- Words ---- */

static void many_words(void)
{
	size_t count = 1000000;
	char **words = pages(count * 8 / PAGE + 2);

	for (size_t i = 0; i < count; i++)
		words[i] = "word";
	MUST(execve(SELF, words, NULL) < 0);
	MUST(execve(SELF, (char *[]){"x", NULL}, words) < 0);
	for (size_t i = 0; i < count; i++)
		words[i] = "";
	words[count] = NULL;
	execve(SELF, words, words);
	_exit(0);
}

static void long_words(void)
{
	char *word = pages(4096);

	memset(word, 'w', 4096 * PAGE - 1);
	for (size_t size = 64 << 10; size < 4096 * PAGE; size *= 2) {
		word[size] = '\0';
		MUST(size < 131072 || execve(SELF, (char *[]){"x", word, NULL}, NULL) < 0);
		word[size] = 'w';
	}
	MUST(execve(word, (char *[]){"x", NULL}, NULL) < 0);
	word[4096 * PAGE - 1] = 'w';
	MUST(execve(SELF, (char *[]){"x", word + 4095 * PAGE, NULL}, NULL) < 0);
}

static void itself_for_ever(void)
{
	execve(SELF, (char *[]){"hostile", "executes-itself-for-ever", NULL}, NULL);
	MUST(false);
}

static void itself_in_forks(void)
{
	fork();
	execve(SELF, (char *[]){"hostile", "executes-itself-in-forks", NULL}, NULL);
}

/* A program that is written to while it is mapped, and runs. */
static void changes_its_file(void)
{
	static struct program program;
	int fd;

	make(&program);
	for (int i = 0; i < 20; i++) {
		pid_t child;

		put("/tmp/program", &program, sizeof(program));
		child = fork();
		if (child == 0)
			execute("/tmp/program");
		fd = open("/tmp/program", O_RDWR);
		ftruncate(fd, (off_t)(chance() % 8192));
		pwrite(fd, &program, 64, 0);
		ftruncate(fd, 0);
		close(fd);
		waitpid(child, NULL, 0);
	}
}

const struct hostile hostile_programs[] = {
	{"program-headers", headers, EXITS, 0},
	{"program-segments", segments, EXITS, 0},
	{"program-random", random_programs, EXITS, 0},
	{"program-interpreters", interpreters, EXITS, 0},
	{"scripts", scripts, EXITS, 0},
	{"many-words", many_words, ANYHOW, 0},
	{"long-words", long_words, EXITS, 0},
	{"executes-itself-for-ever", itself_for_ever, TIME, 1},
	{"executes-itself-in-forks", itself_in_forks, TIME, 1},
	{"changes-its-file", changes_its_file, EXITS, 0},
	{NULL, NULL, 0, 0},
};
