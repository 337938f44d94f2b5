/* SPDX-License-Identifier: MIT */
/* Programs as they are loaded: what is in memory and on the stack at their entry, what cannot be
 * loaded and why, and what of the host's files a program is shown. */
#include "testing.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <keg/keg.h>

#include "user/machine.h"

enum { AT = 0x400000, PAGE = 4096, BYTES = 3 * PAGE };

static const char *linked; /* guests/linked.c */
static struct keg_host *host;
static struct keg_user *user;
static char folder[64];
static char path[128];

/* Code, then data with zeros behind it: 0x100 bytes from the file's 0x1100. */
static struct {
	Elf64_Ehdr header;
	Elf64_Phdr headers[3];
	char interpreter[32];
	unsigned char rest[BYTES - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr) - 32];
} file;

static void make_file(void)
{
	memset(&file, 0xcc, sizeof(file)); /* where nothing should be read from */
	file.header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = AT + 0x800,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3,
	};
	file.headers[0] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = AT,
		.p_filesz = PAGE,
		.p_memsz = PAGE};
	file.headers[1] = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 0x1100,
		.p_vaddr = AT + 0x2100,
		.p_filesz = 0x100,
		.p_memsz = 0x3000};
	file.headers[2] = (Elf64_Phdr){
		.p_type = PT_NULL, .p_offset = sizeof(Elf64_Ehdr) + sizeof(file.headers)};
}

static int begin(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/keg-load-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/program", folder);
	make_file();
	assert_ok(keg_user_create(host, NULL, &user));
	return 0;
}

static int end(void **state)
{
	char command[128];

	(void)state;
	keg_user_destroy(user);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

static void write_to(const char *name, const void *bytes, size_t count, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	close(fd);
}

static int load(void)
{
	const char *const words[] = {"program", "-x", NULL}, *const environment[] = {"A=b", NULL};

	return keg_user_load(user, path, words, environment);
}

static int load_file(void)
{
	write_to(path, &file, sizeof(file), 0700);
	assert_ok(keg_user_bind(user, folder, NULL, 0));
	return load();
}

static uint64_t word(uint64_t at)
{
	uint64_t value;

	assert_ok(keg_user_read(user, at, &value, sizeof(value)));
	return value;
}

static void is_text(uint64_t at, const char *text)
{
	char read[256] = "";

	assert_ok(keg_user_read(user, at, read, strlen(text) + 1));
	assert_string_equal(read, text);
}

/* The stack of a program that stands at its entry. */
static uint64_t stack(uint64_t entry)
{
	struct keg_user_stop stop;

	assert_ok(keg_user_run_to(user, entry, &stop));
	assert_int_equal(stop.end, KEG_USER_REACHED);
	assert_int_equal(stop.rsp % 16, 0);
	return stop.rsp;
}

static uint64_t auxiliary(uint64_t at, uint64_t type)
{
	for (; word(at); at += 16)
		if (word(at) == type)
			return word(at + 8);
	fail_msg("no auxiliary value %d", (int)type);
	return 0;
}

static void a_program_finds_its_words(void **state)
{
	uint64_t at;

	(void)state;
	assert_ok(load_file());
	at = stack(file.header.e_entry);
	assert_int_equal(word(at), 2);
	is_text(word(at + 8), "program");
	is_text(word(at + 16), "-x");
	is_text(word(at + 32), "A=b");
	at += 48;
	assert_int_equal(auxiliary(at, AT_PHDR), AT + sizeof(Elf64_Ehdr));
	assert_int_equal(auxiliary(at, AT_ENTRY), file.header.e_entry);
	assert_int_equal(auxiliary(at, AT_BASE), 0);
	is_text(auxiliary(at, AT_EXECFN), path);
}

static void what_the_file_lacks_is_zero(void **state)
{
	static const unsigned char zeros[0x3000];
	unsigned char read[0x3000];

	(void)state;
	assert_ok(load_file());
	assert_int_equal(word(AT + 0x2100), 0xcccccccccccccccc);
	assert_int_equal(word(AT + 0x21f8), 0xcccccccccccccccc);
	assert_ok(keg_user_read(user, AT + 0x2200, read, 0x2f00));
	assert_memory_equal(read, zeros, 0x2f00);
	assert_fails(keg_user_read(user, AT + 0x6000, read, 1), EFAULT, "0x406000");
	assert_fails(keg_user_read(user, AT + 0x1000, read, 1), EFAULT, "0x401000");
}

static void zeros_beside_bytes_leave_them_alone(void **state)
{
	(void)state;
	/* The second begins where the first ends, in the same page. */
	file.headers[0].p_filesz = file.headers[0].p_memsz = 0x900;
	file.headers[1].p_vaddr = AT + 0x900;
	file.headers[1].p_filesz = 0;
	assert_ok(load_file());
	assert_int_equal(word(AT + 0x8f8), 0xcccccccccccccccc);
	assert_int_equal(word(AT + 0x1000), 0);
	assert_int_equal(word(AT + 0x38f8), 0);
}

static void a_relocatable_one_has_a_place_of_its_own(void **state)
{
	uint64_t at, entry;

	(void)state;
	file.header.e_type = ET_DYN;
	file.header.e_entry = 0x800;
	file.headers[0].p_vaddr = 0;
	file.headers[0].p_align = 0x200000;
	file.headers[1].p_vaddr = 0x2100;
	write_to(path, &file, sizeof(file), 0700);
	assert_ok(keg_user_bind(user, folder, NULL, 0));
	assert_ok(load());
	/* It has no way to say where it is but its own stack, found from the top. */
	for (at = KEG_USER_TOP - 8; word(at) != AT_ENTRY; at -= 8)
		assert_true(at > KEG_USER_TOP - 0x10000);
	entry = word(at + 8);
	assert_int_equal(entry % 0x200000, 0x800);
	stack(entry);
	assert_int_equal(word(entry), 0xcccccccccccccccc);
}

static void where_the_stack_is_is_no_place(void **state)
{
	(void)state;
	file.header.e_entry = KEG_USER_TOP - 0x50000 + 0x800;
	file.headers[0].p_vaddr = KEG_USER_TOP - 0x50000;
	file.headers[1].p_type = PT_NULL;
	assert_fails(load_file(), ENOMEM, "where the stack is");
}

static void much_memory_may_be_asked_for(void **state)
{
	(void)state;
	file.headers[1].p_memsz = 1ull << 30;
	assert_ok(load_file());
	assert_int_equal(word(AT + (1ull << 29)), 0);
}

static void what_is_no_program_is_refused_in_words(void **state)
{
	(void)state;
	assert_ok(keg_user_bind(user, folder, NULL, 0));
	assert_fails(load(), ENOENT, "No such file");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_fails(load(), EACCES, "program");
	assert_int_equal(rmdir(path), 0);
	write_to(path, "hello", 5, 0700);
	assert_fails(load(), ENOEXEC, "neither");
	write_to(path, "", 0, 0700);
	assert_fails(load(), ENOEXEC, "neither");
	assert_int_equal(unlink(path), 0);
	write_to(path, &file, sizeof(file), 0600);
	assert_fails(load(), EACCES, "Permission denied");
	assert_int_equal(unlink(path), 0);
	/* And then one that is. */
	write_to(path, &file, sizeof(file), 0700);
	assert_ok(load());
	assert_fails(load(), EBUSY, "already");
}

static void an_interpreter_has_to_be_there(void **state)
{
	(void)state;
	file.headers[2].p_type = PT_INTERP;
	file.headers[2].p_filesz = sizeof("/no/such");
	strcpy(file.interpreter, "/no/such");
	assert_fails(load_file(), ENOENT, "/no/such");
}

static void scripts_lead_to_programs(void **state)
{
	char text[256], name[128];
	uint64_t at;

	(void)state;
	snprintf(name, sizeof(name), "%s/elf", folder);
	write_to(name, &file, sizeof(file), 0700);
	for (int i = 3; i >= 0; i--) {
		int length = snprintf(text, sizeof(text), "#!%s -%d\n", name, i);

		snprintf(name, sizeof(name), "%s/%d", folder, i);
		write_to(i ? name : path, text, (size_t)length, 0700);
	}
	assert_ok(keg_user_bind(user, folder, NULL, 0));
	assert_ok(load());
	at = stack(file.header.e_entry);
	assert_int_equal(word(at), 10);
	snprintf(name, sizeof(name), "%s/elf", folder);
	is_text(word(at + 8), name);
	is_text(word(at + 16), "-3");
	snprintf(name, sizeof(name), "%s/1", folder);
	is_text(word(at + 7 * 8), name);
	is_text(word(at + 8 * 8), "-0");
	is_text(word(at + 9 * 8), path);
	is_text(word(at + 10 * 8), "-x");
	is_text(auxiliary(at + 8 * 14, AT_EXECFN), path);
}

static void scripts_lead_in_circles_no_further(void **state)
{
	char text[256];
	int length = snprintf(text, sizeof(text), "#!%s\n", path);

	(void)state;
	write_to(path, text, (size_t)length, 0700);
	assert_ok(keg_user_bind(user, folder, NULL, 0));
	assert_fails(load(), ELOOP, "scripts deep");
	assert_fails(keg_user_bind_program(user, path), ELOOP, "scripts deep");
}

static void a_program_is_shown_its_libraries(void **state)
{
	const char *const words[] = {"linked", "two", NULL};
	struct keg_user_stop stop;

	(void)state;
	assert_ok(keg_user_bind_program(user, linked));
	assert_ok(keg_user_bind_system(user)); /* $ORIGIN is from /proc/self/exe */
	assert_ok(keg_user_load(user, linked, words, NULL));
	assert_ok(keg_user_run(user, &stop));
	assert_int_equal(stop.end, KEG_USER_EXITED);
	assert_int_equal(stop.status, 42);
}

/* A program names a file of the host's that is none of its business. */
static void a_program_is_shown_no_other_files(void **state)
{
	(void)state;
	file.headers[2].p_type = PT_INTERP;
	file.headers[2].p_filesz = sizeof("/etc/passwd");
	strcpy(file.interpreter, "/etc/passwd");
	write_to(path, &file, sizeof(file), 0700);
	assert_fails(keg_user_bind_program(user, path), ENOEXEC, "/etc/passwd");
	write_to(path, "#!/etc/passwd\n", 14, 0700);
	assert_int_equal(truncate(path, 14), 0);
	assert_fails(keg_user_bind_program(user, path), ENOEXEC, "/etc/passwd");
	write_to(path, "#!etc/passwd\n", 13, 0700);
	assert_fails(keg_user_bind_program(user, path), ENOEXEC, "absolute");
	assert_fails(keg_user_bind_program(user, "program"), EINVAL, "absolute");
	assert_fails(keg_user_bind_program(user, "/no/such"), ENOENT, "/no/such");
	assert_fails(keg_user_bind_program(user, "/dev/null"), EACCES, "regular");
}

int main(int argc, char *argv[])
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(a_program_finds_its_words),
		TEST(what_the_file_lacks_is_zero),
		TEST(zeros_beside_bytes_leave_them_alone),
		TEST(a_relocatable_one_has_a_place_of_its_own),
		TEST(where_the_stack_is_is_no_place),
		TEST(much_memory_may_be_asked_for),
		TEST(what_is_no_program_is_refused_in_words),
		TEST(an_interpreter_has_to_be_there),
		TEST(scripts_lead_to_programs),
		TEST(scripts_lead_in_circles_no_further),
		TEST(a_program_is_shown_its_libraries),
		TEST(a_program_is_shown_no_other_files),
	};
	int failed;

	require_kvm();
	if (argc != 2) {
		fprintf(stderr, "usage: test-user-load PROGRAM\n");
		return 2;
	}
	linked = realpath(argv[1], NULL);
	assert_ok(keg_host_create(NULL, &host));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keg_host_destroy(host);
	return failed;
}
