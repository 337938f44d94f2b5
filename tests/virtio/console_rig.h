/* SPDX-License-Identifier: MIT */
/* A console device with a driver on one side, and on the other ends that note what they get. */
#ifndef KEG_TESTS_VIRTIO_CONSOLE_RIG_H
#define KEG_TESTS_VIRTIO_CONSOLE_RIG_H

#include "driver.h"
#include "virtio/console.h"

enum {
	CONSOLE_PAGE = 4096,
	CONSOLE_TEXT = 1 << 16,
	CONSOLE_MEMORY = 4 << 20,
	CONTROL_RX = 2, /* section 5.3.2 */
	CONTROL_TX = 3,
};
#define CONSOLE_F(bit) (UINT64_C(1) << VIRTIO_CONSOLE_F_##bit)

/* What a port's other end has got. */
struct console_end {
	struct console_rig *rig;
	char text[CONSOLE_TEXT];
	size_t count;
	unsigned rooms;
};

struct console_rig {
	struct driver driver;
	struct keg_virtio_console console;
	pthread_mutex_t lock; /* the ends' notes */
	pthread_cond_t told;
	struct console_end ends[KEG_VIRTIO_CONSOLE_PORTS];
	keg_gpa page;
	uint8_t *host; /* the page */
};

/* A console of so many ports, named "console", "port1", …; its driver has not begun. */
struct console_rig *console_rig_make(size_t ports);
void console_rig_end(struct console_rig *rig);

/* Makes the driver ready with all that there is. */
void console_rig_start(struct console_rig *rig, uint64_t features);

/* What the guest writes to a queue, as one buffer, until the device gives it back. */
void console_rig_write(struct console_rig *rig, uint16_t queue, const void *bytes, uint32_t count);

/* Gives the device a buffer to fill, at `at` of the page; console_rig_read() waits for it, and
 * returns its length. */
void console_rig_offer(struct console_rig *rig, uint16_t queue, uint32_t at, uint32_t count);
uint32_t console_rig_read(struct console_rig *rig, uint16_t queue);

/* Sends a message about a port; and waits for the device's next one, which must be about that port,
 * and is left in the page. Returns how many bytes follow it. */
void console_rig_tell(struct console_rig *rig, uint32_t port, uint16_t event, uint16_t value);
uint32_t console_rig_hear(struct console_rig *rig, uint32_t port, uint16_t event, uint16_t value);

/* Waits until an end has got so many bytes, or was told of room so often. */
void console_rig_wait_text(struct console_rig *rig, size_t port, size_t count);
void console_rig_wait_rooms(struct console_rig *rig, size_t port, unsigned rooms);

#endif
