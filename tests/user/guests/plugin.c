/* SPDX-License-Identifier: MIT */
/* A program whose functions tests/user/plugin.c calls. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FUNCTION __attribute__((noinline, used))

/* Declared first, for -Wmissing-prototypes. */
uint64_t join(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
uint64_t count(void), big(void), get_vector(void), set_vector(uint64_t value);
uint64_t host(uint64_t number, uint64_t a, uint64_t b);
uint64_t crash(uint64_t at), leave(uint64_t status), loop(void), eat(void), stop_self(void);
uint64_t open_root(void), close_file(uint64_t fd), handle(void), handler_of(void), raise_it(void);
uint64_t thread(void), child(void), execute(void), map_at(uint64_t at), unmap(uint64_t at);
uint64_t change_directory(void), directory_length(void), break_at(void), grow_heap(void);
uint64_t forge(uint64_t number), stack_alignment(void), set_base(uint64_t value), get_base(void);

void landing(void);

static uint64_t counter;
static char table[64 << 10];

FUNCTION uint64_t join(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	return a | b << 8 | c << 16 | d << 24 | e << 32 | f << 40;
}

FUNCTION uint64_t count(void)
{
	return ++counter;
}

/* Writes to many pages; what was there before is in the result. */
FUNCTION uint64_t big(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < sizeof(table); i += 512)
		sum += (unsigned char)table[i]++;
	return sum;
}

FUNCTION uint64_t get_vector(void)
{
	uint64_t value;

	__asm__ volatile("movq %%xmm9, %0" : "=r"(value));
	return value;
}

FUNCTION uint64_t set_vector(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm9" : : "r"(value));
	return value;
}

FUNCTION uint64_t host(uint64_t number, uint64_t a, uint64_t b)
{
	uint64_t result;
	register uint64_t r10 __asm__("r10") = 4, r8 __asm__("r8") = 5, r9 __asm__("r9") = 6;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(3ul), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

FUNCTION uint64_t crash(uint64_t at)
{
	memset(table, 1, sizeof(table));
	*(volatile char *)at = 0;
	return 0;
}

FUNCTION uint64_t leave(uint64_t status)
{
	counter = 99;
	_exit((int)status);
}

FUNCTION uint64_t loop(void)
{
	for (;;)
		counter++;
}

FUNCTION uint64_t eat(void)
{
	for (;;) {
		char *more = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

		if (more == MAP_FAILED)
			return 1;
		memset(more, 1, 1 << 20);
	}
}

FUNCTION uint64_t stop_self(void)
{
	return (uint64_t)kill(getpid(), SIGSTOP);
}

FUNCTION uint64_t open_root(void)
{
	return (uint64_t)open("/", O_RDONLY | O_DIRECTORY);
}

FUNCTION uint64_t close_file(uint64_t fd)
{
	return close((int)fd) ? (uint64_t)errno : 0;
}

static void on_signal(int signo)
{
	counter += 1000 + (uint64_t)signo;
}

FUNCTION uint64_t handle(void)
{
	signal(SIGUSR1, on_signal);
	alarm(1000);
	return 0;
}

FUNCTION uint64_t handler_of(void)
{
	struct sigaction action;

	sigaction(SIGUSR1, NULL, &action);
	return action.sa_handler == on_signal;
}

FUNCTION uint64_t raise_it(void)
{
	raise(SIGUSR1);
	return counter;
}

static void *wait_for_ever(void *context)
{
	for (;;)
		pause();
	return context;
}

FUNCTION uint64_t thread(void)
{
	pthread_t made;

	return (uint64_t)pthread_create(&made, NULL, wait_for_ever, NULL);
}

FUNCTION uint64_t child(void)
{
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			counter++;
	return (uint64_t)pid;
}

FUNCTION uint64_t execute(void)
{
	char *const words[] = {"plugin", NULL};

	return execve("/proc/self/exe", words, words + 1) ? (uint64_t)errno : 0;
}

FUNCTION uint64_t map_at(uint64_t at)
{
	return (uint64_t)mmap((void *)at, 4096, PROT_READ, // NOLINT
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
}

FUNCTION uint64_t unmap(uint64_t at)
{
	return (uint64_t)munmap((void *)at, 4096);
}

FUNCTION uint64_t change_directory(void)
{
	return chdir("/tmp") ? (uint64_t)errno : 0;
}

FUNCTION uint64_t directory_length(void)
{
	char directory[256];

	return getcwd(directory, sizeof(directory)) ? strlen(directory) : 0;
}

FUNCTION uint64_t break_at(void)
{
	return (uint64_t)syscall(SYS_brk, 0);
}

FUNCTION uint64_t grow_heap(void)
{
	return (uint64_t)syscall(SYS_brk, break_at() + 4096);
}

/* Comes back from a call that was not made, or so. */
FUNCTION uint64_t forge(uint64_t number)
{
	return host(number, 0x666, 0);
}

FUNCTION uint64_t stack_alignment(void)
{
	uint64_t at;

	__asm__ volatile("mov %%rsp, %0" : "=r"(at));
	return (at + 8) % 16 == 0 || at % 16 == 0;
}

FUNCTION uint64_t set_base(uint64_t value)
{
	return (uint64_t)syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, value);
}

FUNCTION uint64_t get_base(void)
{
	uint64_t value = 0;

	syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &value);
	return value;
}

/* `rest` is where the host stops it, with something in a vector register. */
void rest(void);
__asm__(".text\n"
	".globl check_vector, rest\n"
	".type rest, @function\n"
	"check_vector:\n"
	"	movq %rdi, %xmm9\n"
	"rest:\n"
	"	nop\n"
	"	movq %xmm9, %rax\n"
	"	ret\n");
uint64_t check_vector(uint64_t value);

/* A child comes here first, and then the program itself. */
FUNCTION void landing(void)
{
	__asm__ volatile("");
}

static int land_in_two(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		landing();
		_exit(5);
	}
	waitpid(pid, &status, 0);
	landing();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 6;
}

int main(int argc, char *argv[])
{
	(void)argv;
	if (argc > 1)
		return land_in_two();
	for (size_t i = 0; i < sizeof(table); i++)
		table[i] = (char)(i >> 9);
	return check_vector(0x1234567) == 0x1234567 ? 7 : 8;
}
