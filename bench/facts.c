/* SPDX-License-Identifier: MIT */
/* What of the host decides how fast things are. */
#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The module that implements KVM for this processor: the one that bears its name. */
static void find_module(char *name, size_t size)
{
	static const char *const modules[] = {"kvm_intel", "kvm_amd", "kvm_pvm"};
	char path[64];

	snprintf(name, size, "built in");
	for (size_t i = 0; i < sizeof(modules) / sizeof(modules[0]); i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (access(path, F_OK) == 0)
			snprintf(name, size, "%s", modules[i]);
	}
}

void facts_collect(struct bench *bench, struct facts *facts)
{
	const uint32_t ms = 50;

	*facts = (struct facts){.cpus = sysconf(_SC_NPROCESSORS_ONLN)};
	if (getloadavg(&facts->load, 1) != 1)
		facts->load = -1;
	uname(&facts->system);
	find_module(facts->kvm_module, sizeof(facts->kvm_module));
	bench_need(keg_measure_guest_speed(bench->host, bench->kick_signal, ms, &facts->speed));
}

void facts_print(const struct facts *facts)
{
	printf("%s %s %s, KVM: %s, guest kernel code %s (%.0f million instructions a second),\n"
	       "%ld processors, load %.2f. Medians; ratios of arms that take turns.\n\n",
		facts->system.sysname, facts->system.release, facts->system.machine,
		facts->kvm_module, facts->speed.native ? "native" : "emulated",
		facts->speed.guest_mips, facts->cpus, facts->load);
}
