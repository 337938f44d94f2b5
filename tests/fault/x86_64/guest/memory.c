/* SPDX-License-Identifier: MIT */
/* Memory of its own, and of files. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>

#include "guest.h"

enum { PAGE = 4096, LARGE = 2 << 20 };

static char *map(size_t bytes, int protection)
{
	char *at = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	MUST(at != MAP_FAILED);
	return at;
}

static void share(void)
{
	int id = shmget(IPC_PRIVATE, 2 * PAGE, IPC_CREAT | 0600);
	struct shmid_ds about;
	char *at;

	MUST(id >= 0 && (at = shmat(id, NULL, 0)) != (void *)-1);
	at[0] = 1;
	MUST(shmctl(id, IPC_STAT, &about) == 0 && about.shm_nattch == 1);
	MUST(shmctl(id, IPC_RMID, NULL) == 0 && shmdt(at) == 0);
}

void guest_memory(void)
{
	char *at = map(100 * PAGE, PROT_READ | PROT_WRITE), *large;
	unsigned char core[100];

	/* Every other page is another area. */
	for (int i = 0; i < 100; i += 2)
		MUST(mprotect(at + i * PAGE, PAGE, PROT_READ) == 0);
	for (int i = 1; i < 100; i += 2)
		at[i * PAGE] = 1;
	prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, at, 100 * PAGE, "some");
	MUST(madvise(at, 10 * PAGE, MADV_DONTNEED) == 0 && mincore(at, PAGE, core) == 0);
	at = mremap(at, PAGE, 2 * LARGE, MREMAP_MAYMOVE);
	MUST(at != MAP_FAILED && munmap(at, 2 * LARGE) == 0);
	large = map(4 * LARGE, PROT_READ | PROT_WRITE);
	for (int i = 0; i < 4 * LARGE; i += LARGE / 8)
		large[i] = 1;
	MUST(madvise(large, 4 * LARGE, MADV_DONTNEED) == 0 && !large[0]);
	MUST(mprotect(large, LARGE, PROT_NONE) == 0 && munmap(large, 4 * LARGE) == 0);
	MUST(sbrk(64 * PAGE) != (void *)-1 && mlock(core, 1) == 0);
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	MUST(at != MAP_FAILED);
	at[0] = 1;
	MUST(msync(at, PAGE, MS_SYNC) == 0);
	share();
}

void guest_mapped(void)
{
	int fd = open("/tmp/m", O_RDWR | O_CREAT, 0600), own = open("/guest", O_RDONLY);
	char *shared, *private, *zero, byte;

	MUST(fd >= 0 && ftruncate(fd, 64 * PAGE) == 0 && own >= 0);
	shared = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, own, 0);
	MUST(shared != MAP_FAILED && private != MAP_FAILED && private[0] == 0x7f);
	for (int i = 0; i < 64; i += 7)
		shared[i * PAGE] = 'x';
	private[PAGE] = 1;
	MUST(msync(shared, 64 * PAGE, MS_SYNC) == 0 && pread(fd, &byte, 1, 0) == 1);
	MUST(byte == 'x' && pwrite(fd, "y", 1, 1) == 1 && shared[1] == 'y');
	MUST(ftruncate(fd, 32 * PAGE) == 0 && close(fd) == 0);
	shared[7 * PAGE] = 'z';
	MUST(munmap(shared, 64 * PAGE) == 0 && munmap(private, 8 * PAGE) == 0);
	MUST((fd = open("/tmp/n", O_RDWR | O_CREAT, 0600)) >= 0 && ftruncate(fd, PAGE) == 0);
	/* First by one who may only read. */
	MUST((own = open("/tmp/n", O_RDONLY)) >= 0);
	MUST(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, own, 0) != MAP_FAILED);
	shared = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	MUST(shared != MAP_FAILED && ftruncate(fd, 8 * PAGE) == 0);
	shared[5 * PAGE] = 1;
	MUST((fd = open("/dev/zero", O_RDWR)) >= 0);
	zero = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	MUST(zero != MAP_FAILED && !zero[0]);
}

__attribute__((noinline, used)) void halfway(void)
{
	__asm__ volatile("");
}

/* More than keg keeps when it is given back. */
void guest_much(void)
{
	const size_t bytes = 80 << 20;
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	MUST(at != MAP_FAILED);
	halfway();
	MUST(munmap(at, bytes) == 0);
}
