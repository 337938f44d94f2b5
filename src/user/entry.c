/* SPDX-License-Identifier: MIT */
/*
 * CPL 0, all of it: a page of stubs, one `out` each, and of the processor's tables; and for each
 * vCPU a task state segment and a stack of one frame. The page is the machine's and never writable;
 * nothing of it is a program's to read but in the open layout its one instruction.
 */
#include "user/machine_inside.h"

#include <string.h>

#include "base/error.h"

/* In the guest's address space. The program's ends below NOWHERE. */
#define NOWHERE     0x7fffffffe000ull
#define OPEN_PAGE   0x7ffffffff000ull
#define STRICT_PAGE 0xffff800000000000ull
#define CPU_PAGES   (STRICT_PAGE + KEG_PAGE)

_Static_assert(NOWHERE == KEG_USER_TOP, "the program's part ends where keg's begins");

/* In the page. */
enum {
	STUBS = 0,
	STUB_BYTES = 4,
	SYSCALL_STUB = 0x100,
	IRETQ_STUB = 0x108,
	GDT = 0x200,
	GDT_ENTRIES = 7,
	IDT = 0x400,
};

/* Of a vCPU's part. */
enum {
	TSS = 0,
	TSS_BYTES = 104,
	STACK_TOP = KEG_CPU_BYTES,
	FRAME = STACK_TOP - sizeof(struct keg_frame),
};

enum {
	HLT = 0xf4,
	INT3 = 0xcc,
	INTERRUPT_GATE = 0x8e,  /* present, DPL 0 */
	BREAKPOINT_GATE = 0xee, /* DPL 3: int3 is anybody's */
	BREAKPOINT = 3,
	STACK_TABLE = 1, /* IST1 */
};

/* AMD64 APM volume 2, 4.8: descriptors, marked as accessed so that none is written to. */
static const uint64_t descriptors[GDT_ENTRIES] = {
	[KEG_KERNEL_CS / 8] = 0x00af9b000000ffff,
	[KEG_KERNEL_SS / 8] = 0x00cf93000000ffff,
	[KEG_USER_SS / 8] = 0x00cff3000000ffff,
	[KEG_USER_CS / 8] = 0x00affb000000ffff,
};

/* APM volume 2, 4.8.4: a gate in long mode. */
struct gate {
	uint16_t low, selector;
	uint8_t stack, type;
	uint16_t middle;
	uint32_t high, reserved;
};

/* APM volume 2, 12.2.5: all but the interrupt stack is unused. */
struct tss {
	uint32_t reserved;
	uint32_t rsp[6];
	uint32_t reserved2[2];
	uint32_t ist[7][2];
	uint32_t reserved3[2];
	uint16_t reserved4, io_map;
};
_Static_assert(sizeof(struct tss) == TSS_BYTES, "a task state segment");
_Static_assert(FRAME - sizeof(uint64_t) >= TSS_BYTES, "a frame with an error code fits");

/* ---- Where what is ---- */

uint64_t keg_entry_stub(uint32_t vector)
{
	return STRICT_PAGE + STUBS + (uint64_t)vector * STUB_BYTES;
}

uint64_t keg_entry_iretq(void)
{
	return STRICT_PAGE + IRETQ_STUB;
}

uint64_t keg_entry_syscall(bool open)
{
	return open ? OPEN_PAGE : STRICT_PAGE + SYSCALL_STUB;
}

uint64_t keg_entry_after_store(void)
{
	return OPEN_PAGE + 9;
}

uint64_t keg_entry_nowhere(void)
{
	return NOWHERE;
}

static uint64_t cpu_part(uint32_t index)
{
	return CPU_PAGES + (uint64_t)index * KEG_CPU_BYTES;
}

uint64_t keg_entry_stack(uint32_t index)
{
	return cpu_part(index) + FRAME;
}

static uint8_t *cpu_memory(struct keg_machine *machine, uint32_t index)
{
	uint8_t *page = keg_pages_at(machine->pages, machine->cpu_pages[index / KEG_CPUS_IN_PAGE]);

	return page ? page + (size_t)(index % KEG_CPUS_IN_PAGE) * KEG_CPU_BYTES : NULL;
}

struct keg_frame *keg_entry_frame(struct keg_machine *machine, uint32_t index)
{
	uint8_t *memory = cpu_memory(machine, index);

	return memory ? (struct keg_frame *)(void *)(memory + FRAME) : NULL;
}

/* ---- What is there ---- */

static void write_out(uint8_t *at, uint8_t port)
{
	at[0] = 0xe6; /* out %al, $port */
	at[1] = port;
}

static void fill_page(uint8_t *page)
{
	struct gate *gates = (struct gate *)(void *)(page + IDT);

	/* Not HLT: a vCPU with a local APIC would sleep, and not exit. */
	memset(page + STUBS, INT3, GDT - STUBS);
	write_out(page + SYSCALL_STUB, KEG_SYSCALL_PORT);
	page[IRETQ_STUB] = 0x48; /* iretq */
	page[IRETQ_STUB + 1] = 0xcf;
	memcpy(page + GDT, descriptors, sizeof(descriptors));
	for (uint32_t i = 0; i < KEG_VECTORS; i++) {
		uint64_t stub = keg_entry_stub(i);

		write_out(page + STUBS + (size_t)i * STUB_BYTES, (uint8_t)i);
		gates[i] = (struct gate){
			.low = (uint16_t)stub,
			.selector = KEG_KERNEL_CS,
			.stack = STACK_TABLE,
			.type = i == BREAKPOINT ? BREAKPOINT_GATE : INTERRUPT_GATE,
			.middle = (uint16_t)(stub >> 16),
			.high = (uint32_t)(stub >> 32),
		};
	}
}

/* A page of keg's own at an address. */
static int add_page(
	struct keg_machine *machine, uint64_t at, uint64_t bits, keg_page *page, uint8_t **memory)
{
	int rc = keg_tables_take(machine, page);

	if (rc)
		return rc;
	*memory = keg_pages_at(machine->pages, *page);
	if (!*memory)
		return keg_fail(EFAULT, "page %u, just taken, is not there", *page);
	return keg_tables_map_page(
		machine, at, *page, bits | KEG_PTE_PRESENT | KEG_PTE_ACCESSED | KEG_PTE_DIRTY);
}

int keg_entry_init(struct keg_machine *machine)
{
	uint8_t *memory;
	keg_page page;
	int rc = add_page(machine, STRICT_PAGE, 0, &page, &memory);

	if (!rc)
		fill_page(memory);
	return rc;
}

int keg_entry_add_cpu(struct keg_machine *machine, uint32_t index)
{
	keg_page *page = &machine->cpu_pages[index / KEG_CPUS_IN_PAGE];
	uint64_t stack = cpu_part(index) + STACK_TOP;
	uint8_t *memory;
	struct tss tss = {
		.ist[STACK_TABLE - 1] = {(uint32_t)stack, (uint32_t)(stack >> 32)},
		.io_map = sizeof(struct tss), /* beyond the limit: no port is a program's */
	};

	if (!*page) {
		uint64_t at = cpu_part(index) & ~(uint64_t)(KEG_PAGE - 1);
		int rc = add_page(machine, at, KEG_PTE_WRITE | KEG_PTE_NO_EXECUTE, page, &memory);

		if (rc)
			return rc;
	}
	memory = cpu_memory(machine, index);
	if (!memory)
		return keg_fail(EFAULT, "vCPU %u's page is not there", index);
	memcpy(memory + TSS, &tss, sizeof(tss));
	return 0;
}

static int map_open(struct keg_machine *machine)
{
	const uint64_t bits = KEG_PTE_PRESENT | KEG_PTE_USER | KEG_PTE_ACCESSED | KEG_PTE_DIRTY;
	int rc = keg_tables_map_page(machine, OPEN_PAGE, machine->open_page, bits);

	if (rc)
		return rc;
	return keg_tables_map_page(machine, NOWHERE, (keg_page)(machine->nowhere >> KEG_PAGE_SHIFT),
		bits | KEG_PTE_WRITE | KEG_PTE_NO_EXECUTE);
}

static int open_locked(struct keg_machine *machine)
{
	const uint64_t to = NOWHERE;
	uint8_t *memory;
	keg_page page;
	int rc = keg_tables_take(machine, &page);

	if (rc)
		return rc;
	memory = keg_pages_at(machine->pages, page);
	if (!memory)
		return keg_fail(EFAULT, "page %u, just taken, is not there", page);
	memset(memory, HLT, KEG_PAGE);
	memory[0] = 0xa3; /* movabs %eax, to */
	memcpy(memory + 1, &to, sizeof(to));
	machine->open_page = page;
	rc = map_open(machine);
	if (rc)
		machine->open_page = 0;
	return rc;
}

int keg_entry_open(struct keg_machine *machine)
{
	int rc = 0;

	pthread_mutex_lock(&machine->lock);
	if (!machine->open_page)
		rc = open_locked(machine);
	pthread_mutex_unlock(&machine->lock);
	if (!rc)
		atomic_store(&machine->lore->open_layout, true);
	return rc;
}

int keg_entry_open_again(struct keg_machine *machine)
{
	return machine->open_page ? map_open(machine) : 0;
}

/* ---- Registers that go with it ---- */

void keg_entry_user_segments(struct kvm_sregs *sregs)
{
	sregs->cs = (struct kvm_segment){.limit = UINT32_MAX,
		.selector = KEG_USER_CS,
		.type = 0xb,
		.present = 1,
		.dpl = 3,
		.s = 1,
		.l = 1,
		.g = 1};
	sregs->ss = (struct kvm_segment){.limit = UINT32_MAX,
		.selector = KEG_USER_SS,
		.type = 3,
		.present = 1,
		.dpl = 3,
		.db = 1,
		.s = 1,
		.g = 1};
}

void keg_entry_sregs(const struct keg_cpu_inside *inside, struct kvm_sregs *sregs)
{
	const struct keg_machine *machine = inside->cpu.machine;
	const uint64_t in_strict = 1 << 20 | 1 << 21; /* CR4.SMEP, SMAP */

	memset(sregs, 0, sizeof(*sregs));
	keg_entry_user_segments(sregs);
	sregs->ds = sregs->es = sregs->fs = sregs->gs = sregs->ss;
	/* As Linux has them: null, which 64-bit code does not mind. */
	sregs->ds.selector = sregs->es.selector = sregs->fs.selector = sregs->gs.selector = 0;
	sregs->tr = (struct kvm_segment){.base = cpu_part(inside->cpu.index) + TSS,
		.limit = TSS_BYTES - 1,
		.selector = KEG_TSS_SELECTOR,
		.type = 0xb,
		.present = 1};
	sregs->ldt.unusable = 1;
	sregs->gdt.base = STRICT_PAGE + GDT;
	sregs->gdt.limit = sizeof(descriptors) - 1;
	sregs->idt.base = STRICT_PAGE + IDT;
	sregs->idt.limit = KEG_VECTORS * sizeof(struct gate) - 1;
	sregs->cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE */
	sregs->cr3 = (uint64_t)machine->tables.root << KEG_PAGE_SHIFT;
	sregs->cr4 = machine->features.cr4 & ~(inside->open ? in_strict : 0);
	sregs->efer = 0xd01; /* NXE, LMA, LME, SCE */
	/* As after a reset. */
	sregs->apic_base = KEG_LOCAL_APIC | 0x800 | (inside->cpu.vcpu->id ? 0 : 0x100);
}
