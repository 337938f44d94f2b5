/* SPDX-License-Identifier: MIT */
/* keg run, and its help. */
#include "commands.h"
#include "run_end.h"
#include "run_settings.h"

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
			"   16  the guest's kernel panicked, and said so\n"
			"  124  the time of --timeout was up\n"
			"  If SIGINT, SIGTERM or SIGHUP ends the run, keg dies of that signal."},
	{"Examples", "  keg run                              the guest that is built in\n"
		     "  keg run vmlinuz -m 2G -c 4 -D root.img -n user,forward=2222:22\n"
		     "  keg run vmlinuz -i initrd.img -D root.img,scratch -a root=/dev/vda1\n"
		     "  keg run -f machine.json --dry-run    what is in that file\n"
		     "  keg run --stats kernel.elf           your kernel, and what it cost\n"
		     "  keg run -m 1G -c 2 -a 'debug' -i disk.img kernel.elf\n"
		     "  keg run --mode real --load-address 0x7c00 boot.bin"},
	{NULL, NULL},
};

const struct cli_command command_run = {
	.name = "run",
	.summary = "run Linux, or a bare-metal guest, in a machine",
	.about =
		"Runs a guest in a machine of its own until it ends, with the machine's console\n"
		"on this terminal. IMAGE is a Linux kernel (bzImage or vmlinux), another ELF or\n"
		"Multiboot kernel, or flat bytes; \"-\" reads it from standard input. Without\n"
		"IMAGE the guest that is built into keg runs: a small one, that tries the machine\n"
		"and prints what it finds.",
	.options = run_options,
	.operand = "IMAGE",
	.operand_at = offsetof(struct run_settings, image),
	.config = "config",
	.sections = sections,
	.settings_size = sizeof(struct run_settings),
	.run = run_guest,
	.failed = RUN_FAILED,
};
