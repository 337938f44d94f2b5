/* SPDX-License-Identifier: MIT */
/* A console device, its driver and its ends. */
#include "console_rig.h"

#include <endian.h>
#include <time.h>

#include "testing.h"

static void output(void *context, const void *bytes, size_t count)
{
	struct console_end *end = context;

	pthread_mutex_lock(&end->rig->lock);
	/* What is more than the note holds is counted only. */
	if (end->count + count <= CONSOLE_TEXT)
		memcpy(end->text + end->count, bytes, count);
	end->count += count;
	pthread_cond_broadcast(&end->rig->told);
	pthread_mutex_unlock(&end->rig->lock);
}

static void room(void *context)
{
	struct console_end *end = context;

	pthread_mutex_lock(&end->rig->lock);
	end->rooms++;
	pthread_cond_broadcast(&end->rig->told);
	pthread_mutex_unlock(&end->rig->lock);
}

struct console_rig *console_rig_make(size_t ports)
{
	static const char *const names[KEG_VIRTIO_CONSOLE_PORTS] = {
		"console", "port1", "port2", "port3"};
	struct keg_virtio_console_end ends[KEG_VIRTIO_CONSOLE_PORTS];
	struct console_rig *rig = calloc(1, sizeof(*rig));

	assert_non_null(rig);
	pthread_mutex_init(&rig->lock, NULL);
	pthread_cond_init(&rig->told, NULL);
	for (size_t i = 0; i < ports; i++) {
		rig->ends[i].rig = rig;
		ends[i] = (struct keg_virtio_console_end){names[i], output, room, &rig->ends[i]};
	}
	driver_init(&rig->driver, CONSOLE_MEMORY);
	rig->page = driver_alloc(&rig->driver, CONSOLE_PAGE, CONSOLE_PAGE);
	rig->host = driver_host(&rig->driver, rig->page, CONSOLE_PAGE);
	assert_ok(keg_virtio_console_init(&rig->console, rig->driver.memory.mem, ends, ports));
	driver_attach(&rig->driver, &rig->console.device);
	return rig;
}

void console_rig_end(struct console_rig *rig)
{
	driver_fini(&rig->driver);
	keg_virtio_console_fini(&rig->console);
	pthread_cond_destroy(&rig->told);
	pthread_mutex_destroy(&rig->lock);
	free(rig);
}

void console_rig_start(struct console_rig *rig, uint64_t features)
{
	driver_start(&rig->driver, &rig->console.device, features);
}

/* ---- The driver's side ---- */

void console_rig_write(struct console_rig *rig, uint16_t queue, const void *bytes, uint32_t count)
{
	const struct driver_buffer one = {rig->page + CONSOLE_PAGE / 2, count, false};

	assert_true(count <= CONSOLE_PAGE / 2);
	memcpy(rig->host + CONSOLE_PAGE / 2, bytes, count);
	assert_int_equal(driver_request(&rig->driver, queue, &one, 1), 0);
}

void console_rig_offer(struct console_rig *rig, uint16_t queue, uint32_t at, uint32_t count)
{
	const struct driver_buffer one = {rig->page + at, count, true};

	driver_add(&rig->driver, queue, &one, 1);
	driver_publish(&rig->driver, queue);
	driver_kick(&rig->driver, queue);
}

uint32_t console_rig_read(struct console_rig *rig, uint16_t queue)
{
	driver_wait_used(&rig->driver, queue, 1);
	return driver_take_used(&rig->driver, queue).bytes;
}

void console_rig_tell(struct console_rig *rig, uint32_t port, uint16_t event, uint16_t value)
{
	const struct virtio_console_control control = {
		htole32(port), htole16(event), htole16(value)};

	console_rig_write(rig, CONTROL_TX, &control, sizeof(control));
}

uint32_t console_rig_hear(struct console_rig *rig, uint32_t port, uint16_t event, uint16_t value)
{
	struct virtio_console_control control;
	uint32_t count;

	console_rig_offer(rig, CONTROL_RX, 0, 64);
	count = console_rig_read(rig, CONTROL_RX);
	assert_true(count >= sizeof(control));
	memcpy(&control, rig->host, sizeof(control));
	assert_int_equal(le16toh(control.event), event);
	assert_int_equal(le32toh(control.id), port);
	assert_int_equal(le16toh(control.value), value);
	return count - (uint32_t)sizeof(control);
}

/* ---- The other side ---- */

/* With the lock held; false when it has lasted too long. */
static bool wait_told(struct console_rig *rig)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += DRIVER_SECONDS;
	return pthread_cond_timedwait(&rig->told, &rig->lock, &until) == 0;
}

void console_rig_wait_text(struct console_rig *rig, size_t port, size_t count)
{
	bool told = true;

	pthread_mutex_lock(&rig->lock);
	while (told && rig->ends[port].count < count)
		told = wait_told(rig);
	pthread_mutex_unlock(&rig->lock);
	if (!told)
		fail_msg("port %zu has not got %zu bytes", port, count);
}

void console_rig_wait_rooms(struct console_rig *rig, size_t port, unsigned rooms)
{
	bool told = true;

	pthread_mutex_lock(&rig->lock);
	while (told && rig->ends[port].rooms < rooms)
		told = wait_told(rig);
	pthread_mutex_unlock(&rig->lock);
	if (!told)
		fail_msg("port %zu was not told of room %u times", port, rooms);
}
