/* SPDX-License-Identifier: MIT */
/* A board's virtio devices. */
#include "board/virtio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "board/platform.h"

/* ---- One kind each ---- */

static void fini_block(struct board_virtio *virtio)
{
	keg_virtio_block_fini(&virtio->block);
	keg_disk_close(virtio->disk);
}

/* A queue for each vCPU spares them locks; more than four have not been seen to help. */
static uint32_t default_queues(const struct keg_board *board)
{
	return board->config.cpus < 4 ? board->config.cpus : 4;
}

static int make_block(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	const struct keg_disk_config *given = board->config.disks[index];
	struct keg_virtio_block_config config = {0};
	struct keg_disk_config disk;
	char serial[32]; /* the guest sees the first 20 */
	int rc;

	snprintf(virtio->name, sizeof(virtio->name), "disk%zu", index);
	rc = keg_config_copy(
		&disk, sizeof(disk), given, given ? given->size : 0, "struct keg_disk_config");
	if (!rc)
		rc = keg_disk_open(&disk, &virtio->disk);
	if (rc)
		return keg_fail_within(rc, "%s", virtio->name);
	snprintf(serial, sizeof(serial), "keg%zu", index);
	config.queues = disk.queues ? disk.queues : default_queues(board);
	config.serial = disk.serial ? disk.serial : serial;
	rc = keg_virtio_block_init(&virtio->block, board->mem, virtio->disk, &config);
	if (rc) {
		keg_disk_close(virtio->disk);
		return keg_fail_within(rc, "%s", virtio->name);
	}
	virtio->device = &virtio->block.device;
	virtio->fini = fini_block;
	return 0;
}

static void fini_net(struct board_virtio *virtio)
{
	keg_virtio_net_fini(&virtio->net);
	keg_netdev_close(virtio->netdev);
}

static int make_net(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	int rc;

	snprintf(virtio->name, sizeof(virtio->name), "net%zu", index);
	rc = keg_netdev_open(board->config.nets[index], &virtio->netdev);
	if (rc)
		return keg_fail_within(rc, "%s", virtio->name);
	rc = keg_virtio_net_init(&virtio->net, board->mem, virtio->netdev, 0);
	if (rc) {
		keg_netdev_close(virtio->netdev);
		return keg_fail_within(rc, "%s", virtio->name);
	}
	virtio->device = &virtio->net.device;
	virtio->fini = fini_net;
	return 0;
}

static void fini_console(struct board_virtio *virtio)
{
	keg_virtio_console_fini(&virtio->console);
}

static int get_ends(const struct keg_board_config *config,
	struct keg_virtio_console_end ends[KEG_VIRTIO_CONSOLE_PORTS])
{
	int rc = 0;

	for (size_t i = 0; !rc && i < config->port_count; i++) {
		const struct keg_port_config *given = config->ports[i];
		struct keg_port_config port;

		rc = keg_config_copy(&port, sizeof(port), given, given ? given->size : 0,
			"struct keg_port_config");
		ends[i] = (struct keg_virtio_console_end){
			.name = port.name,
			.output = port.output,
			.room = port.room,
			.context = port.context,
		};
	}
	return rc;
}

static int make_console(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	struct keg_virtio_console_end ends[KEG_VIRTIO_CONSOLE_PORTS];
	size_t count = board->config.port_count;
	int rc;

	(void)index;
	snprintf(virtio->name, sizeof(virtio->name), "console");
	if (count > KEG_VIRTIO_CONSOLE_PORTS)
		return keg_fail(EINVAL, "a console of %zu ports: %d at most", count,
			(int)KEG_VIRTIO_CONSOLE_PORTS);
	rc = get_ends(&board->config, ends);
	if (!rc)
		rc = keg_virtio_console_init(&virtio->console, board->mem, ends, count);
	if (rc)
		return keg_fail_within(rc, "%s", virtio->name);
	virtio->device = &virtio->console.device;
	virtio->fini = fini_console;
	board->virtios->console = virtio;
	return 0;
}

static void fini_entropy(struct board_virtio *virtio)
{
	keg_virtio_entropy_fini(&virtio->entropy);
}

static int make_entropy(struct keg_board *board, struct board_virtio *virtio, size_t index)
{
	int rc = keg_virtio_entropy_init(&virtio->entropy, board->mem);

	(void)index;
	snprintf(virtio->name, sizeof(virtio->name), "entropy");
	if (rc)
		return keg_fail_within(rc, "%s", virtio->name);
	virtio->device = &virtio->entropy.virtio;
	virtio->fini = fini_entropy;
	return 0;
}

/* ---- All of them ---- */

typedef int make_virtio(struct keg_board *board, struct board_virtio *virtio, size_t index);

static void destroy_one(struct keg_board *board, struct board_virtio *virtio)
{
	keg_platform_detach(board, virtio);
	virtio->fini(virtio);
	free(virtio);
}

static int create_one(struct keg_board *board, make_virtio *make, size_t index)
{
	struct board_virtios *virtios = board->virtios;
	struct board_virtio *virtio;
	int rc;

	if (virtios->count == BOARD_VIRTIO_MOST)
		return keg_fail(
			ENOSPC, "a board has room for %d virtio devices", (int)BOARD_VIRTIO_MOST);
	virtio = calloc(1, sizeof(*virtio));
	if (!virtio)
		return keg_fail_errno(ENOMEM, "making a virtio device");
	rc = make(board, virtio, index);
	if (rc) {
		free(virtio);
		return rc;
	}
	rc = keg_platform_attach(board, virtio, virtios->count);
	if (rc) {
		rc = keg_fail_within(rc, "%s", virtio->name);
		virtio->fini(virtio);
		free(virtio);
		return rc;
	}
	virtios->items[virtios->count++] = virtio;
	return 0;
}

static int create_kind(struct keg_board *board, make_virtio *make, size_t count)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < count; i++)
		rc = create_one(board, make, i);
	return rc;
}

int keg_board_virtios_create(struct keg_board *board)
{
	const struct keg_board_config *config = &board->config;
	int rc;

	board->virtios = calloc(1, sizeof(*board->virtios));
	if (!board->virtios)
		return keg_fail_errno(ENOMEM, "making virtio devices");
	rc = create_kind(board, make_block, config->disk_count);
	if (!rc)
		rc = create_kind(board, make_net, config->net_count);
	if (!rc)
		rc = create_kind(board, make_console, config->port_count ? 1 : 0);
	if (!rc)
		rc = create_kind(board, make_entropy, keg_platform_wants_entropy(board) ? 1 : 0);
	return rc;
}

void keg_board_virtios_destroy(struct keg_board *board)
{
	struct board_virtios *virtios = board->virtios;

	if (!virtios)
		return;
	while (virtios->count)
		destroy_one(board, virtios->items[--virtios->count]);
	free(virtios);
	board->virtios = NULL;
}

/* ---- The interface ---- */

ssize_t keg_board_port_input(struct keg_board *board, size_t port, const void *bytes, size_t count)
{
	struct board_virtio *console = board->virtios->console;

	if (!console)
		return keg_fail(ENOENT, "the board has no virtio console");
	return keg_virtio_console_input(&console->console, port, bytes, count);
}

int keg_board_resize_console(struct keg_board *board, uint16_t columns, uint16_t rows)
{
	if (!board->virtios->console)
		return keg_fail(ENOENT, "the board has no virtio console");
	keg_virtio_console_resize(&board->virtios->console->console, columns, rows);
	return 0;
}

int keg_board_get_device_stats(
	struct keg_board *board, size_t index, struct keg_device_stats *stats)
{
	struct keg_virtio_counts counts;
	struct board_virtio *virtio;

	if (index >= board->virtios->count)
		return keg_fail(ENOENT, "the board has %zu virtio devices", board->virtios->count);
	virtio = board->virtios->items[index];
	keg_virtio_count(virtio->device, &counts);
	memset(stats, 0, sizeof(*stats));
	memcpy(stats->name, virtio->name, sizeof(stats->name));
	stats->requests = counts.requests;
	stats->errors = counts.errors;
	stats->bytes_in = counts.bytes_written;
	stats->bytes_out = counts.bytes_read;
	stats->notifications = counts.kicks;
	stats->interrupts = counts.interrupts;
	pthread_mutex_lock(&virtio->device->break_lock);
	memcpy(stats->broken, virtio->device->broken, sizeof(stats->broken));
	pthread_mutex_unlock(&virtio->device->break_lock);
	return 0;
}
