/* SPDX-License-Identifier: MIT */
/* What a terminal prints of what is typed on it: between line.c and line_echo.c. */
#ifndef KEG_USER_LINE_ECHO_H
#define KEG_USER_LINE_ECHO_H

#include "user/line.h"

/* With ECHO: the byte; as ^X, if ECHOCTL says so. */
void keg_line_echo(struct keg_line *line, uint8_t byte);
/* The byte as it is, whatever ECHO says. */
void keg_line_echo_plain(struct keg_line *line, uint8_t byte);
/* That the next byte is taken as it is. */
void keg_line_echo_next(struct keg_line *line);
/* That `byte` is gone from the end of the line, of which so many bytes are left. */
void keg_line_rub_out(struct keg_line *line, uint8_t byte, const uint16_t *left, uint32_t count);
void keg_line_bell(struct keg_line *line);

#endif
