/* SPDX-License-Identifier: MIT */
/* Disk requests through io_uring. */
#include "block/ring.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>

#include "base/error.h"

#if KEG_HAS_LIBURING

#include <liburing.h>

struct keg_ring {
	struct io_uring uring;
	struct keg_disk *disk;
	uint32_t in_flight; /* prepared or begun */
	int watched[KEG_RING_WATCHED];
	uint32_t to_watch;
};

enum {
	DISK_FILE = 0, /* where the disk is among the registered files */
};

/* What each kernel knows, the best first (io_uring_setup(2)): completions only when they are asked
 * for, then only at calls of the kernel, then whenever they come. */
static int set_up(struct io_uring *uring, uint32_t entries)
{
	static const unsigned int flags[] = {
#ifdef IORING_SETUP_DEFER_TASKRUN
		IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL,
#endif
		IORING_SETUP_COOP_TASKRUN | IORING_SETUP_SUBMIT_ALL,
		0,
	};
	int rc = -EINVAL;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && rc == -EINVAL; i++)
		rc = io_uring_queue_init(entries, uring, flags[i]);
	return rc;
}

struct keg_ring *keg_ring_open(struct keg_disk *disk, uint32_t depth)
{
	struct keg_ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		return NULL;
	ring->disk = disk;
	if (set_up(&ring->uring, depth + KEG_RING_WATCHED)) {
		free(ring);
		return NULL;
	}
	if (!io_uring_register_files(&ring->uring, &disk->fd, 1))
		return ring;
	keg_ring_close(ring);
	return NULL;
}

void keg_ring_close(struct keg_ring *ring)
{
	if (!ring)
		return;
	io_uring_queue_exit(&ring->uring);
	free(ring);
}

bool keg_ring_takes(const struct keg_disk *disk, const struct keg_disk_request *request)
{
	if (disk->scratch)
		return false;
	if (request->op == KEG_DISK_OP_FLUSH)
		return true;
	if (request->op != KEG_DISK_OP_READ && request->op != KEG_DISK_OP_WRITE)
		return false;
	/* What the kernel has begun goes on to its end. */
	return request->bytes && !keg_disk_is_large(request) && request->iov_count <= IOV_MAX &&
	       (disk->align == 1 || keg_transfer_is_aligned(disk, request));
}

/* There is room: the ring has an entry for each request and for each eventfd. */
static struct io_uring_sqe *get_entry(struct keg_ring *ring)
{
	struct io_uring_sqe *entry = io_uring_get_sqe(&ring->uring);

	while (!entry) {
		io_uring_submit(&ring->uring);
		entry = io_uring_get_sqe(&ring->uring);
	}
	return entry;
}

static void fill_in(struct io_uring_sqe *entry, const struct keg_disk_request *request)
{
	uint64_t offset = request->offset + request->progress;
	const struct iovec *iov = request->iov;
	bool write = request->op == KEG_DISK_OP_WRITE;

	if (request->op == KEG_DISK_OP_FLUSH)
		io_uring_prep_fsync(entry, DISK_FILE, IORING_FSYNC_DATASYNC);
	else if (request->iov_count == 1)
		io_uring_prep_rw(write ? IORING_OP_WRITE : IORING_OP_READ, entry, DISK_FILE,
			iov->iov_base, (unsigned int)iov->iov_len, offset);
	else
		io_uring_prep_rw(write ? IORING_OP_WRITEV : IORING_OP_READV, entry, DISK_FILE, iov,
			request->iov_count, offset);
	if (write && request->durable)
		entry->rw_flags = RWF_DSYNC;
}

void keg_ring_prepare(struct keg_ring *ring, struct keg_disk_request *request)
{
	struct io_uring_sqe *entry = get_entry(ring);

	fill_in(entry, request);
	io_uring_sqe_set_flags(entry, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data(entry, request);
	ring->in_flight++;
}

bool keg_ring_is_busy(const struct keg_ring *ring)
{
	return ring->in_flight;
}

void keg_ring_watch(struct keg_ring *ring, uint32_t index, int fd)
{
	ring->watched[index] = fd;
	ring->to_watch |= 1U << index;
}

/* One entry hears of every signal from then on: an eventfd wakes its pollers at each write, so it
 * need not be read in between. */
static void begin_to_watch(struct keg_ring *ring)
{
	for (uint32_t i = 0; i < KEG_RING_WATCHED; i++) {
		struct io_uring_sqe *entry;

		if (!(ring->to_watch & 1U << i))
			continue;
		entry = get_entry(ring);
		io_uring_prep_poll_multishot(entry, ring->watched[i], POLLIN);
		io_uring_sqe_set_data(entry, &ring->watched[i]);
	}
	ring->to_watch = 0;
}

int keg_ring_enter(struct keg_ring *ring, bool wait)
{
	int rc;

	begin_to_watch(ring);
	rc = wait ? io_uring_submit_and_wait(&ring->uring, 1)
		  : io_uring_submit_and_get_events(&ring->uring);
	/* Interrupted, or short of memory or room for a moment: the caller comes again. */
	return rc >= 0 || rc == -EINTR || rc == -EAGAIN || rc == -EBUSY ? 0 : rc;
}

/* What an answer means for its request; false if it goes on. */
static bool is_done(struct keg_ring *ring, struct keg_disk_request *request, int answer)
{
	bool moves = request->op != KEG_DISK_OP_FLUSH;

	request->result = answer < 0 ? answer : 0;
	if (answer == -EINTR) {
		keg_ring_prepare(ring, request);
		return false;
	}
	if (!moves)
		request->result = keg_disk_flushed(ring->disk, request->result);
	if (answer < 0 || !moves)
		return true;
	keg_disk_progress(request, (uint64_t)answer);
	if (request->progress == request->bytes)
		return true;
	if (answer) { /* short: the rest, in this thread if it is no longer as the host wants it */
		if (keg_ring_takes(ring->disk, request)) {
			keg_ring_prepare(ring, request);
			return false;
		}
		request->result = keg_disk_perform(ring->disk, request);
	} else {
		request->result = -EIO; /* the image has been cut short */
	}
	return true;
}

struct keg_disk_request *keg_ring_reap(struct keg_ring *ring, uint32_t *signalled)
{
	struct io_uring_cqe *completion;

	while (!io_uring_peek_cqe(&ring->uring, &completion)) {
		int *watched = io_uring_cqe_get_data(completion);
		struct keg_disk_request *request = io_uring_cqe_get_data(completion);
		bool is_watch =
			watched >= ring->watched && watched < ring->watched + KEG_RING_WATCHED;
		bool goes_on = completion->flags & IORING_CQE_F_MORE;
		int answer = completion->res;

		io_uring_cqe_seen(&ring->uring, completion);
		if (is_watch) {
			*signalled |= 1U << (watched - ring->watched);
			if (!goes_on)
				ring->to_watch |= 1U << (watched - ring->watched);
			continue;
		}
		ring->in_flight--;
		if (is_done(ring, request, answer))
			return request;
	}
	return NULL;
}

#else

struct keg_ring *keg_ring_open(struct keg_disk *disk, uint32_t depth)
{
	(void)disk;
	(void)depth;
	return NULL;
}

void keg_ring_close(struct keg_ring *ring)
{
	(void)ring;
}

bool keg_ring_takes(const struct keg_disk *disk, const struct keg_disk_request *request)
{
	(void)disk;
	(void)request;
	return false;
}

void keg_ring_prepare(struct keg_ring *ring, struct keg_disk_request *request)
{
	(void)ring;
	(void)request;
}

bool keg_ring_is_busy(const struct keg_ring *ring)
{
	(void)ring;
	return false;
}

void keg_ring_watch(struct keg_ring *ring, uint32_t index, int fd)
{
	(void)ring;
	(void)index;
	(void)fd;
}

int keg_ring_enter(struct keg_ring *ring, bool wait)
{
	(void)ring;
	(void)wait;
	return -ENOSYS;
}

struct keg_disk_request *keg_ring_reap(struct keg_ring *ring, uint32_t *signalled)
{
	(void)ring;
	(void)signalled;
	return NULL;
}

#endif
