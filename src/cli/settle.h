/* SPDX-License-Identifier: MIT */
/* Letting go of what was needed before a machine runs. */
#ifndef KEG_CLI_SETTLE_H
#define KEG_CLI_SETTLE_H

void settle(void);

#endif
