/* SPDX-License-Identifier: MIT */
/* The rows of the table, for who prints and writes them. */
#ifndef KEG_BENCH_ROWS_H
#define KEG_BENCH_ROWS_H

#include "bench.h"

void rows_print_head(void);
void rows_print(const struct bench_row *row);
void rows_free(struct bench *bench);

/* "met", "NOT MET", "moot", or "" where there is no floor. */
const char *rows_verdict(const struct bench_row *row);

#endif
