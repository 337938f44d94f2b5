/* SPDX-License-Identifier: MIT */
/* The entropy device and the console: made, started, asked, and started again. */
#include <string.h>

#include "base/error.h"
#include "fault/device.h"
#include "virtio/console.h"
#include "virtio/entropy.h"

enum { BYTES = 64 };

static keg_gpa page; /* of BYTES */
static uint8_t *host;
static bool made;

static int make_memory(struct rig *rig)
{
	device_make_memory(rig);
	page = driver_alloc(&device_driver, BYTES, BYTES);
	host = driver_host(&device_driver, page, BYTES);
	made = false;
	return 0;
}

/* ---- Entropy ---- */

static struct keg_virtio_entropy entropy;

static void end_entropy(struct rig *rig)
{
	(void)rig;
	device_reset();
	if (made)
		keg_virtio_entropy_fini(&entropy);
	device_end();
}

static int make_entropy_memory(struct rig *rig)
{
	rig->end = end_entropy;
	return make_memory(rig);
}

static int make_entropy(struct rig *rig)
{
	int rc = keg_virtio_entropy_init(&entropy, device_driver.memory.mem);

	(void)rig;
	made = !rc;
	return rc;
}

static int draw(struct rig *rig)
{
	static const uint8_t zeros[BYTES];
	const struct driver_buffer buffer = {page, BYTES, true};
	int rc = device_start(&entropy.virtio, KEG_VIRTIO_F_EVENT_IDX);

	(void)rig;
	memset(host, 0, BYTES);
	if (!rc)
		rc = device_request(0, &buffer, 1);
	if (rc < 0)
		return rc;
	if (rc != BYTES || memcmp(host, zeros, BYTES) == 0)
		return RIG_WRONG("%d random bytes, or zeros", rc);
	return 0;
}

static const struct fault_step entropy_steps[] = {
	FAULT_STEP("memory", make_entropy_memory, FAULT_SETUP),
	FAULT_STEP("make", make_entropy, 0),
	FAULT_STEP("draw", draw, FAULT_FORGIVING),
	FAULT_STEP("draw again", draw, FAULT_FORGIVING),
};

/* ---- Console ---- */

enum { RECEIVE = 0, TRANSMIT = 1, PORTS = 2 };

static struct keg_virtio_console console;
static char printed[BYTES];

static void print(void *context, const void *bytes, size_t count)
{
	(void)context;
	memcpy(printed, bytes, count < BYTES ? count : BYTES);
}

static void end_console(struct rig *rig)
{
	(void)rig;
	device_reset();
	if (made)
		keg_virtio_console_fini(&console);
	device_end();
}

static int make_console_memory(struct rig *rig)
{
	rig->end = end_console;
	return make_memory(rig);
}

static int make_console(struct rig *rig)
{
	static const struct keg_virtio_console_end ends[PORTS] = {
		{.name = "console", .output = print}, {.name = "port", .output = print}};
	int rc = keg_virtio_console_init(&console, device_driver.memory.mem, ends, PORTS);

	(void)rig;
	made = !rc;
	return rc;
}

static int write_out(void)
{
	const struct driver_buffer buffer = {page, 5, false};
	int rc;

	memset(printed, 0, sizeof(printed));
	memcpy(host, "hello", 5);
	rc = device_request(TRANSMIT, &buffer, 1);
	if (rc >= 0 && memcmp(printed, "hello", 5) != 0)
		return RIG_WRONG("what was written did not arrive");
	return rc;
}

static int read_in(void)
{
	const struct driver_buffer buffer = {page, BYTES, true};
	ssize_t taken;
	int rc;

	device_give(RECEIVE, &buffer, 1);
	taken = keg_virtio_console_input(&console, 0, "input", 5);
	if (taken < 0)
		return (int)taken;
	rc = device_take(RECEIVE);
	if (rc >= 0 && (rc != 5 || memcmp(host, "input", 5) != 0))
		return RIG_WRONG("the input did not arrive");
	return rc;
}

static int talk(struct rig *rig)
{
	int rc = device_start(&console.device, KEG_VIRTIO_F_EVENT_IDX);

	(void)rig;
	if (!rc)
		rc = write_out();
	if (rc >= 0)
		rc = read_in();
	if (rc >= 0)
		keg_virtio_console_resize(&console, 80, 25);
	return rc;
}

static const struct fault_step console_steps[] = {
	FAULT_STEP("memory", make_console_memory, FAULT_SETUP),
	FAULT_STEP("make", make_console, 0),
	FAULT_STEP("talk", talk, FAULT_FORGIVING),
	FAULT_STEP("talk again", talk, FAULT_FORGIVING),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("entropy", entropy_steps, .threads = true, .sealed = true),
	FAULT_SCENARIO("console", console_steps, .threads = true, .sealed = true),
};

const struct fault_suite fault_devices = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
