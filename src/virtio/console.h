/* SPDX-License-Identifier: MIT */
/*
 * The console device (virtio 1.2, section 5.3): port 0 is a terminal, the others are channels with
 * names. One thread serves all of it while the driver is ready.
 *
 * With one port there is no MULTIPORT: the terminal's size is then told through the configuration
 * space. As a message (RESIZE) its two numbers have been read the wrong way round by Linux for
 * years, and now are not.
 */
#ifndef KEG_VIRTIO_CONSOLE_H
#define KEG_VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>

#include "base/loop.h"
#include "virtio/device.h"

enum {
	KEG_VIRTIO_CONSOLE_PORTS = 16, /* at most */
	KEG_VIRTIO_CONSOLE_NAME = 32,  /* a port's name, with its NUL */
};

/* The other end of a port. */
struct keg_virtio_console_end {
	const char *name;
	/* What the guest writes: one call at a time for each console, in any thread. May be NULL.
	 */
	void (*output)(void *context, const void *bytes, size_t count);
	/* There is room again, after keg_virtio_console_input() had too little. May be NULL. */
	void (*room)(void *context);
	void *context;
};

struct keg_virtio_console_port;
struct keg_virtio_console_queue;

struct keg_virtio_console {
	struct keg_virtio device; /* first: the class finds the rest by it */
	struct virtio_console_config config;
	struct keg_virtio_console_port *ports;
	uint32_t port_count;
	struct keg_virtio_console_queue *queues; /* a source for each */

	struct keg_loop loop;
	struct keg_loop_source wake_source;
	int wake;              /* an eventfd: there is input, or something to tell */
	_Atomic bool announce; /* the size is to be told */
	_Atomic bool stopping;
	_Atomic uint32_t size;       /* of the terminal: columns, and rows in the upper half */
	pthread_mutex_t input_lock;  /* the ports' input */
	pthread_mutex_t output_lock; /* held while an output() is called */
};

/* Makes a console of 1 to 16 ports; names are copied. -EINVAL, -ENOMEM, -EMFILE */
int keg_virtio_console_init(struct keg_virtio_console *console, struct keg_mem *mem,
	const struct keg_virtio_console_end *ends, size_t count);
void keg_virtio_console_fini(struct keg_virtio_console *console);

/*
 * Bytes for the guest's end of a port. Returns how many there was room for; if that is not all,
 * room() is called once there is more. -ENOENT there is no such port
 */
ssize_t keg_virtio_console_input(
	struct keg_virtio_console *console, size_t port, const void *bytes, size_t count);

/* Tells the guest how large the terminal is. Any thread. */
void keg_virtio_console_resize(struct keg_virtio_console *console, uint16_t columns, uint16_t rows);

#endif
