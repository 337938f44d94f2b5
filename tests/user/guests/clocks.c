/* SPDX-License-Identifier: MIT */
/*
 * The clocks that a program may read without a system call, mixed with those that it asks for: time
 * never goes back, in whichever thread or process it is looked at, and a sleep is never short.
 */
#include <elf.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

#include "check.h"

#define PAGE 4096ul

enum { THREADS = 3, MS = 1000000 };

static int64_t to_ns(const struct timespec *time)
{
	return time->tv_sec * 1000000000 + time->tv_nsec;
}

static int64_t by_libc(clockid_t clock)
{
	struct timespec time;

	CHECK(clock_gettime(clock, &time) == 0);
	return to_ns(&time);
}

static int64_t by_call(clockid_t clock)
{
	struct timespec time;

	CHECK(syscall(SYS_clock_gettime, clock, &time) == 0);
	return to_ns(&time);
}

/* ---- Never back ---- */

struct latest {
	clockid_t clock;
	int64_t until;
	_Atomic int64_t ns; /* that anybody has seen */
	_Atomic int64_t looks, back;
};

static void look(struct latest *latest, unsigned turn)
{
	int64_t seen = atomic_load(&latest->ns);
	int64_t now = turn % 64 ? by_libc(latest->clock) : by_call(latest->clock);

	if (now < seen)
		atomic_fetch_add(&latest->back, 1);
	while (seen < now && !atomic_compare_exchange_weak(&latest->ns, &seen, now))
		;
	atomic_fetch_add(&latest->looks, 1);
}

static void *look_on(void *context)
{
	struct latest *latest = context;
	unsigned turn = 0;

	while (by_libc(CLOCK_MONOTONIC) < latest->until) {
		look(latest, turn++);
		if (turn % 1000 == 0)
			usleep(turn % 3000);
	}
	return NULL;
}

static void never_back(clockid_t clock)
{
	struct latest *latest = mmap(
		NULL, sizeof(*latest), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_t threads[THREADS];
	int status;
	pid_t child;

	CHECK(latest != MAP_FAILED);
	latest->clock = clock;
	latest->until = by_libc(CLOCK_MONOTONIC) + 400 * MS;
	child = fork();
	CHECK(child >= 0);
	for (int i = 0; i < THREADS; i++)
		CHECK(pthread_create(&threads[i], NULL, look_on, latest) == 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	if (child == 0)
		_exit(0);
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(latest->looks > 100);
	CHECK(latest->back == 0);
	CHECK(munmap(latest, sizeof(*latest)) == 0);
}

static void time_never_goes_back(void)
{
	never_back(CLOCK_MONOTONIC);
	never_back(CLOCK_REALTIME);
	never_back(CLOCK_MONOTONIC_COARSE);
}

/* Both ways, without another thread: what is true of one look is true of the next. */
static void both_ways_agree(void)
{
	static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME};

	for (int i = 0; i < 2000; i++) {
		int64_t first = by_call(clocks[i % 2]), second = by_libc(clocks[i % 2]);
		int64_t third = by_libc(clocks[i % 2]), fourth = by_call(clocks[i % 2]);

		CHECK(first <= second && second <= third && third <= fourth);
	}
}

static void it_keeps_pace(void)
{
	int64_t first = by_libc(CLOCK_MONOTONIC), last;

	/* Longer than what the page holds for, with nothing but looking. */
	do
		last = by_libc(CLOCK_MONOTONIC);
	while (last < first + 100 * MS);
	CHECK(by_call(CLOCK_MONOTONIC) >= last);
	/* Somebody may have come between the two. */
	for (int i = 0; i < 1000 && by_call(CLOCK_MONOTONIC) - last >= MS; i++)
		last = by_libc(CLOCK_MONOTONIC);
	CHECK(by_call(CLOCK_MONOTONIC) - last < 50 * MS);
}

/* ---- Never short ---- */

static void doze(int way, int64_t ns)
{
	const struct timespec time = {0, ns};
	struct timespec until;
	struct pollfd none = {.fd = -1};

	if (way == 0)
		CHECK(nanosleep(&time, NULL) == 0);
	if (way == 1)
		CHECK(clock_nanosleep(CLOCK_REALTIME, 0, &time, NULL) == 0);
	if (way == 2)
		CHECK(ppoll(&none, 1, &time, NULL) == 0);
	if (way == 3) {
		CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
		until.tv_nsec += ns;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		CHECK(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == 0);
	}
}

static _Atomic bool rested;

/* Somebody who reads the clock all the while, and so sees to it that it is not always fresh. */
static void *watch(void *context)
{
	(void)context;
	while (!rested)
		by_libc(CLOCK_MONOTONIC);
	return NULL;
}

static void sleeps_are_not_short(void)
{
	pthread_t watcher;

	CHECK(pthread_create(&watcher, NULL, watch, NULL) == 0);
	for (int i = 0; i < 120; i++) {
		int64_t ns = 1000 + i % 30 * 100000, began = by_libc(CLOCK_MONOTONIC);

		doze(i % 4, ns);
		CHECK(by_libc(CLOCK_MONOTONIC) - began >= ns);
	}
	rested = true;
	pthread_join(watcher, NULL);
}

static void others_are_there(void)
{
	static const clockid_t clocks[] = {CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_MONOTONIC_RAW,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_REALTIME_COARSE};
	int64_t now = by_libc(CLOCK_REALTIME);
	struct timespec resolution;
	struct timeval both;
	time_t seconds;

	CHECK(gettimeofday(&both, NULL) == 0);
	CHECK(both.tv_usec < 1000000 &&
		both.tv_sec * 1000000000 + both.tv_usec * 1000 + 999 >= now);
	CHECK(time(&seconds) == seconds && seconds >= both.tv_sec - 1);
	for (unsigned i = 0; i < sizeof(clocks) / sizeof(clocks[0]); i++) {
		CHECK(by_libc(clocks[i]) >= 0);
		CHECK(clock_getres(clocks[i], &resolution) == 0 && resolution.tv_nsec > 0);
	}
	CHECK(clock_getres(CLOCK_MONOTONIC, &resolution) == 0 && resolution.tv_nsec == 1);
	CHECK(clock_getres(CLOCK_REALTIME, NULL) == 0);
	CHECK(clock_gettime(99, &resolution) == -1 && errno == EINVAL);
	CHECK(clock_getres(99, &resolution) == -1 && errno == EINVAL);
}

/* ---- Where it comes from ---- */

/* An area by its name in /proc/self/maps. */
static bool find_area(const char *name, char **start, char **end, char *rights)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	bool found = false;
	char line[512];

	CHECK(maps);
	while (!found && fgets(line, sizeof(line), maps))
		found = strstr(line, name) &&
			sscanf(line, "%p-%p %4s", (void **)start, (void **)end, rights) == 3;
	fclose(maps);
	return found;
}

static char *code(void)
{
	return (char *)getauxval(AT_SYSINFO_EHDR);
}

static void it_is_mapped(void)
{
	char *start, *end, rights[5];

	if (!code())
		return;
	CHECK(memcmp(code(), ELFMAG, SELFMAG) == 0);
	CHECK(find_area("[vdso]", &start, &end, rights));
	CHECK(start == code() && strcmp(rights, "r-xp") == 0);
	CHECK(find_area("[vvar]", &start, &end, rights));
	CHECK(end <= code() && strcmp(rights, "r--p") == 0);
}

static void crash_by_writing(char *at)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (child == 0) {
		*(volatile char *)at = 1;
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
}

/* In this process only, if at all. */
static void spoil(char *start, char *end)
{
	if (mprotect(start, (size_t)(end - start), PROT_READ | PROT_WRITE) == 0)
		memset(start, 0xff, (size_t)(end - start));
}

static void it_is_nobodys_to_change(void)
{
	char *start, *end, rights[5];
	int64_t before = by_call(CLOCK_MONOTONIC);
	int status;
	pid_t child;

	if (!code())
		return;
	CHECK(find_area("[vvar]", &start, &end, rights));
	crash_by_writing(start);
	crash_by_writing(code());
	CHECK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, start) == -1 && errno == EFAULT);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		spoil(start, end);
		spoil(code(), code() + PAGE);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0);
	CHECK(memcmp(code(), ELFMAG, SELFMAG) == 0);
	for (int i = 0; i < 100; i++) {
		int64_t now = by_libc(CLOCK_MONOTONIC);

		CHECK(before <= now && now <= by_call(CLOCK_MONOTONIC));
		before = now;
		usleep(100);
	}
}

/* A function of the vDSO's by its name. */
static void *function(const char *wanted)
{
	const Elf64_Ehdr *file = (void *)code();
	const Elf64_Phdr *parts = (void *)(code() + file->e_phoff);
	const Elf64_Sym *symbols = NULL;
	const uint32_t *hash = NULL;
	const char *names = NULL;

	for (int i = 0; i < file->e_phnum; i++) {
		const Elf64_Dyn *each = (void *)(code() + parts[i].p_offset);

		if (parts[i].p_type != PT_DYNAMIC)
			continue;
		for (; each->d_tag != DT_NULL; each++) {
			symbols = each->d_tag == DT_SYMTAB ? (void *)(code() + each->d_un.d_ptr)
							   : symbols;
			names = each->d_tag == DT_STRTAB ? code() + each->d_un.d_ptr : names;
			hash = each->d_tag == DT_HASH ? (void *)(code() + each->d_un.d_ptr) : hash;
		}
	}
	for (uint32_t i = 0; symbols && names && hash && i < hash[1]; i++)
		if (strcmp(names + symbols[i].st_name, wanted) == 0)
			return code() + symbols[i].st_value;
	return NULL;
}

static void it_moves(void)
{
	char *start, *end, rights[5], *place;
	int (*gettime)(clockid_t clock, struct timespec * time);
	struct timespec time;
	size_t bytes;

	if (!code() || fork() != 0) {
		int status = 0;

		CHECK(!code() || (wait(&status) > 0 && status == 0));
		return;
	}
	CHECK(find_area("[vvar]", &start, &end, rights));
	gettime = function("__vdso_clock_gettime");
	CHECK(gettime && function("__vdso_gettimeofday") && function("__vdso_time") &&
		function("__vdso_clock_getres"));
	/* libc goes on with the old ones: nothing that asks for the time, from here on. */
	bytes = (size_t)(code() - start) + PAGE;
	if (bytes != 2 * PAGE)
		_exit(0); /* a kernel's own, which moves as a whole */
	place = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(place != MAP_FAILED);
	for (size_t done = 0; done < bytes; done += PAGE)
		CHECK(mremap(start + done, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			      place + done) == place + done);
	gettime = (void *)((char *)gettime + (place - start));
	CHECK(gettime(CLOCK_MONOTONIC, &time) == 0);
	CHECK(to_ns(&time) <= by_call(CLOCK_MONOTONIC));
	CHECK(munmap(place, bytes) == 0);
	CHECK(by_call(CLOCK_MONOTONIC) >= to_ns(&time));
	_exit(0);
}

static const struct check checks[] = {
	{"both ways agree", both_ways_agree},
	{"time never goes back", time_never_goes_back},
	{"it keeps pace", it_keeps_pace},
	{"sleeps are not short", sleeps_are_not_short},
	{"others are there", others_are_there},
	{"it is mapped", it_is_mapped},
	{"it is nobody's to change", it_is_nobodys_to_change},
	{"it moves", it_moves},
	{NULL, NULL},
};

int main(int argc, char **argv)
{
	(void)argc;
	return check_all(checks, argv);
}
