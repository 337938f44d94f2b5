/* SPDX-License-Identifier: MIT */
/*
 * A virtio device and its driver, for scenarios: the driver of tests/virtio, but for what it
 * asserts. A device that is broken, or a request that failed, is a step's failure; one that does
 * not answer, or not what it should, is wrong whatever has failed: RIG_WRONG().
 */
#ifndef KEG_TESTS_FAULT_DEVICE_H
#define KEG_TESTS_FAULT_DEVICE_H

#include "../virtio/driver.h"
#include "fault/fault.h"

extern struct driver device_driver;

/* A step: guest memory for the device that is to be made. device_end() gives it back. */
int device_make_memory(struct rig *rig);
/* Resets the device, if it was started; to be called before its own end. */
void device_reset(void);
void device_end(void);

/* From reset to DRIVER_OK. */
int device_start(struct keg_virtio *device, uint64_t features);

/* Makes buffers available, and notifies the device. */
void device_give(uint16_t queue, const struct driver_buffer *buffers, unsigned int count);
/* Waits for the next used entry: its length. */
int device_take(uint16_t queue);
/* -ETIMEDOUT where none may come. */
int device_take_within(uint16_t queue, int seconds);
/* Both. */
int device_request(uint16_t queue, const struct driver_buffer *buffers, unsigned int count);

#endif
