/* SPDX-License-Identifier: MIT */
/* A process's machine for tests. */
#include "bare.h"

#include <signal.h>

enum {
	PLAIN = KEG_PTE_PRESENT | KEG_PTE_USER | KEG_PTE_DIRTY,
};

int bare_kick_signal(void)
{
	return SIGRTMIN;
}

static keg_page map(struct bare *bare, uint64_t at, uint32_t count, uint64_t bits)
{
	keg_page first;

	assert_int_equal(keg_pages_take(bare->pages, count, false, &first), 0);
	assert_ok(keg_machine_map(bare->machine, at, first, count, bits));
	return first;
}

void bare_open(struct bare *bare)
{
	require_kvm();
	memset(bare, 0, sizeof(*bare));
	assert_ok(keg_kick_install(bare_kick_signal()));
	bare->lore.kick_signal = bare_kick_signal();
	assert_ok(keg_host_create(NULL, &bare->host));
	assert_ok(keg_pages_create(256 << 20, &bare->pages));
	assert_ok(keg_machine_create(bare->host, bare->pages, &bare->lore, &bare->machine));
	assert_ok(keg_cpu_create(bare->machine, &bare->cpu));
	bare->code = map(bare, BARE_CODE_AT, 1, PLAIN);
	bare->data = map(
		bare, BARE_DATA_AT, BARE_DATA_PAGES, PLAIN | KEG_PTE_WRITE | KEG_PTE_NO_EXECUTE);
	bare->stack = map(bare, BARE_STACK_TOP - KEG_PAGE, 1, PLAIN | KEG_PTE_WRITE);
}

void bare_close(struct bare *bare)
{
	keg_cpu_destroy(bare->cpu);
	keg_machine_destroy(bare->machine);
	keg_machine_lore_fini(&bare->lore);
	keg_pages_destroy(bare->pages);
	keg_host_destroy(bare->host);
}

void bare_load(struct bare *bare, struct bare_code code)
{
	uint8_t *page = keg_pages_at(bare->pages, bare->code);
	size_t size = (size_t)(code.end - code.bytes);

	assert_non_null(page);
	assert_true(size <= KEG_PAGE);
	memset(page, 0x90, KEG_PAGE);
	memcpy(page, code.bytes, size);
	memset(&bare->cpu->regs, 0, sizeof(bare->cpu->regs));
	bare->cpu->regs.rip = BARE_CODE_AT;
	bare->cpu->regs.rsp = BARE_STACK_TOP;
	bare->cpu->bases_changed = true;
}

void bare_start(struct bare *bare, struct bare_code code)
{
	bare_open(bare);
	bare_load(bare, code);
}

void *bare_data(struct bare *bare)
{
	return keg_pages_at(bare->pages, bare->data);
}

void bare_run(struct bare *bare)
{
	assert_ok(keg_cpu_run(bare->cpu, &bare->event));
	if (bare->event.type == KEG_CPU_BROKEN)
		fail_msg("broken: %s", keg_error_message());
}

void bare_expect_syscall(struct bare *bare, uint64_t number)
{
	bare_run(bare);
	if (bare->event.type != KEG_CPU_SYSCALL)
		fail_msg("event %d, vector %u, error 0x%x, address 0x%llx, rip 0x%llx",
			bare->event.type, bare->event.vector, bare->event.error,
			(unsigned long long)bare->event.address,
			(unsigned long long)bare->cpu->regs.rip);
	assert_int_equal(bare->cpu->regs.rax, number);
}

void bare_expect_exception(struct bare *bare, uint32_t vector, uint32_t error)
{
	bare_run(bare);
	if (bare->event.type != KEG_CPU_EXCEPTION || bare->event.vector != vector ||
		bare->event.error != error)
		fail_msg("event %d, vector %u, error 0x%x, address 0x%llx, rip 0x%llx, not vector "
			 "%u, error 0x%x",
			bare->event.type, bare->event.vector, bare->event.error,
			(unsigned long long)bare->event.address,
			(unsigned long long)bare->cpu->regs.rip, vector, error);
}

bool bare_emulated(void)
{
	return getenv("KEG_LAB") != NULL;
}
