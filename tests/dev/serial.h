/* SPDX-License-Identifier: MIT */
/* A 16550 in a rig, and the words in which a driver speaks of it. */
#ifndef KEG_TESTS_DEV_SERIAL_H
#define KEG_TESTS_DEV_SERIAL_H

#include "rig.h"

#include "dev/uart16550.h"

enum { RBR = 0, THR = 0, DLL = 0, IER = 1, DLM = 1, IIR = 2, FCR = 2 };
enum { LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };
enum { DLAB = 0x80, LOOP = 0x10 };

struct serial {
	struct rig rig;
	struct keg_uart16550 chip;
};

static inline int make_serial(void **state)
{
	struct serial *serial = test_calloc(1, sizeof(*serial));
	struct keg_console console = rig_console(&serial->rig);
	struct keg_irq irq = rig_line(&serial->rig);

	assert_ok(keg_uart16550_init(&serial->chip, &console, &irq));
	serial->rig.uart = &serial->chip.uart;
	*state = serial;
	return 0;
}

static inline int end_serial(void **state)
{
	keg_uart_fini(((struct rig *)*state)->uart);
	test_free(*state);
	return 0;
}

static inline uint8_t in(struct rig *rig, uint64_t offset)
{
	uint64_t value = rig_read(rig, offset, 1);

	assert_in_range(value, 0, 0xff);
	return (uint8_t)value;
}

static inline void out(struct rig *rig, uint64_t offset, uint8_t value)
{
	rig_write(rig, offset, value, 1);
}

#define WITH_SERIAL(test) cmocka_unit_test_setup_teardown(test, make_serial, end_serial)

#endif
