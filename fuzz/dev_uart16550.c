/* SPDX-License-Identifier: MIT */
/* Fuzzes the 16550: see uart.h. */
#include "dev/uart16550.h"

#include "uart.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_uart other = {0};
	struct keg_console console = {fuzz_uart_output, fuzz_uart_ready, &other};
	struct keg_irq irq = {fuzz_uart_irq, &other};
	struct keg_uart16550 chip;

	fuzz_check(keg_uart16550_init(&chip, &console, &irq) == 0);
	fuzz_uart_run(&other, &chip.uart, &input, KEG_UART16550_SIZE);
	keg_uart_fini(&chip.uart);
	return 0;
}
