/* SPDX-License-Identifier: MIT */
/*
 * The channels of the virtio console, --port: each is a file that gets what the guest writes; or a
 * terminal, a FIFO or a Unix socket, with which it talks both ways. One thread waits for all of
 * them.
 */
#ifndef KEG_CLI_PORTS_H
#define KEG_CLI_PORTS_H

#include <keg/board.h>

#include "options.h"

struct ports;

/* "NAME=FILE" or "NAME=unix:PATH": the name's length, or 0 if it is neither. */
size_t ports_parse(const char *text, const char **path);

/* Opens all of a list of such texts. NULL after a complaint. */
struct ports *ports_open(const struct cli_list *list);
void ports_close(struct ports *ports); /* NULL is allowed */

/* What the board is to know of the `index`-th. */
const struct keg_port_config *ports_config(const struct ports *ports, size_t index);

/* Begins to serve the board, whose ports these are from number 1 on; and ends that. */
int ports_start(struct ports *ports, struct keg_board *board);
void ports_stop(struct ports *ports);

#endif
