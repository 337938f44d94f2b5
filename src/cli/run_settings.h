/* SPDX-License-Identifier: MIT */
/* What `keg run` was asked for. */
#ifndef KEG_CLI_RUN_SETTINGS_H
#define KEG_CLI_RUN_SETTINGS_H

#include <keg/net.h>

#include "options.h"

/* --disk */
struct disk_settings {
	const char *path;
	bool readonly, direct, threads, nosync;
	struct cli_optional_string scratch; /* with a folder, perhaps */
	struct cli_number queues;
	const char *serial;
};

/* --net */
struct net_settings {
	bool user, none;
	const char *tap;
	struct cli_list forwards; /* of const char *: run_parse_forward() */
	bool restricted, no_offloads;
	struct cli_number queues, mtu;
	const char *mac; /* run_parse_mac() */
};

/* --console */
enum run_console { RUN_CONSOLE_SERIAL, RUN_CONSOLE_VIRTIO };

struct run_settings {
	const char *image; /* NULL: the guest that is built in */
	/* The machine. */
	struct cli_number cpus, memory;
	const char *cpu;
	struct cli_list disks, nets; /* of struct disk_settings, struct net_settings */
	struct cli_list ports;       /* of const char *: ports_parse() */
	int console;                 /* enum run_console */
	bool mmio, no_entropy, split_irqchip, test_devices;
	const char *device;
	/* The guest. */
	const char *append, *initrd;
	bool no_default_append, no_unpack;
	int kind, mode; /* enum keg_image_kind, enum keg_entry_mode */
	struct cli_number load_address, entry;
	/* The run. */
	struct cli_number timeout, grace;
	bool stats, list_unclaimed, dry_run;
	struct cli_optional_string json;
	const char *config;
};

/* The options and the command: run_options.c, run_command.c. */
extern const struct cli_option run_options[];

/* What --disk and --net take: run_parts.c. */
extern const struct cli_option run_disk_parts[];
extern const struct cli_option run_net_parts[];

/* "udp:127.0.0.1:2222:22", of which the protocol and the address may be missing. The address is
 * written into `address`, if there is one. False if it is none. */
enum { RUN_ADDRESS = 16 };
bool run_parse_forward(
	const char *text, struct keg_net_forward *forward, char address[RUN_ADDRESS]);

/* "52:54:00:12:34:56": the address of one card, not of a group. */
bool run_parse_mac(const char *text, uint8_t mac[6]);

/* The setter of --port: run_parts.c. */
const char *run_set_port(const struct cli_option *option, const char *value, void *field);

/* run.c */
int run_guest(const void *given);

#endif
