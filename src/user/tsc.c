/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter: the host's own in every machine of a sandbox, where the host's kernel
 * takes the time from it too, so that programs can tell it without asking.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <keg/device.h>

#include "arch/x86_64/cpu_model.h"
#include "base/error.h"
#include "user/machine_inside.h"

/* Once: what is known stays. */
static void note(struct keg_machine_lore *lore, enum keg_clock clock)
{
	uint32_t unknown = KEG_CLOCK_UNKNOWN;

	atomic_compare_exchange_strong(&lore->clock, &unknown, clock);
}

int keg_tsc_find(struct keg_machine_lore *lore)
{
	static const char clock[] =
		"/sys/devices/system/clocksource/clocksource0/current_clocksource";
	static const char wanted[] = {'t', 's', 'c', '\n'};
	char name[sizeof(wanted)] = {0};
	int fd = openat(AT_FDCWD, clock, O_RDONLY | O_CLOEXEC);
	ssize_t got;
	int error;

	/* No file: it may be anything. */
	if (fd < 0) {
		note(lore, KEG_CLOCK_OTHER);
		return 0;
	}
	do
		got = read(fd, name, sizeof(name));
	while (got < 0 && errno == EINTR);
	error = errno;
	close(fd);
	if (got < 0)
		return keg_fail_errno(error, "reading what the host's clock is");
	note(lore, got == sizeof(wanted) && memcmp(name, wanted, sizeof(wanted)) == 0
			   ? KEG_CLOCK_TSC
			   : KEG_CLOCK_OTHER);
	return 0;
}

/* Whether KVM can do it, and at what rate: asked once, of the sandbox's first vCPU. */
static int ask(struct keg_cpu_inside *inside)
{
	struct keg_machine *machine = inside->cpu.machine;
	int khz, can = 0;

	if (keg_leaves_has_name(machine->leaves, "nonstop_tsc"))
		can = keg_vcpu_has_attr(inside->cpu.vcpu, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET);
	if (can < 0)
		return can;
	khz = can ? keg_vcpu_get_tsc_khz(inside->cpu.vcpu) : 0;
	if (khz <= 0)
		atomic_store(&machine->lore->clock, KEG_CLOCK_OTHER);
	atomic_store(&machine->lore->tsc_khz, khz > 0 ? (uint32_t)khz : 0);
	return 0;
}

int keg_tsc_share(struct keg_cpu_inside *inside)
{
	static const uint64_t no_offset;
	struct keg_machine_lore *lore = inside->cpu.machine->lore;
	int rc = 0;

	if (atomic_load(&lore->clock) == KEG_CLOCK_UNKNOWN)
		rc = keg_tsc_find(lore);
	if (!rc && atomic_load(&lore->clock) == KEG_CLOCK_TSC && !atomic_load(&lore->tsc_khz))
		rc = ask(inside);
	if (rc || atomic_load(&lore->clock) != KEG_CLOCK_TSC)
		return rc;
	return keg_vcpu_set_attr(
		inside->cpu.vcpu, KVM_VCPU_TSC_CTRL, KVM_VCPU_TSC_OFFSET, &no_offset);
}
