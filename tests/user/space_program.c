/* SPDX-License-Identifier: MIT */
/* Code at CPL 3 that touches a space's memory. */
#include "user/space_program.h"

const uint8_t program_code[] = {
	[0x00] = 0x8b,
	0x07,
	0x0f,
	0x05, /* mov (%rdi), %eax; syscall */
	[0x10] = 0x89,
	0x37,
	0x89,
	0xf0,
	0x0f,
	0x05, /* mov %esi, (%rdi); mov %esi, %eax; syscall */
	[0x20] = 0xff,
	0xe7, /* jmp *%rdi */
	/* 1: mov (%rdi), %eax; cmp %esi, %eax; je 1b; syscall */
	[0x30] = 0x8b,
	0x07,
	0x39,
	0xf0,
	0x74,
	0xfa,
	0x0f,
	0x05,
	[0x40] = 0x0f,
	0x05, /* syscall */
};

enum { PF_WRITE = 2, PF_FETCH = 16, PAGE_FAULT = 14 };

uint64_t program_faults;

static int serve_fault(struct keg_space *space, const struct keg_cpu_event *event)
{
	enum keg_touch touch = KEG_TOUCH_READ;

	if (event->error & PF_WRITE)
		touch = KEG_TOUCH_WRITE;
	if (event->error & PF_FETCH)
		touch = KEG_TOUCH_EXECUTE;
	program_faults++;
	return keg_space_fault(space, event->address, touch);
}

int64_t program_run(
	struct keg_space *space, struct keg_cpu *cpu, uint64_t at, uint64_t rdi, uint64_t rsi)
{
	cpu->regs = (struct keg_user_registers){.rip = at, .rdi = rdi, .rsi = rsi, .rflags = 0x202};
	for (;;) {
		struct keg_cpu_event event;

		assert_ok(keg_cpu_run(cpu, &event));
		if (event.type == KEG_CPU_KICKED)
			continue;
		if (event.type == KEG_CPU_EXCEPTION && event.vector == PAGE_FAULT) {
			const int result = serve_fault(space, &event);

			if (result != 0)
				return result;
			continue;
		}
		assert_int_equal(event.type, KEG_CPU_SYSCALL);
		return (uint32_t)cpu->regs.rax;
	}
}

struct keg_cpu *program_start(struct keg_space *space)
{
	struct keg_cpu *cpu;

	map_memory(space, CODE, PAGE, PROT_READ | PROT_EXEC);
	assert_ok(keg_space_poke(space, CODE, program_code, sizeof(program_code)));
	assert_ok(keg_cpu_create(keg_space_machine(space), &cpu));
	return cpu;
}
