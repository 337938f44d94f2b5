/* SPDX-License-Identifier: MIT */
/* The options of keg run, and its help. */
#include <keg/boot.h>

#include "commands.h"
#include "run_end.h"
#include "run_settings.h"

static const struct cli_choice kinds[] = {
	{"auto", KEG_IMAGE_AUTO},
	{"elf32", KEG_IMAGE_ELF32},
	{"elf64", KEG_IMAGE_ELF64},
	{"multiboot", KEG_IMAGE_MULTIBOOT},
	{"flat", KEG_IMAGE_FLAT},
	{NULL, 0},
};

static const struct cli_choice modes[] = {
	{"auto", KEG_ENTRY_AUTO},
	{"real", KEG_ENTRY_REAL},
	{"protected", KEG_ENTRY_PROTECTED},
	{"long", KEG_ENTRY_LONG},
	{NULL, 0},
};

static const struct cli_option options[] = {
	{.help = "The machine"},
	{.name = "cpus",
		.letter = 'c',
		.argument = "N",
		.help = "how many vCPUs it has (1; 4 for the built-in guest)",
		.set = cli_set_number,
		.field = offsetof(struct run_settings, cpus)},
	{.name = "memory",
		.letter = 'm',
		.argument = "SIZE",
		.help = "how much memory it has, such as 512M or 2G (256M)",
		.set = cli_set_size,
		.field = offsetof(struct run_settings, memory)},
	{.name = "device",
		.letter = 'd',
		.argument = "PATH",
		.help = "KVM's device, if it is not /dev/kvm",
		.set = cli_set_string,
		.field = offsetof(struct run_settings, device)},

	{.help = "The guest"},
	{.name = "append",
		.letter = 'a',
		.argument = "TEXT",
		.help = "the guest's command line",
		.set = cli_set_string,
		.field = offsetof(struct run_settings, append)},
	{.name = "initrd",
		.letter = 'i',
		.argument = "FILE",
		.help = "a file that is loaded beside it: a Multiboot module",
		.set = cli_set_string,
		.field = offsetof(struct run_settings, initrd)},
	{.name = "kind",
		.letter = 'k',
		.argument = "KIND",
		.help = "what IMAGE is, if its first bytes do not tell: elf32, elf64, multiboot, "
			"flat",
		.set = cli_set_choice,
		.field = offsetof(struct run_settings, kind),
		.choices = kinds},
	{.name = "mode",
		.argument = "MODE",
		.help = "how the processor enters it: real, protected, long",
		.set = cli_set_choice,
		.field = offsetof(struct run_settings, mode),
		.choices = modes},
	{.name = "load-address",
		.argument = "ADDR",
		.help = "where the bytes of a flat image go (1 MiB above the start of memory)",
		.set = cli_set_number,
		.field = offsetof(struct run_settings, load_address)},
	{.name = "entry",
		.argument = "ADDR",
		.help = "where a flat image begins (its load address)",
		.set = cli_set_number,
		.field = offsetof(struct run_settings, entry)},

	{.help = "The run"},
	{.name = "timeout",
		.letter = 't',
		.argument = "SECONDS",
		.help = "end it then, if it has not ended before",
		.set = cli_set_seconds,
		.field = offsetof(struct run_settings, timeout)},
	{.name = "stats",
		.letter = 's',
		.help = "print what it has cost: exits by reason, with times",
		.set = cli_set_flag,
		.field = offsetof(struct run_settings, stats)},
	{.name = "json",
		.letter = 'j',
		.argument = "FILE",
		.argument_optional = true,
		.help = "write how it ended and what it has cost as JSON: into FILE, or in place "
			"of "
			"the sentence on standard error",
		.set = cli_set_optional,
		.field = offsetof(struct run_settings, json)},
	{0},
};

static const struct cli_section sections[] = {
	{"Keys, while it runs on a terminal",
		"  Ctrl-A x    end the machine\n"
		"  Ctrl-A a    send a Ctrl-A (Ctrl-A Ctrl-A does, too)\n"
		"  Ctrl-A c    show these keys\n"
		"  Anything else, Ctrl-C too, is the guest's."},
	{"Exit status", "    0  the guest powered off\n"
			"  odd  it wrote to the debug-exit port: (value << 1) | 1\n"
			"    2  wrong usage\n"
			"    4  keg or KVM failed\n"
			"    6  the guest asked for a reset\n"
			"    8  the guest halted for good\n"
			"   10  the guest triple-faulted\n"
			"   12  KVM could not go on with the guest\n"
			"   14  it was ended with Ctrl-A x\n"
			"  124  the time of --timeout was up\n"
			"  If SIGINT, SIGTERM or SIGHUP ends the run, keg dies of that signal."},
	{"Examples", "  keg run                              the guest that is built in\n"
		     "  keg run --stats kernel.elf           your kernel, and what it cost\n"
		     "  keg run -m 1G -c 2 -a 'debug' -i disk.img kernel.elf\n"
		     "  keg run --mode real --load-address 0x7c00 boot.bin"},
	{NULL, NULL},
};

const struct cli_command command_run = {
	.name = "run",
	.summary = "run a bare-metal guest in a machine",
	.about =
		"Runs a guest in a machine of its own until it ends, with the machine's serial\n"
		"port on this terminal. IMAGE is an ELF or Multiboot kernel, or flat bytes; \"-\"\n"
		"reads it from standard input. Without IMAGE the guest that is built into keg\n"
		"runs: a small one, that tries the machine and prints what it finds.",
	.options = options,
	.operand = "IMAGE",
	.operand_at = offsetof(struct run_settings, image),
	.sections = sections,
	.settings_size = sizeof(struct run_settings),
	.run = run_guest,
	.failed = RUN_FAILED,
};
