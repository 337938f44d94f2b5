/* SPDX-License-Identifier: MIT */
/* Disks of every kind behind block devices: made, and asked for all that there is to ask. */
#include <endian.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/virtio_blk.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "fault/device.h"
#include "virtio/block.h"

enum {
	IMAGE = 1 << 20,
	DATA = 8192,
	PART = 512,
	NOT_ANSWERED = 0xee,
	SECTOR = 8,
};

static struct disk {
	struct keg_disk *disk;
	struct keg_virtio_block block;
	bool made;
	char path[64];
	uint32_t flags;
	keg_gpa header, status, data;
	uint8_t *host_header, *host_status, *host_data;
} now;

static char loop_device[32]; /* "": there is none to be had */

static void end_disk(struct rig *rig)
{
	(void)rig;
	device_reset();
	if (now.made)
		keg_virtio_block_fini(&now.block);
	keg_disk_close(now.disk);
	device_end();
	if (strcmp(now.path, loop_device))
		unlink(now.path);
}

static int make_image(void)
{
	int fd;

	strcpy(now.path, "/var/tmp/keg-fault-XXXXXX");
	fd = mkostemp(now.path, O_CLOEXEC);
	if (fd < 0 || ftruncate(fd, IMAGE)) {
		perror("fault: an image");
		exit(EXIT_FAILURE);
	}
	close(fd);
	return 0;
}

static int begin(struct rig *rig, uint32_t flags)
{
	/* A part of a page, so that O_DIRECT cannot take it as it is. */
	enum { ODD = 16 };

	memset(&now, 0, sizeof(now));
	now.flags = flags;
	device_make_memory(rig);
	rig->end = end_disk;
	now.header = driver_alloc(&device_driver, 32, 16);
	now.status = driver_alloc(&device_driver, 2, 1);
	now.data = driver_alloc(&device_driver, DATA + ODD, 4096) + ODD;
	now.host_header = driver_host(&device_driver, now.header, 32);
	now.host_status = driver_host(&device_driver, now.status, 2);
	now.host_data = driver_host(&device_driver, now.data, DATA);
	return make_image();
}

static int begin_plain(struct rig *rig)
{
	return begin(rig, 0);
}

static int begin_threads(struct rig *rig)
{
	return begin(rig, KEG_DISK_THREADS);
}

static int begin_scratch(struct rig *rig)
{
	return begin(rig, KEG_DISK_SCRATCH);
}

static int begin_direct(struct rig *rig)
{
	int rc = begin(rig, KEG_DISK_DIRECT | KEG_DISK_THREADS);
	int fd = open(now.path, O_RDWR | O_DIRECT | O_CLOEXEC);

	if (fd < 0 && errno == EINVAL)
		return keg_fail(ENOTSUP, "a file system without O_DIRECT");
	close(fd);
	return rc;
}

/* ---- A block device ---- */

/* It goes when the process does, which keeps it open. */
static void prepare_device(void)
{
	const struct loop_info64 info = {.lo_flags = LO_FLAGS_AUTOCLEAR};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC), loop, image;
	long number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
	char path[32];

	if (control >= 0)
		close(control);
	if (number < 0)
		return;
	snprintf(path, sizeof(path), "/dev/loop%ld", number);
	make_image();
	image = open(now.path, O_RDWR | O_CLOEXEC);
	loop = open(path, O_RDWR | O_CLOEXEC);
	if (image >= 0 && loop >= 0 && !ioctl(loop, LOOP_SET_FD, image) &&
		!ioctl(loop, LOOP_SET_STATUS64, &info))
		strcpy(loop_device, path);
	if (image >= 0)
		close(image);
	unlink(now.path);
}

static int begin_device(struct rig *rig)
{
	if (!loop_device[0])
		return keg_fail(ENOTSUP, "no loop device");
	begin(rig, KEG_DISK_THREADS);
	/* The image that was made is not needed. */
	unlink(now.path);
	strcpy(now.path, loop_device);
	return 0;
}

static int open_disk(struct rig *rig)
{
	const struct keg_disk_config config = {
		.size = sizeof(config), .path = now.path, .flags = now.flags};

	(void)rig;
	return keg_disk_open(&config, &now.disk);
}

static int make(struct rig *rig)
{
	const struct keg_virtio_block_config config = {.queue_size = 16};
	int rc = keg_virtio_block_init(&now.block, device_driver.memory.mem, now.disk, &config);

	(void)rig;
	now.made = !rc;
	return rc;
}

/* ---- Requests ---- */

static int request(uint32_t type, uint64_t sector, uint32_t bytes)
{
	const bool reads = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
	const struct virtio_blk_outhdr header = {.type = htole32(type), .sector = htole64(sector)};
	struct driver_buffer buffers[3] = {{now.header, 16, false}};
	unsigned int count = 1;
	int rc;

	memcpy(now.host_header, &header, sizeof(header));
	*now.host_status = NOT_ANSWERED;
	if (bytes)
		buffers[count++] = (struct driver_buffer){now.data, bytes, reads};
	buffers[count++] = (struct driver_buffer){now.status, 1, true};
	rc = device_request(0, buffers, count);
	if (rc < 0)
		return rc;
	if (*now.host_status == NOT_ANSWERED)
		return RIG_WRONG("a request of type %u came back without a status", type);
	if (*now.host_status)
		return keg_fail(EIO, "a request of type %u: status %u", type, *now.host_status);
	return 0;
}

static int write_and_read(uint64_t sector, uint32_t bytes, uint8_t seed)
{
	int rc;

	memset(now.host_data, seed, bytes);
	rc = request(VIRTIO_BLK_T_OUT, sector, bytes);
	memset(now.host_data, 0, bytes);
	if (!rc)
		rc = request(VIRTIO_BLK_T_IN, sector, bytes);
	for (uint32_t i = 0; !rc && i < bytes; i++)
		if (now.host_data[i] != seed)
			rc = RIG_WRONG("byte %u of sector %u is not what was written", i,
				(unsigned int)sector);
	return rc;
}

/* Of two sectors, one page or a part of one: by discarding, or writing zeros. */
static int clear(uint32_t type, uint32_t flags)
{
	const struct virtio_blk_discard_write_zeroes range = {
		.sector = htole64(SECTOR), .num_sectors = htole32(8), .flags = htole32(flags)};
	int rc;

	memcpy(now.host_data, &range, sizeof(range));
	rc = request(type, 0, sizeof(range));
	if (rc || type == VIRTIO_BLK_T_DISCARD)
		return rc;
	memset(now.host_data, 1, PART);
	rc = request(VIRTIO_BLK_T_IN, SECTOR, PART);
	for (uint32_t i = 0; !rc && i < PART; i++)
		if (now.host_data[i])
			rc = RIG_WRONG("what was zeroed is not zeros");
	return rc;
}

static int start(uint64_t not )
{
	return device_start(&now.block.device, now.block.device.offered & ~not );
}

static int move(struct rig *rig)
{
	int rc = start(0);

	(void)rig;
	if (!rc)
		rc = write_and_read(SECTOR, DATA, 3);
	if (!rc)
		rc = write_and_read(SECTOR + 1, PART, 5);
	if (!rc)
		rc = write_and_read(100, PART, 7);
	return rc;
}

/* One that is answered at once, from the cache, with one that is not. */
static int overlap(struct rig *rig)
{
	const struct virtio_blk_outhdr headers[2] = {
		{.type = htole32(VIRTIO_BLK_T_OUT), .sector = htole64(SECTOR + 1)},
		{.type = htole32(VIRTIO_BLK_T_IN), .sector = htole64(SECTOR)}};
	int rc = start(0);

	(void)rig;
	if (!rc)
		rc = write_and_read(SECTOR, DATA, 3);
	if (rc)
		return rc;
	for (unsigned int i = 0; i < 2; i++) {
		const keg_gpa header = now.header + 16 * i, data = now.data + PART * i;
		const struct driver_buffer buffers[3] = {
			{header, 16, false}, {data, PART, i == 1}, {now.status + i, 1, true}};

		memcpy(now.host_header + 16 * (size_t)i, &headers[i], sizeof(headers[i]));
		now.host_status[i] = NOT_ANSWERED;
		driver_add(&device_driver, 0, buffers, 3);
	}
	driver_publish(&device_driver, 0);
	driver_kick(&device_driver, 0);
	rc = device_take(0);
	if (rc >= 0)
		rc = device_take(0);
	if (rc >= 0 && (now.host_status[0] || now.host_status[1]))
		rc = keg_fail(EIO, "statuses %u and %u", now.host_status[0], now.host_status[1]);
	return rc;
}

/* What a write cache promises. */
static int flush(struct rig *rig)
{
	int rc = start(0);

	(void)rig;
	return rc ? rc : request(VIRTIO_BLK_T_FLUSH, 0, 0);
}

/* Without flushes a write is safe when it is answered. */
static int write_through(struct rig *rig)
{
	int rc = start(UINT64_C(1) << VIRTIO_BLK_F_FLUSH);

	(void)rig;
	return rc ? rc : write_and_read(SECTOR, PART, 9);
}

static bool offers(unsigned int feature)
{
	return now.block.device.offered >> feature & 1;
}

static int clear_all(struct rig *rig)
{
	int rc = start(0);

	(void)rig;
	if (!rc && offers(VIRTIO_BLK_F_WRITE_ZEROES))
		rc = clear(VIRTIO_BLK_T_WRITE_ZEROES, 0);
	if (!rc && offers(VIRTIO_BLK_F_WRITE_ZEROES))
		rc = clear(VIRTIO_BLK_T_WRITE_ZEROES, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	if (!rc && offers(VIRTIO_BLK_F_DISCARD))
		rc = clear(VIRTIO_BLK_T_DISCARD, 0);
	return rc;
}

/* A flush, as which a write through counts, that has failed fails from then on. */
#define STEPS                                                                                      \
	FAULT_STEP_FOR("open", open_disk, 0, "measure_device"), FAULT_STEP("make", make, 0),       \
		FAULT_STEP("move", move, FAULT_FORGIVING),                                         \
		FAULT_STEP("overlap", overlap, FAULT_FORGIVING),                                   \
		FAULT_STEP_FOR("clear", clear_all, FAULT_FORGIVING, "discard"),                    \
		FAULT_STEP("write through", write_through, FAULT_FORGIVING | FAULT_NOT_AGAIN),     \
		FAULT_STEP("flush", flush, FAULT_FORGIVING | FAULT_NOT_AGAIN)

static const struct fault_step plain_steps[] = {
	FAULT_STEP("begin", begin_plain, FAULT_SETUP), STEPS};
static const struct fault_step threads_steps[] = {
	FAULT_STEP("begin", begin_threads, FAULT_SETUP), STEPS};
static const struct fault_step scratch_steps[] = {
	FAULT_STEP("begin", begin_scratch, FAULT_SETUP), STEPS};
static const struct fault_step direct_steps[] = {
	FAULT_STEP("begin", begin_direct, FAULT_SETUP | FAULT_GATE), STEPS};

static const struct fault_step device_steps[] = {
	FAULT_STEP("begin", begin_device, FAULT_SETUP | FAULT_GATE), STEPS};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("disk", plain_steps, .threads = true, .sealed = true),
	FAULT_SCENARIO("disk-threads", threads_steps, .threads = true, .sealed = true),
	FAULT_SCENARIO("disk-scratch", scratch_steps, .threads = true, .sealed = true),
	FAULT_SCENARIO("disk-direct", direct_steps, .threads = true, .sealed = true),
	FAULT_SCENARIO("disk-device", device_steps, .prepare = prepare_device, .threads = true,
		.sealed = true, .brief = true),
};

const struct fault_suite fault_disks = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
