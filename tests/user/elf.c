/* SPDX-License-Identifier: MIT */
/* ELF programs: what is to be mapped where, and every field that can be wrong. */
#include "testing.h"

#include <elf.h>
#include <errno.h>
#include <sys/mman.h>

#include "user/elf.h"

enum { HEADERS = 5, BYTES = 3 * 4096, BASE = 0x400000 };

/* Text at 0x400000 with all headers, data at 0x402100 from the file's 0x1100, a stack, an
 * interpreter and a header that says nothing to a loader. */
static struct {
	Elf64_Ehdr header;
	Elf64_Phdr headers[HEADERS];
	char interpreter[16];
	unsigned char rest[BYTES - sizeof(Elf64_Ehdr) - HEADERS * sizeof(Elf64_Phdr) - 16];
} file;
enum { TEXT, DATA, STACK, INTERPRETER, OTHER };

static struct keg_program program;

static int make(void **state)
{
	(void)state;
	memset(&file, 0, sizeof(file));
	file.header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = BASE + 0x200,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = HEADERS,
	};
	file.headers[TEXT] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = BASE,
		.p_filesz = 0x800,
		.p_memsz = 0x800,
		.p_align = 0x1000};
	file.headers[DATA] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 0x1100,
		.p_vaddr = BASE + 0x2100,
		.p_filesz = 0x300,
		.p_memsz = 0x5000,
		.p_align = 0x1000};
	file.headers[STACK] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	file.headers[INTERPRETER] = (Elf64_Phdr){.p_type = PT_INTERP,
		.p_offset = sizeof(Elf64_Ehdr) + sizeof(file.headers),
		.p_filesz = sizeof("/lib/ld.so"),
		.p_memsz = sizeof("/lib/ld.so")};
	strcpy(file.interpreter, "/lib/ld.so");
	file.headers[OTHER] = (Elf64_Phdr){.p_type = PT_GNU_PROPERTY,
		.p_offset = UINT64_MAX,
		.p_vaddr = UINT64_MAX,
		.p_filesz = UINT64_MAX,
		.p_memsz = UINT64_MAX};
	return 0;
}

static int read_bytes(const void *bytes, size_t count)
{
	return keg_program_read(
		&(struct keg_image){.memory = bytes, .fd = -1, .bytes = count}, &program);
}

static int read_file(void)
{
	return read_bytes(&file, sizeof(file));
}

static void a_program_becomes_a_plan(void **state)
{
	(void)state;
	assert_ok(read_file());
	assert_false(program.relocatable);
	assert_false(program.executable_stack);
	assert_int_equal(program.entry, BASE + 0x200);
	assert_int_equal(program.start, BASE);
	assert_int_equal(program.end, BASE + 0x8000);
	assert_int_equal(program.headers, BASE + sizeof(Elf64_Ehdr));
	assert_int_equal(program.header_count, HEADERS);
	assert_string_equal(program.interpreter, "/lib/ld.so");
	assert_int_equal(program.segment_count, 2);
	assert_int_equal(program.segments[0].protection, PROT_READ | PROT_EXEC);
	assert_int_equal(program.segments[1].at, BASE + 0x2100);
	assert_int_equal(program.segments[1].offset, 0x1100);
	assert_int_equal(program.segments[1].file_bytes, 0x300);
	assert_int_equal(program.segments[1].memory_bytes, 0x5000);
	assert_int_equal(program.segments[1].protection, PROT_READ | PROT_WRITE);
}

static void addresses_are_found_in_the_file(void **state)
{
	uint64_t offset = 0;

	(void)state;
	assert_ok(read_file());
	assert_int_equal(keg_program_find(&program, BASE + 0x2110, &offset), 0x2f0);
	assert_int_equal(offset, 0x1110);
	assert_int_equal(keg_program_find(&program, BASE + 0x2400, &offset), 0);
	assert_int_equal(keg_program_find(&program, 0, &offset), 0);
	assert_int_equal(keg_program_find(&program, UINT64_MAX, &offset), 0);
}

static void it_may_be_relocatable_and_without_interpreter(void **state)
{
	(void)state;
	file.header.e_type = ET_DYN;
	file.header.e_entry = 0x200;
	file.headers[TEXT].p_vaddr = 0;
	file.headers[DATA].p_vaddr = 0x2100;
	file.headers[INTERPRETER].p_type = PT_NULL;
	assert_ok(read_file());
	assert_true(program.relocatable);
	assert_int_equal(program.start, 0);
	assert_int_equal(program.end, 0x8000);
	assert_string_equal(program.interpreter, "");
}

static void the_stack_is_executable_only_if_asked_for(void **state)
{
	(void)state;
	file.headers[STACK].p_flags |= PF_X;
	assert_ok(read_file());
	assert_true(program.executable_stack);
	file.headers[STACK].p_type = PT_NULL;
	assert_ok(read_file());
	assert_false(program.executable_stack);
}

static void odd_alignments_say_nothing(void **state)
{
	static const uint64_t odd[] = {0, 1, 3, 0x1001, 0x3000, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		file.headers[DATA].p_align = odd[i];
		assert_ok(read_file());
		assert_int_equal(program.alignment, 0x1000);
	}
	file.headers[DATA].p_align = 0x200000;
	assert_ok(read_file());
	assert_int_equal(program.alignment, 0x200000);
	file.headers[DATA].p_align = 1ull << 63;
	assert_fails(read_file(), ENOEXEC, "alignment");
}

static void headers_that_are_not_loaded_are_nowhere(void **state)
{
	(void)state;
	file.headers[TEXT].p_vaddr = BASE + 0x800;
	file.headers[TEXT].p_offset = 0x800;
	file.header.e_entry = BASE + 0x900;
	assert_ok(read_file());
	assert_int_equal(program.headers, 0);
}

static void a_segment_may_be_all_zeros(void **state)
{
	(void)state;
	file.headers[DATA].p_filesz = 0;
	file.headers[DATA].p_offset = 0x77; /* says nothing then */
	assert_ok(read_file());
	assert_int_equal(program.segments[1].memory_bytes, 0x5000);
	file.headers[DATA].p_memsz = 0;
	assert_ok(read_file());
	assert_int_equal(program.segment_count, 1);
}

/* One field of the file's header or of a program header is made wrong. */
#define WRONG(field, value, words)                                                                 \
	{                                                                                          \
		&(field), sizeof(field), value, words                                              \
	}
static const struct {
	void *field;
	size_t size;
	uint64_t value;
	const char *words;
} wrong[] = {
	WRONG(file.header.e_ident[EI_MAG0], 0, "no ELF file"),
	WRONG(file.header.e_ident[EI_CLASS], ELFCLASS32, "no 64-bit"),
	WRONG(file.header.e_ident[EI_DATA], ELFDATA2MSB, "little-endian"),
	WRONG(file.header.e_ident[EI_VERSION], 2, "unknown version"),
	WRONG(file.header.e_version, 0, "unknown version"),
	WRONG(file.header.e_machine, EM_AARCH64, "another machine"),
	WRONG(file.header.e_type, ET_REL, "no program that can be run"),
	WRONG(file.header.e_type, ET_CORE, "no program that can be run"),
	WRONG(file.header.e_phentsize, 32, "program headers of 32 bytes"),
	WRONG(file.header.e_phnum, 0, "0 program headers"),
	WRONG(file.header.e_phnum, 0xffff, "65535 program headers"),
	WRONG(file.header.e_phnum, 1000, "program headers"),
	WRONG(file.header.e_phoff, UINT64_MAX, "behind the end"),
	WRONG(file.header.e_phoff, BYTES - 8, "ends at byte"),
	WRONG(file.header.e_entry, BASE - 1, "entry"),
	WRONG(file.header.e_entry, BASE + 0x8000, "entry"),
	WRONG(file.header.e_entry, UINT64_MAX, "entry"),
	WRONG(file.headers[INTERPRETER].p_filesz, 0, "2 to 4096"),
	WRONG(file.headers[INTERPRETER].p_filesz, 1, "2 to 4096"),
	WRONG(file.headers[INTERPRETER].p_filesz, 4097, "2 to 4096"),
	WRONG(file.headers[INTERPRETER].p_filesz, UINT64_MAX, "2 to 4096"),
	WRONG(file.headers[INTERPRETER].p_filesz, 5, "does not end"),
	WRONG(file.headers[INTERPRETER].p_offset, UINT64_MAX - 3, "interpreter's name"),
	WRONG(file.headers[INTERPRETER].p_offset, 0x2000, "empty"),
	WRONG(file.headers[DATA].p_memsz, 0x2ff, "more bytes in the file"),
	WRONG(file.headers[DATA].p_memsz, UINT64_MAX, "ends above"),
	WRONG(file.headers[DATA].p_memsz, 0x7fffffbfd000, "ends above"),
	WRONG(file.headers[DATA].p_vaddr, UINT64_MAX - 0xeff, "ends above"),
	WRONG(file.headers[DATA].p_vaddr, 0xffff800000000100, "ends above"),
	WRONG(file.headers[DATA].p_vaddr, BASE + 0x2101, "same place in a page"),
	WRONG(file.headers[DATA].p_vaddr, BASE + 0x100, "overlap"),
	WRONG(file.headers[DATA].p_vaddr, BASE - 0xf00, "ascending"),
	WRONG(file.headers[DATA].p_offset, 0x3100, "behind the end"),
	WRONG(file.headers[DATA].p_offset, UINT64_MAX - 0xeff, "behind the end"),
	WRONG(file.headers[TEXT].p_filesz, 0x801, "more bytes in the file"),
	WRONG(file.headers[TEXT].p_vaddr, 0, "below 0x10000"),
};

static void each_field_is_checked(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		make(state);
		memcpy(wrong[i].field, &wrong[i].value, wrong[i].size);
		assert_fails(read_file(), ENOEXEC, wrong[i].words);
	}
}

static void nothing_to_load_is_no_program(void **state)
{
	(void)state;
	file.headers[TEXT].p_type = file.headers[DATA].p_type = PT_NULL;
	assert_fails(read_file(), ENOEXEC, "nothing of it");
}

static void a_file_may_end_anywhere(void **state)
{
	(void)state;
	for (size_t bytes = 0; bytes < 0x1400; bytes++)
		assert_int_equal(read_bytes(&file, bytes), -ENOEXEC);
	assert_ok(read_bytes(&file, 0x1400));
}

static void segments_are_bounded(void **state)
{
	enum { MANY = KEG_PROGRAM_SEGMENTS + 1 };
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr headers[MANY];
	} many;

	(void)state;
	many.header = file.header;
	many.header.e_phnum = MANY;
	for (uint32_t i = 0; i < MANY; i++)
		many.headers[i] = (Elf64_Phdr){
			.p_type = PT_LOAD, .p_vaddr = BASE + i * 0x1000, .p_memsz = 0x1000};
	assert_fails(read_bytes(&many, sizeof(many)), ENOEXEC, "more than 64 segments");
	many.header.e_phnum = MANY - 1;
	assert_ok(read_bytes(&many, sizeof(many)));
}

static void a_file_is_a_regular_one(void **state)
{
	struct keg_image image;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_fails(keg_image_of_file(&image, ends[0]), EACCES, "regular");
	close(ends[0]);
	close(ends[1]);
}

static void a_file_is_read_as_memory_is(void **state)
{
	struct keg_image image;
	FILE *written = tmpfile();

	(void)state;
	assert_int_equal(fwrite(&file, sizeof(file), 1, written), 1);
	assert_int_equal(fflush(written), 0);
	assert_ok(keg_image_of_file(&image, fileno(written)));
	assert_ok(keg_program_read(&image, &program));
	assert_int_equal(program.segment_count, 2);
	assert_int_equal(ftruncate(fileno(written), 100), 0);
	assert_fails(keg_program_read(&image, &program), ENOEXEC, "shorter");
	fclose(written);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, make)
	const struct CMUnitTest tests[] = {
		TEST(a_program_becomes_a_plan),
		TEST(addresses_are_found_in_the_file),
		TEST(it_may_be_relocatable_and_without_interpreter),
		TEST(the_stack_is_executable_only_if_asked_for),
		TEST(odd_alignments_say_nothing),
		TEST(headers_that_are_not_loaded_are_nowhere),
		TEST(a_segment_may_be_all_zeros),
		TEST(each_field_is_checked),
		TEST(nothing_to_load_is_no_program),
		TEST(a_file_may_end_anywhere),
		TEST(segments_are_bounded),
		TEST(a_file_is_a_regular_one),
		TEST(a_file_is_read_as_memory_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
