/* SPDX-License-Identifier: MIT */
/* From what was asked for to a machine's configuration: with the files read, and the defaults. */
#ifndef KEG_CLI_RUN_MACHINE_H
#define KEG_CLI_RUN_MACHINE_H

#include <keg/board.h>

#include "image.h"
#include "linux_line.h"
#include "ports.h"
#include "run_settings.h"

enum { RUN_COMMAND_LINE = 4096 };

struct run_machine {
	const struct run_settings *settings; /* borrowed */
	struct image image, initrd;
	enum keg_image_kind kind; /* what the image is */
	bool is_linux;
	struct linux_word words[LINUX_WORDS]; /* that keg has added to the command line */
	size_t word_count;
	char command_line[RUN_COMMAND_LINE];
	uint64_t read_ns;  /* reading the files took */
	uint64_t grace_ns; /* from the power button to the end; 0: it is not pressed */

	struct keg_boot_config boot;
	struct keg_board_config board;
	struct run_devices *devices; /* what `board` points to */
};

/* 0, or an exit status after a complaint. run_machine_release() in either case. */
int run_machine_make(const struct run_settings *settings, struct run_machine *machine);
void run_machine_release(struct run_machine *machine);

/* The guest's memory has what was in the files: they may go. */
void run_machine_release_images(struct run_machine *machine);

/* Connects the channels, and the terminal: what the guest writes goes to `output`. */
void run_machine_connect(struct run_machine *machine, const struct ports *ports,
	keg_console_output *output, keg_console_room *room, void *context);

/* ---- Disks, networks and ports: run_devices.c ---- */

/* Fills that part of the machine's configuration. 0, or an exit status after a complaint. */
int run_devices_make(struct run_machine *machine);
void run_devices_release(struct run_devices *devices);

/* The ports of the virtio console: the terminal, then the channels. Returns the terminal's, or NULL
 * if that is the serial port. */
struct keg_port_config *run_devices_connect(struct run_machine *machine, const struct ports *ports);

#endif
