/* SPDX-License-Identifier: MIT */
/* What of the host decides how fast things are. */
#ifndef KEG_BENCH_FACTS_H
#define KEG_BENCH_FACTS_H

#include <sys/utsname.h>

#include <keg/board.h>

#include "bench.h"

struct facts {
	struct utsname system;
	char kvm_module[32]; /* "kvm_amd"; "built in" */
	struct keg_guest_speed speed;
	long cpus;
	double load; /* of the last minute, before the benchmarks began */
};

void facts_collect(struct bench *bench, struct facts *facts);
void facts_print(const struct facts *facts);

#endif
