/* SPDX-License-Identifier: MIT */
/* What is behind a region: memory of this process, made in one of several ways. */
#include <sys/mman.h>
#include <unistd.h>

#include "base/error.h"
#include "mem/region.h"

/* <linux/memfd.h> and mmap(2): the size of huge pages is a power of two in these bits. */
#ifndef MFD_HUGETLB
#define MFD_HUGETLB 4U
#endif
enum { HUGE_SHIFT_2M = 21 << 26, HUGE_SHIFT_1G = 30 << 26 };

static const uint64_t huge_2m = 1ULL << 21;
static const uint64_t huge_1g = 1ULL << 30;

uint64_t keg_backing_alignment(uint32_t flags)
{
	if (flags & KEG_REGION_HUGE_1G)
		return huge_1g;
	if (flags & KEG_REGION_HUGE_2M)
		return huge_2m;
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The part of mmap(2)'s and memfd_create(2)'s flags that chooses huge pages: the same bits in both.
 */
static unsigned int huge_bits(uint32_t flags, unsigned int hugetlb)
{
	if (flags & KEG_REGION_HUGE_1G)
		return hugetlb | (unsigned int)HUGE_SHIFT_1G;
	if (flags & KEG_REGION_HUGE_2M)
		return hugetlb | (unsigned int)HUGE_SHIFT_2M;
	return 0;
}

static int mapping_failed(const struct keg_region *region, const char *what)
{
	int error = errno;

	if (region->flags & (KEG_REGION_HUGE_2M | KEG_REGION_HUGE_1G))
		return keg_fail_errno(error,
			"region '%s': %s 0x%llx bytes of huge pages (are enough reserved in "
			"/proc/sys/vm/nr_hugepages?)",
			region->name, what, (unsigned long long)region->bytes);
	return keg_fail_errno(error, "region '%s': %s 0x%llx bytes", region->name, what,
		(unsigned long long)region->bytes);
}

static int map(struct keg_region *region, void *address, int protection, int flags, int fd,
	uint64_t offset)
{
	void *host = mmap(address, region->bytes, protection, flags, fd, (off_t)offset);

	if (host == MAP_FAILED)
		return mapping_failed(region, "mapping");
	region->host = host;
	region->owned = true;
	return 0;
}

/*
 * For transparent huge pages, guest and host addresses must agree modulo 2 MiB: reserves more
 * address space than is needed, and gives back what sticks out.
 */
static int map_congruent(struct keg_region *region)
{
	uint64_t slack = huge_2m, bytes = region->bytes, before;
	uint8_t *reserved;

	if (bytes > SIZE_MAX - slack) {
		errno = ENOMEM;
		return mapping_failed(region, "reserving");
	}
	reserved = mmap(
		NULL, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (reserved == MAP_FAILED)
		return mapping_failed(region, "reserving");
	before = (region->gpa - (uintptr_t)reserved) & (huge_2m - 1);
	if (before)
		munmap(reserved, before);
	munmap(reserved + before + bytes, slack - before);
	if (mprotect(reserved + before, bytes, PROT_READ | PROT_WRITE)) {
		int rc = mapping_failed(region, "mapping");

		munmap(reserved + before, bytes);
		return rc;
	}
	region->host = reserved + before;
	region->owned = true;
	return 0;
}

static int create_anonymous(struct keg_region *region, const struct keg_region_config *config)
{
	unsigned int huge = huge_bits(region->flags, MAP_HUGETLB);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	int rc;

	(void)config;
	/* Huge pages are reserved now: an empty pool would be SIGBUS when they are touched. */
	if (!(region->flags & KEG_REGION_THP))
		return map(region, NULL, PROT_READ | PROT_WRITE,
			flags | (huge ? (int)huge : MAP_NORESERVE), -1, 0);
	rc = map_congruent(region);
	if (!rc) {
		/* A kernel without them leaves small pages, which is what it can do. */
		(void)madvise(region->host, region->bytes, MADV_HUGEPAGE);
	}
	return rc;
}

static int create_memfd(struct keg_region *region, const struct keg_region_config *config)
{
	unsigned int flags = MFD_CLOEXEC | huge_bits(region->flags, MFD_HUGETLB);
	int rc;

	(void)config;
	region->fd = memfd_create(region->name, flags);
	if (region->fd < 0)
		return mapping_failed(region, "making a memfd of");
	if (ftruncate(region->fd, (off_t)region->bytes))
		rc = mapping_failed(region, "sizing a memfd of");
	else
		rc = map(region, NULL, PROT_READ | PROT_WRITE, MAP_SHARED, region->fd, 0);
	if (rc) {
		close(region->fd);
		region->fd = -1;
	}
	return rc;
}

/* A file's size; its position stays as it was. Block devices tell it to lseek(2) only. */
static off_t size_of_file(int fd)
{
	off_t position = lseek(fd, 0, SEEK_CUR);
	off_t end = position < 0 ? -1 : lseek(fd, 0, SEEK_END);

	return end < 0 || lseek(fd, position, SEEK_SET) < 0 ? -1 : end;
}

static int create_file(struct keg_region *region, const struct keg_region_config *config)
{
	bool private = region->flags & KEG_REGION_PRIVATE;
	bool writable = private || !(region->flags & KEG_REGION_READONLY);
	off_t end = size_of_file(config->fd);

	if (end < 0)
		return keg_fail_errno(
			errno, "region '%s': file descriptor %d", region->name, config->fd);
	if (config->offset > (uint64_t)end || region->bytes > (uint64_t)end - config->offset)
		return keg_fail(ERANGE,
			"region '%s': the file has 0x%llx bytes, too few for 0x%llx at 0x%llx",
			region->name, (unsigned long long)end, (unsigned long long)region->bytes,
			(unsigned long long)config->offset);
	return map(region, NULL, writable ? PROT_READ | PROT_WRITE : PROT_READ,
		private ? MAP_PRIVATE : MAP_SHARED, config->fd, config->offset);
}

static int create_caller(struct keg_region *region, const struct keg_region_config *config)
{
	region->host = config->host;
	return 0;
}

static int create_none(struct keg_region *region, const struct keg_region_config *config)
{
	(void)region;
	(void)config;
	return 0;
}

int keg_backing_create(struct keg_region *region, const struct keg_region_config *config)
{
	static int (*const create[])(struct keg_region *, const struct keg_region_config *) = {
		[KEG_BACKING_ANONYMOUS] = create_anonymous,
		[KEG_BACKING_MEMFD] = create_memfd,
		[KEG_BACKING_FILE] = create_file,
		[KEG_BACKING_CALLER] = create_caller,
		[KEG_BACKING_NONE] = create_none,
	};

	region->fd = -1;
	return create[config->backing](region, config);
}

void keg_backing_destroy(struct keg_region *region)
{
	if (region->owned)
		munmap(region->host, region->bytes);
	if (region->fd >= 0)
		close(region->fd);
	region->host = NULL;
	region->owned = false;
	region->fd = -1;
}
