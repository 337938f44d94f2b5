/* SPDX-License-Identifier: MIT */
/* What a UART is wired to in tests: a console that notes everything, and an interrupt line. */
#ifndef KEG_TESTS_DEV_RIG_H
#define KEG_TESTS_DEV_RIG_H

#include "testing.h"

#include <stdbool.h>

#include "dev/uart.h"

struct rig {
	struct keg_uart *uart;
	bool irq;
	unsigned rises; /* of the interrupt line */
	char output[64];
	size_t output_count;
	unsigned ready; /* calls of input_ready */
};

static inline void rig_output(void *context, const void *bytes, size_t count)
{
	struct rig *rig = context;

	assert_true(rig->output_count + count < sizeof(rig->output));
	memcpy(rig->output + rig->output_count, bytes, count);
	rig->output_count += count;
}

static inline void rig_ready(void *context)
{
	((struct rig *)context)->ready++;
}

static inline void rig_irq(void *context, bool high)
{
	struct rig *rig = context;

	/* Only changes come. */
	assert_int_not_equal(rig->irq, high);
	rig->irq = high;
	rig->rises += high;
}

static inline struct keg_console rig_console(struct rig *rig)
{
	return (struct keg_console){rig_output, rig_ready, rig};
}

static inline struct keg_irq rig_line(struct rig *rig)
{
	return (struct keg_irq){rig_irq, rig};
}

/* What the guest has sent since the last time. */
static inline const char *rig_sent(struct rig *rig)
{
	rig->output[rig->output_count] = 0;
	rig->output_count = 0;
	return rig->output;
}

static inline uint64_t rig_read(struct rig *rig, uint64_t offset, uint32_t bytes)
{
	return keg_uart_ops.read(rig->uart, offset, bytes);
}

static inline void rig_write(struct rig *rig, uint64_t offset, uint64_t value, uint32_t bytes)
{
	keg_uart_ops.write(rig->uart, offset, value, bytes);
}

static inline size_t rig_type(struct rig *rig, const char *text)
{
	return keg_uart_receive(rig->uart, text, strlen(text));
}

#endif
