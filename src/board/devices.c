/* SPDX-License-Identifier: MIT */
/* A board's devices: made in the table's order, released in the opposite one. */
#include "board/devices.h"

static void *device_of(struct keg_board *board, const struct board_device *entry)
{
	return (char *)board->platform + entry->offset;
}

static int create_one(struct keg_board *board, const struct board_device *entry)
{
	const struct keg_bus_region region = {
		.name = entry->name,
		.start = entry->start,
		.size = entry->size,
		.ops = entry->ops,
		.device = device_of(board, entry),
	};
	int rc = entry->init ? entry->init(board, region.device) : 0;

	if (rc)
		return rc;
	rc = keg_bus_add(entry->ports ? board->ports : board->memory, &region);
	if (rc && entry->fini)
		entry->fini(region.device);
	return rc;
}

static bool wanted(const struct keg_board *board, const struct board_device *entry)
{
	return !entry->wanted || entry->wanted(board);
}

int keg_board_devices_create(
	struct keg_board *board, const struct board_device *devices, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int rc = wanted(board, &devices[i]) ? create_one(board, &devices[i]) : 0;

		if (rc) {
			keg_board_devices_destroy(board, devices, i);
			return rc;
		}
	}
	return 0;
}

void keg_board_devices_destroy(
	struct keg_board *board, const struct board_device *devices, size_t count)
{
	while (count--) {
		const struct board_device *entry = &devices[count];

		if (!wanted(board, entry))
			continue;
		keg_bus_remove(entry->ports ? board->ports : board->memory, entry->start);
		if (entry->fini)
			entry->fini(device_of(board, entry));
	}
}

void keg_board_console_output(void *context, const void *bytes, size_t count)
{
	struct keg_board *board = context;

	if (board->config.console_output)
		board->config.console_output(board->config.console_context, bytes, count);
}

void keg_board_console_ready(void *context)
{
	struct keg_board *board = context;

	if (board->config.console_room)
		board->config.console_room(board->config.console_context);
}

void keg_board_power_off(void *context)
{
	keg_board_end(context, KEG_END_POWER_OFF, 0, "the guest powered off");
}

void keg_board_reset(void *context)
{
	keg_board_end(context, KEG_END_RESET, 0, "the guest asked to be reset");
}
