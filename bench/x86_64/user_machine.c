/* SPDX-License-Identifier: MIT */
/*
 * The least that runs a function at CPL 3: 2 MiB, mapped where they are, for user code; the
 * function returns to a store that leaves the machine. Nothing is at CPL 0.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "user_call.h"

enum {
	BYTES = 2 << 20,
	PAGE = 4096,
	ENTRIES = 512,
	TABLES_AT = 0x1000, /* of four levels, each of one page */
	CODE_AT = 0x10000,
	RETURN_AT = 0x11000,
	STACK_AT = 0x20000, /* its end */
	DATA_AT = 0x40000,
	AWAY_AT = 0x1ff000, /* leads to: */
	NOTHING_AT = 0x10000000,
	PRESENT_WRITE_USER = 7,
	CPUID_ENTRIES = 128,
	CR0_LONG = 0x80050033, /* PG, AM, WP, NE, ET, MP, PE */
	CR4_LONG = 0x620,      /* PAE, OSFXSR, OSXMMEXCPT */
	EFER_LONG = 0xd01,     /* SCE, LME, LMA, NXE */
};

static void *map(size_t bytes, int flags, int fd)
{
	void *area = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);

	if (area == MAP_FAILED)
		bench_die("no memory for a machine");
	return area;
}

static void fill(struct user_machine *machine, const void *function, size_t bytes)
{
	static const uint8_t leave[] = {USER_MACHINE_LEAVE};
	const uint64_t back = RETURN_AT;
	uint64_t *table = (uint64_t *)(void *)(machine->memory + TABLES_AT);

	for (uint64_t level = 0; level < 3; level++)
		table[level * ENTRIES] = (TABLES_AT + (level + 1) * PAGE) | PRESENT_WRITE_USER;
	uint64_t *last = table + (size_t)3 * ENTRIES;
	for (uint64_t i = 0; i < ENTRIES; i++)
		last[i] = i * PAGE | PRESENT_WRITE_USER;
	last[AWAY_AT / PAGE] = NOTHING_AT | PRESENT_WRITE_USER;
	memcpy(machine->memory + CODE_AT, function, bytes);
	memcpy(machine->memory + RETURN_AT, leave, sizeof(leave));
	memcpy(machine->memory + STACK_AT - sizeof(back), &back, sizeof(back));
	machine->data = machine->memory + DATA_AT;
}

static void set_cpuid(const struct bare_host *host, const struct user_machine *machine)
{
	struct kvm_cpuid2 *cpuid =
		calloc(1, sizeof(*cpuid) + CPUID_ENTRIES * sizeof(*cpuid->entries));

	if (!cpuid)
		bench_die("no memory for CPUID");
	cpuid->nent = CPUID_ENTRIES;
	BARE_IOCTL(host->fd, KVM_GET_SUPPORTED_CPUID, cpuid);
	BARE_IOCTL(machine->vcpu, KVM_SET_CPUID2, cpuid);
	free(cpuid);
}

static void enter_user_mode(const struct user_machine *machine)
{
	const struct kvm_segment code = {.limit = UINT32_MAX,
		.selector = 0x33,
		.type = 0xb,
		.present = 1,
		.dpl = 3,
		.s = 1,
		.l = 1,
		.g = 1};
	struct kvm_segment data = code;
	struct kvm_sregs sregs;

	data.selector = 0x2b;
	data.type = 3;
	data.l = 0;
	data.db = 1;
	BARE_IOCTL(machine->vcpu, KVM_GET_SREGS, &sregs);
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.cr0 = CR0_LONG;
	sregs.cr3 = TABLES_AT;
	sregs.cr4 = CR4_LONG;
	sregs.efer = EFER_LONG;
	BARE_IOCTL(machine->vcpu, KVM_SET_SREGS, &sregs);
}

void user_machine_open(const struct bare_host *host, const void *function, size_t bytes,
	struct user_machine *machine)
{
	struct kvm_userspace_memory_region region = {.memory_size = BYTES};

	machine->memory = map(BYTES, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1);
	fill(machine, function, bytes);
	region.userspace_addr = (uintptr_t)machine->memory;
	machine->vm = BARE_IOCTL(host->fd, KVM_CREATE_VM, 0);
	BARE_IOCTL(machine->vm, KVM_SET_USER_MEMORY_REGION, &region);
	machine->vcpu = BARE_IOCTL(machine->vm, KVM_CREATE_VCPU, 0);
	machine->run_bytes = host->run_bytes;
	machine->run = map(host->run_bytes, MAP_SHARED, machine->vcpu);
	set_cpuid(host, machine);
	enter_user_mode(machine);
	machine->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
}

void user_machine_close(struct user_machine *machine)
{
	munmap(machine->run, machine->run_bytes);
	close(machine->vcpu);
	close(machine->vm);
	munmap(machine->memory, BYTES);
}

void user_machine_call(struct user_machine *machine, uint64_t pages)
{
	struct kvm_run *run = machine->run;

	run->s.regs.regs = (struct kvm_regs){.rdi = DATA_AT,
		.rsi = pages,
		.rip = CODE_AT,
		.rsp = STACK_AT - sizeof(uint64_t),
		.rflags = 2};
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	user_machine_continue(machine);
}

void user_machine_continue(struct user_machine *machine)
{
	struct kvm_run *run = machine->run;

	BARE_IOCTL(machine->vcpu, KVM_RUN, 0);
	if (run->exit_reason != KVM_EXIT_MMIO || run->mmio.phys_addr != NOTHING_AT)
		bench_die("the bare machine left for reason %u", run->exit_reason);
	machine->regs = run->s.regs.regs;
}
