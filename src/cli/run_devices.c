/* SPDX-License-Identifier: MIT */
/* The disks, networks and ports that were asked for, as configurations of the library's. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "run_end.h"
#include "run_machine.h"

struct run_net {
	struct keg_net_config config;
	struct keg_net_forward *forwards;
	char (*addresses)[RUN_ADDRESS];
};

struct run_devices {
	struct keg_disk_config *disks;
	const struct keg_disk_config **disk_pointers;
	struct run_net *nets;
	const struct keg_net_config **net_pointers;
	size_t net_count;
	struct keg_port_config terminal;
	const struct keg_port_config **port_pointers;
};

static int out_of_memory(void)
{
	cli_error("out of memory");
	return RUN_FAILED;
}

/* ---- Disks ---- */

static void set_disk(const struct disk_settings *settings, struct keg_disk_config *disk)
{
	*disk = (struct keg_disk_config){
		.size = sizeof(*disk),
		.path = settings->path,
		.flags = (settings->readonly ? KEG_DISK_READONLY : 0U) |
			 (settings->direct ? KEG_DISK_DIRECT : 0U) |
			 (settings->scratch.given ? KEG_DISK_SCRATCH : 0U) |
			 (settings->threads ? KEG_DISK_THREADS : 0U) |
			 (settings->nosync ? KEG_DISK_NO_SYNC : 0U),
		.queues = (uint32_t)settings->queues.value,
		.serial = settings->serial,
		.scratch_folder = settings->scratch.value,
	};
}

static int check_disk(const struct disk_settings *settings, size_t index)
{
	if (!settings->path)
		cli_error("disk %zu needs the path of its file", index);
	else if (settings->readonly && settings->scratch.given)
		cli_error("--disk %s: ro and scratch exclude each other: what is only read needs "
			  "no place for what is written",
			settings->path);
	else
		return 0;
	return RUN_USAGE;
}

static int make_disks(struct run_machine *machine)
{
	const struct disk_settings *settings = machine->settings->disks.items;
	size_t count = machine->settings->disks.count;
	struct run_devices *devices = machine->devices;
	int rc = 0;

	devices->disks = calloc(count + 1, sizeof(*devices->disks));
	devices->disk_pointers = calloc(count + 1, sizeof(struct keg_disk_config *));
	if (!devices->disks || !devices->disk_pointers)
		return out_of_memory();
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = check_disk(&settings[i], i);
		set_disk(&settings[i], &devices->disks[i]);
		devices->disk_pointers[i] = &devices->disks[i];
	}
	machine->board.disks = devices->disk_pointers;
	machine->board.disk_count = count;
	return rc;
}

/* ---- Networks ---- */

static int check_net(const struct net_settings *settings)
{
	int kinds = settings->user + settings->none + (settings->tap != NULL);

	if (kinds != 1)
		cli_error("--net takes one of user, tap=NAME and none");
	else if (settings->none &&
		 (settings->forwards.count || settings->restricted || settings->no_offloads ||
			 settings->queues.given || settings->mtu.given || settings->mac))
		cli_error("--net none takes nothing else");
	else if (settings->tap && settings->forwards.count)
		cli_error("--net forward is for user: a tap's guest has an address of its own");
	else if (settings->tap && settings->restricted)
		cli_error("--net restrict is for user: the host's own rules are for a tap");
	else if (settings->user && settings->queues.given && settings->queues.value > 1)
		cli_error("--net queues is for tap");
	else if (settings->user && settings->no_offloads)
		cli_error("--net no-offloads is for tap: user has none");
	else
		return 0;
	return RUN_USAGE;
}

/* What was given has been parsed before, so it is right. */
static int set_forwards(const struct cli_list *forwards, struct run_net *net)
{
	const char *const *texts = forwards->items;

	net->forwards = calloc(forwards->count + 1, sizeof(*net->forwards));
	net->addresses = calloc(forwards->count + 1, sizeof(*net->addresses));
	if (!net->forwards || !net->addresses)
		return out_of_memory();
	for (size_t i = 0; i < forwards->count; i++)
		run_parse_forward(texts[i], &net->forwards[i], net->addresses[i]);
	net->config.forwards = net->forwards;
	net->config.forward_count = forwards->count;
	return 0;
}

static int set_net(const struct net_settings *settings, struct run_net *net)
{
	net->config = (struct keg_net_config){
		.size = sizeof(net->config),
		.kind = settings->tap ? KEG_NET_TAP : KEG_NET_USER,
		.tap = settings->tap,
		.mtu = (uint16_t)settings->mtu.value,
		.queues = (uint32_t)settings->queues.value,
		.flags = (settings->restricted ? KEG_NET_RESTRICT : 0U) |
			 (settings->no_offloads ? KEG_NET_NO_OFFLOADS : 0U),
	};
	if (settings->mac)
		run_parse_mac(settings->mac, net->config.mac);
	return set_forwards(&settings->forwards, net);
}

static int make_nets(struct run_machine *machine)
{
	const struct net_settings *settings = machine->settings->nets.items;
	size_t count = machine->settings->nets.count;
	struct run_devices *devices = machine->devices;
	int rc = 0;

	devices->nets = calloc(count + 1, sizeof(*devices->nets));
	devices->net_pointers = calloc(count + 1, sizeof(struct keg_net_config *));
	if (!devices->nets || !devices->net_pointers)
		return out_of_memory();
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct run_net *net = &devices->nets[devices->net_count];

		rc = check_net(&settings[i]);
		if (rc != 0 || settings[i].none)
			continue;
		devices->net_pointers[devices->net_count++] = &net->config;
		rc = set_net(&settings[i], net);
	}
	machine->board.nets = devices->net_pointers;
	machine->board.net_count = devices->net_count;
	return rc;
}

/* ---- Ports ---- */

static const char terminal_name[] = "console";

/* For a console whose terminal is the serial port. */
static void discard(void *context, const void *bytes, size_t count)
{
	(void)context;
	(void)bytes;
	(void)count;
}

static bool same_name(const char *a, const char *b)
{
	const size_t length = strcspn(a, "=");

	return length == strcspn(b, "=") && strncmp(a, b, length) == 0;
}

/* In Linux the names are links, /dev/virtio-ports/NAME. */
static int check_ports(const struct cli_list *ports)
{
	const char *const *texts = ports->items;

	for (size_t i = 0; i < ports->count; i++) {
		bool taken = same_name(texts[i], terminal_name);

		for (size_t j = 0; j < i; j++)
			taken = taken || same_name(texts[i], texts[j]);
		if (!taken)
			continue;
		cli_error("--port %.*s: that name is taken: choose another",
			(int)strcspn(texts[i], "="), texts[i]);
		return RUN_USAGE;
	}
	return 0;
}

static int make_ports(struct run_machine *machine)
{
	struct run_devices *devices = machine->devices;
	size_t count = machine->settings->ports.count;
	int rc = check_ports(&machine->settings->ports);

	if (rc != 0)
		return rc;
	devices->port_pointers = calloc(count + 1, sizeof(struct keg_port_config *));
	if (!devices->port_pointers)
		return out_of_memory();
	devices->terminal = (struct keg_port_config){
		.size = sizeof(devices->terminal), .name = terminal_name, .output = discard};
	devices->port_pointers[0] = &devices->terminal;
	machine->board.ports = devices->port_pointers;
	if (count || machine->settings->console == RUN_CONSOLE_VIRTIO)
		machine->board.port_count = count + 1;
	return 0;
}

struct keg_port_config *run_devices_connect(struct run_machine *machine, const struct ports *ports)
{
	struct run_devices *devices = machine->devices;

	for (size_t i = 0; i < machine->settings->ports.count; i++)
		devices->port_pointers[i + 1] = ports_config(ports, i);
	return machine->settings->console == RUN_CONSOLE_VIRTIO ? &devices->terminal : NULL;
}

/* ---- All of them ---- */

int run_devices_make(struct run_machine *machine)
{
	int rc;

	machine->devices = calloc(1, sizeof(*machine->devices));
	if (!machine->devices)
		return out_of_memory();
	rc = make_disks(machine);
	if (rc == 0)
		rc = make_nets(machine);
	return rc == 0 ? make_ports(machine) : rc;
}

void run_devices_release(struct run_devices *devices)
{
	if (!devices)
		return;
	for (size_t i = 0; i < devices->net_count; i++) {
		free(devices->nets[i].forwards);
		free(devices->nets[i].addresses);
	}
	free(devices->nets);
	free(devices->net_pointers);
	free(devices->disks);
	free(devices->disk_pointers);
	free(devices->port_pointers);
	free(devices);
}
