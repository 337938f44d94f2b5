/* SPDX-License-Identifier: MIT */
/* The results as JSON. */
#ifndef KEG_BENCH_JSON_H
#define KEG_BENCH_JSON_H

#include "bench.h"
#include "facts.h"

/* Writes facts and rows to `path`; "-" is standard output. */
void json_write(const char *path, const struct bench *bench, const struct facts *facts);

#endif
