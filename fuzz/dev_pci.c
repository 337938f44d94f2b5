/* SPDX-License-Identifier: MIT */
/*
 * The PCI bus: configuration space written at will, by both ways. A BAR that is said to be mapped
 * is where its registers say, and answers there; one that is not is in nobody's way.
 */
#include <string.h>

#include "dev/pci.h"
#include "fuzzing.h"

enum {
	FUNCTIONS = 3,
	ECAM = 0xe0000000,
	COMMAND = 4,
	FIRST_BAR = 0x10,
};

struct function {
	struct keg_pci_function pci;
	bool mapped[KEG_PCI_BARS];
	uint64_t address[KEG_PCI_BARS];
};

static struct {
	struct keg_bus *ports, *memory;
	struct keg_pci_bus pci;
	struct function functions[FUNCTIONS];
} machine;

/* What a BAR answers with: whose it is, so that nobody answers for somebody else. */
static uint64_t bar_read(void *device, uint64_t offset, uint32_t bytes)
{
	const struct function *function = device;

	fuzz_check(bytes <= 8 && offset < 0x4000);
	return (uint64_t)(function - machine.functions) + 0x40;
}

static const struct keg_bus_ops bar_ops = {.read = bar_read};

static void moved(void *device, uint32_t bar, bool mapped, uint64_t address)
{
	struct function *function = device;

	/* It comes and goes in turns. */
	fuzz_check(function->mapped[bar] != mapped);
	function->mapped[bar] = mapped;
	function->address[bar] = address;
}

static void moved_0(void *device, bool mapped, uint64_t address)
{
	moved(device, 0, mapped, address);
}

static void moved_2(void *device, bool mapped, uint64_t address)
{
	moved(device, 2, mapped, address);
}

static void moved_3(void *device, bool mapped, uint64_t address)
{
	moved(device, 3, mapped, address);
}

static void hook(void *device, uint32_t offset, uint32_t bytes)
{
	(void)device;
	fuzz_check(bytes >= 1 && offset + bytes <= KEG_PCI_CONFIG_BYTES);
	fuzz_check(offset / 4 == (offset + bytes - 1) / 4);
}

static void add_function(struct function *function)
{
	function->pci = (struct keg_pci_function){.vendor = 0x1234,
		.device = function,
		.before_read = hook,
		.after_write = hook,
		.bars = {
			{KEG_PCI_BAR_MEMORY64, "big", 0x4000, &bar_ops, moved_0, 0, false},
			{0},
			{KEG_PCI_BAR_MEMORY32, "small", 0x1000, &bar_ops, moved_2, 0, false},
			{KEG_PCI_BAR_PORTS, "ports", 16, &bar_ops, moved_3, 0, false},
		}};
	fuzz_check(keg_pci_add(&machine.pci, &function->pci, 0) == 0);
}

static void make_machine(void)
{
	static const struct keg_pci_window window = {0xc0000000, 0xc0100000, 0xc000, 0xd000};
	const struct keg_bus_region ports = {
		"pci", KEG_PCI_PORTS, KEG_PCI_PORTS_SIZE, &keg_pci_port_ops, &machine.pci};
	const struct keg_bus_region ecam = {
		"ecam", ECAM, KEG_PCI_ECAM_BYTES, &keg_pci_ecam_ops, &machine.pci};

	memset(&machine, 0, sizeof(machine));
	fuzz_check(keg_bus_create("port", &machine.ports) == 0);
	fuzz_check(keg_bus_create("memory", &machine.memory) == 0);
	fuzz_check(keg_pci_init(&machine.pci, machine.ports, machine.memory, &window) == 0);
	fuzz_check(keg_bus_add(machine.ports, &ports) == 0);
	fuzz_check(keg_bus_add(machine.memory, &ecam) == 0);
	for (int i = 0; i < FUNCTIONS; i++)
		add_function(&machine.functions[i]);
}

static void check_bar(struct function *function, uint32_t bar)
{
	bool is_ports = function->pci.bars[bar].kind == KEG_PCI_BAR_PORTS;
	uint64_t address = keg_pci_get(&function->pci, FIRST_BAR + 4 * bar, 4) &
			   ~(uint32_t)(is_ports ? 3 : 15);
	uint32_t decoded = keg_pci_get(&function->pci, COMMAND, 2) &
			   (is_ports ? KEG_PCI_COMMAND_PORTS : KEG_PCI_COMMAND_MEMORY);
	uint8_t answer = 0;

	if (!function->mapped[bar])
		return;
	if (function->pci.bars[bar].kind == KEG_PCI_BAR_MEMORY64)
		address |= (uint64_t)keg_pci_get(&function->pci, FIRST_BAR + 4 * bar + 4, 4) << 32;
	fuzz_check(decoded && address == function->address[bar]);
	keg_bus_read(is_ports ? machine.ports : machine.memory, address, &answer, 1);
	fuzz_check(answer == function - machine.functions + 0x40);
}

/* A value: near what is there already, or any. */
static uint64_t take_value(struct fuzz_input *input)
{
	static const uint32_t bases[] = {0, 0xc0000000, ECAM, 0xcf8, 0xc000, UINT32_MAX};
	uint64_t what = fuzz_take(input, 1);

	return what < 6 ? bases[what] + (fuzz_take(input, 1) << 12) : fuzz_take(input, 8);
}

static void access(struct fuzz_input *input)
{
	uint64_t what = fuzz_take(input, 1), value = take_value(input);
	uint64_t offset = fuzz_take(input, what & 0x10 ? 3 : 1) % KEG_PCI_ECAM_BYTES;
	uint32_t bytes = 1 + (what & 7);
	uint64_t slot = (what >> 6 & 3) << 15;
	uint32_t selected = (uint32_t)(0x80000000 | slot >> 4 | (offset & 0xfc));

	if (what & 8) {
		keg_bus_write(machine.memory, ECAM + slot + offset, &value, bytes);
		keg_bus_read(machine.memory, ECAM + slot + offset, &value, bytes);
		return;
	}
	keg_bus_write(machine.ports, 0xcf8, &selected, 4);
	keg_bus_write(machine.ports, 0xcf8 + offset % 8, &value, bytes);
	keg_bus_read(machine.ports, 0xcf8 + offset % 8, &value, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	make_machine();
	while (input.left) {
		access(&input);
		for (int i = 0; i < FUNCTIONS; i++) {
			for (uint32_t bar = 0; bar < 4; bar++)
				check_bar(&machine.functions[i], bar);
		}
	}
	for (int i = 0; i < FUNCTIONS; i++) {
		keg_pci_remove(&machine.functions[i].pci);
		for (uint32_t bar = 0; bar < KEG_PCI_BARS; bar++)
			fuzz_check(!machine.functions[i].mapped[bar]);
	}
	keg_pci_fini(&machine.pci);
	keg_bus_destroy(machine.ports);
	keg_bus_destroy(machine.memory);
	return 0;
}
