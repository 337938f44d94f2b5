/* SPDX-License-Identifier: MIT */
/*
 * keg's instructions in the program's memory: where a call of a function begins and comes back to.
 * They are the program's as much as keg's: whatever it does with them, it can do without them.
 */
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "user/plugin.h"
#include "user/space.h"
#include "user/task.h"

enum {
	STATE_AT = KEG_PAGE, /* the XSAVE area, aligned to 64 bytes (SDM volume 1, 13.7) */
	RETURN_AT = 32,
	SYSCALL_END = RETURN_AT + 10,
};

/* r11: the function, r10: its third argument, whose register xrstor64 needs. */
static const uint8_t code[] = {
	0xb8, 0xff, 0xff, 0xff, 0xff,                       /* mov $-1, %eax */
	0x89, 0xc2,                                         /* mov %eax, %edx */
	0x48, 0x0f, 0xae, 0x2d,                             /* xrstor64 STATE_AT - 15(%rip) */
	(STATE_AT - 15) & 0xff, (STATE_AT - 15) >> 8, 0, 0, /* … */
	0x4c, 0x89, 0xd2,                                   /* mov %r10, %rdx */
	0x31, 0xc0,       /* xor %eax, %eax: no vector registers for variadic ones */
	0x41, 0xff, 0xe3, /* jmp *%r11 */
	0x0f, 0x0b, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,     /* to RETURN_AT */
	0x48, 0x89, 0xc7,                                         /* mov %rax, %rdi */
	0xb8, KEG_CALL_RETURN & 0xff, KEG_CALL_RETURN >> 8, 0, 0, /* mov $KEG_CALL_RETURN, %eax */
	0x0f, 0x05,                                               /* syscall */
	0x0f, 0x0b,                                               /* ud2 */
};
_Static_assert(sizeof(code) == SYSCALL_END + 2, "each part is where it is said to be");

uint64_t keg_stub_return(const struct keg_stub *stub)
{
	return stub->at + RETURN_AT;
}

uint64_t keg_stub_syscall_end(const struct keg_stub *stub)
{
	return stub->at + SYSCALL_END;
}

static int written(int ret)
{
	return ret ? keg_fail_errno(-ret, "writing to the program's memory") : 0;
}

int keg_stub_make(struct keg_user *user)
{
	struct keg_space *space = user->first->space;
	struct keg_plugin *plugin = user->plugin;
	size_t state = keg_cpu_xstate_size(keg_space_machine(space));
	struct keg_mapping mapping = {
		.length = (STATE_AT + state + KEG_PAGE - 1) / KEG_PAGE * KEG_PAGE,
		.protection = PROT_READ | PROT_EXEC,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS,
		.name = "[keg]",
	};
	int64_t at;

	if (plugin->stub.space == space)
		return 0;
	at = keg_space_map(space, &mapping);
	if (at < 0)
		return keg_fail((int)-at, "no place in the program's memory for calls");
	plugin->stub = (struct keg_stub){.space = space, .at = (uint64_t)at};
	return written(keg_space_poke(space, (uint64_t)at, code, sizeof(code)));
}

int keg_stub_set_xstate(struct keg_user *user)
{
	struct keg_plugin *plugin = user->plugin;
	struct keg_machine *machine = keg_space_machine(plugin->stub.space);

	/* A processor without XSAVE has x87's bit only. */
	if (keg_cpu_xstate_features(machine) <= 1)
		return 0;
	plugin->stub.restores = true;
	return written(keg_space_poke(plugin->stub.space, plugin->stub.at + STATE_AT,
		plugin->xstate, plugin->xstate_size));
}
