/* SPDX-License-Identifier: MIT */
/* Memory-mapped I/O. */
#include "machine.h"
#include "report.h"

/* The PL011's integer baud rate: 16 bits that hold what is written. Nobody is at the other. */
enum { UART_BAUD = 0x09000024, UNCLAIMED = 0x0b000000 };

void io_test(void)
{
	uint32_t before = *word(UART_BAUD);
	bool passed, aborted;

	*word(UART_BAUD) = 0x5aa5;
	passed = *word(UART_BAUD) == 0x5aa5;
	*word(UART_BAUD) = before;
	verdict(passed, "device");
	put("the UART's baud rate register holds what is written to it\n");

	passed = probe_read(UNCLAIMED, &aborted) == UINT64_MAX;
	verdict(passed && !aborted, "memory I/O");
	put("unclaimed memory at ");
	put_hex(UNCLAIMED);
	put(" reads all ones\n");
}
