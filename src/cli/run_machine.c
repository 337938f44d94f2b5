/* SPDX-License-Identifier: MIT */
/* The machine that was asked for. */
#include "run_machine.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"
#include "default_guest.h"
#include "run_end.h"

enum { DEFAULT_GUEST_CPUS = 4 };
static const uint64_t default_memory = UINT64_C(256) << 20;
static const uint64_t linux_memory = UINT64_C(512) << 20;
static const uint64_t linux_grace_ns = UINT64_C(30000000000);

/* ---- Files ---- */

static int read_files(struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	const struct image_limit limit = {
		settings->memory.given ? settings->memory.value : linux_memory,
		"which is all the memory of the machine: give it more with --memory"};
	uint64_t begin = cli_clock();

	if (settings->image && image_read(settings->image, &limit, &machine->image) != 0)
		return RUN_FAILED;
	if (settings->initrd && image_read(settings->initrd, &limit, &machine->initrd) != 0)
		return RUN_FAILED;
	machine->read_ns = cli_clock() - begin;
	return 0;
}

static void look_at_image(struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	const void *bytes = settings->image ? machine->image.bytes : default_guest_bytes();
	size_t count = settings->image ? machine->image.count : default_guest_size();

	machine->kind = (enum keg_image_kind)settings->kind;
	machine->is_linux = linux_is_kernel(machine->kind, bytes, count);
	if (machine->kind == KEG_IMAGE_AUTO)
		machine->kind = keg_image_identify(bytes, count);
	machine->boot = (struct keg_boot_config){
		.size = sizeof(machine->boot),
		.kind = (enum keg_image_kind)settings->kind,
		.mode = (enum keg_entry_mode)settings->mode,
		.image = bytes,
		.image_bytes = count,
		.initrd = machine->initrd.bytes,
		.initrd_bytes = machine->initrd.count,
		.command_line = machine->command_line,
		.initrd_line = settings->initrd,
		.load_address = settings->load_address.value,
		.entry = settings->entry.value,
		.flags = (settings->load_address.given ? KEG_BOOT_LOAD_ADDRESS : 0U) |
			 (settings->entry.given ? KEG_BOOT_ENTRY : 0U) |
			 (settings->no_unpack ? KEG_BOOT_NO_UNPACK : 0U),
	};
}

/* ---- The board ---- */

static uint32_t board_flags(const struct run_settings *settings)
{
	return (settings->mmio ? KEG_BOARD_MMIO : 0U) |
	       (settings->split_irqchip ? KEG_BOARD_SPLIT_IRQCHIP : 0U) |
	       (settings->test_devices ? KEG_BOARD_TEST_DEVICES : 0U) |
	       (settings->no_entropy ? KEG_BOARD_NO_ENTROPY : 0U) |
	       (settings->list_unclaimed ? KEG_BOARD_LIST_UNCLAIMED : 0U);
}

static void set_board(struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	uint64_t cpus = settings->image ? 1 : DEFAULT_GUEST_CPUS;
	uint64_t memory = machine->is_linux ? linux_memory : default_memory;

	if (settings->cpus.given)
		cpus = settings->cpus.value;
	if (settings->memory.given)
		memory = settings->memory.value;
	machine->board.size = sizeof(machine->board);
	machine->board.memory_bytes = memory;
	machine->board.cpus = (uint32_t)cpus;
	machine->board.kick_signal = SIGRTMIN;
	machine->board.statistics = settings->stats || settings->json.given;
	machine->board.boot = &machine->boot;
	machine->board.flags = board_flags(settings);
	machine->board.cpu_model = settings->cpu;
	machine->grace_ns = settings->grace.given ? settings->grace.value
			    : machine->is_linux   ? linux_grace_ns
						  : 0;
}

/* ---- The command line ---- */

/* Adds a word. False if there is no room. */
static bool add(struct run_machine *machine, const char *text)
{
	size_t length = strlen(machine->command_line);
	size_t room = RUN_COMMAND_LINE - length;

	return snprintf(machine->command_line + length, room, "%s%s", length && *text ? " " : "",
		       text) < (int)room;
}

static void find_words(struct run_machine *machine, const char *append)
{
	const struct run_settings *settings = machine->settings;
	const struct disk_settings *disks = settings->disks.items;
	const struct linux_machine facts = {
		.virtio_console = settings->console == RUN_CONSOLE_VIRTIO,
		.mmio = settings->mmio,
		.root_disk = settings->disks.count && !settings->initrd,
		.root_readonly = settings->disks.count && disks[0].readonly,
	};

	machine->word_count = linux_default_words(&facts, append, machine->words);
}

static int set_command_line(struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	const char *append = settings->append ? settings->append : "";
	bool fits = true;
	char cpus[32];

	if (machine->is_linux && !settings->no_default_append)
		find_words(machine, append);
	for (size_t i = 0; i < machine->word_count && fits; i++)
		fits = add(machine, machine->words[i].word);
	/* The guest that is built in wants to know how many CPUs there are. */
	if (!settings->image && !settings->no_default_append) {
		snprintf(cpus, sizeof(cpus), "cpus=%" PRIu32, machine->board.cpus);
		fits = add(machine, cpus);
	}
	if (fits && add(machine, append))
		return 0;
	cli_error("--append takes %d characters at most, with the words that keg adds",
		RUN_COMMAND_LINE - 1);
	return RUN_USAGE;
}

/* ---- All of it ---- */

static int check_settings(const struct run_settings *settings)
{
	if (!settings->memory.given)
		return 0;
	if (settings->memory.value && settings->memory.value % 4096 == 0)
		return 0;
	cli_error("--memory takes a multiple of 4096 bytes, not %" PRIu64, settings->memory.value);
	return RUN_USAGE;
}

int run_machine_make(const struct run_settings *settings, struct run_machine *machine)
{
	int rc = check_settings(settings);

	*machine = (struct run_machine){.settings = settings};
	if (rc == 0)
		rc = run_devices_make(machine);
	if (rc == 0)
		rc = read_files(machine);
	if (rc != 0)
		return rc;
	look_at_image(machine);
	set_board(machine);
	return set_command_line(machine);
}

void run_machine_release_images(struct run_machine *machine)
{
	image_release(&machine->image);
	image_release(&machine->initrd);
}

void run_machine_release(struct run_machine *machine)
{
	run_machine_release_images(machine);
	run_devices_release(machine->devices);
	machine->devices = NULL;
}

void run_machine_connect(struct run_machine *machine, const struct ports *ports,
	keg_console_output *output, keg_console_room *room, void *context)
{
	struct keg_port_config *port = run_devices_connect(machine, ports);

	if (port) {
		port->output = output;
		port->room = room;
		port->context = context;
	} else {
		machine->board.console_output = output;
		machine->board.console_room = room;
		machine->board.console_context = context;
	}
}
