/* SPDX-License-Identifier: MIT */
/* A machine, as a table for people and as a configuration. */
#include "dry_run.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "commands.h"
#include "config.h"
#include "style.h"

/* ---- For people ---- */

static void row(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *label, const char *format, ...)
{
	char text[RUN_COMMAND_LINE + 64];
	struct style_flow flow;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	style_label(label);
	style_flow_begin(&flow, stdout, STYLE_LABEL_COLUMN, STYLE_LABEL_COLUMN);
	style_flow_text(&flow, text);
	style_flow_end(&flow);
}

/* "512 MiB", "3 GiB", "1.5 KiB" */
static const char *size_text(uint64_t bytes, char text[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double value = (double)bytes;
	size_t unit = 0;

	for (; value >= 1024 && unit < 4; unit++)
		value /= 1024;
	snprintf(text, 32, "%.*f %s", value < 100 && value != (double)(uint64_t)value ? 1 : 0,
		value, units[unit]);
	return text;
}

static void print_machine(const struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	char memory[32];

	style_title(stdout, "The machine");
	row("vCPUs", "%" PRIu32 "%s%s", machine->board.cpus, settings->cpu ? ", " : "",
		settings->cpu ? settings->cpu : "");
	row("memory", "%s", size_text(machine->board.memory_bytes, memory));
	row("virtio", "%s", settings->mmio ? "by MMIO" : "by PCI");
	row("terminal", "%s",
		settings->console == RUN_CONSOLE_VIRTIO ? "virtio console" : "serial port");
	for (size_t i = 0; i < settings->ports.count; i++)
		row(i ? "" : "ports", "%s", ((const char *const *)settings->ports.items)[i]);
	row("entropy", "%s", settings->no_entropy ? "none" : "from the host");
	if (settings->split_irqchip)
		row("irqchip", "split: the I/O APIC is keg's");
	if (settings->test_devices)
		row("test devices", "yes");
}

static void print_disk(const struct keg_disk_config *disk, size_t index)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} flags[] = {
		{KEG_DISK_READONLY, "read-only"},
		{KEG_DISK_SCRATCH, "what is written is lost at the end"},
		{KEG_DISK_DIRECT, "past the page cache"},
		{KEG_DISK_NO_SYNC, "never flushed"},
		{KEG_DISK_THREADS, "by threads"},
	};
	char label[32], queues[32] = "", words[256] = "";
	size_t length = 0;

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (disk->flags & flags[i].flag && length < sizeof(words))
			length += (size_t)snprintf(
				words + length, sizeof(words) - length, ", %s", flags[i].text);
	}
	if (disk->queues)
		snprintf(queues, sizeof(queues), ", %" PRIu32 " queues", disk->queues);
	snprintf(label, sizeof(label), "disk %zu", index);
	row(label, "%s%s%s%s%s", disk->path, words, queues, disk->serial ? ", serial " : "",
		disk->serial ? disk->serial : "");
}

static void print_net(const struct keg_net_config *net, size_t index)
{
	static const uint8_t none[6];
	char label[32];

	snprintf(label, sizeof(label), "net %zu", index);
	if (net->kind == KEG_NET_TAP)
		row(label, "tap %s, %" PRIu32 " queue pairs%s", net->tap,
			net->queues ? net->queues : 1,
			net->flags & KEG_NET_NO_OFFLOADS ? ", no offloads" : "");
	else
		row(label, "user: the guest is 10.0.2.15, the host 10.0.2.2%s",
			net->flags & KEG_NET_RESTRICT ? "; forwards only, nothing outwards" : "");
	for (size_t i = 0; i < net->forward_count; i++) {
		const struct keg_net_forward *forward = &net->forwards[i];

		row("", "%s port %u of %s leads to port %u", forward->udp ? "UDP" : "TCP",
			forward->host_port,
			forward->host_address ? forward->host_address : "127.0.0.1",
			forward->guest_port);
	}
	if (memcmp(net->mac, none, sizeof(none)) != 0)
		row("", "MAC %02x:%02x:%02x:%02x:%02x:%02x", net->mac[0], net->mac[1], net->mac[2],
			net->mac[3], net->mac[4], net->mac[5]);
	if (net->mtu)
		row("", "MTU %u", net->mtu);
}

static void print_guest(const struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;
	char size[32];

	printf("\n");
	style_title(stdout, "The guest");
	row("image", "%s (%s, %s)", settings->image ? settings->image : "the one that is built in",
		keg_image_kind_name(machine->kind), size_text(machine->boot.image_bytes, size));
	if (settings->initrd)
		row("initrd", "%s (%s)", settings->initrd, size_text(machine->initrd.count, size));
	row("command line", "%s", *machine->command_line ? machine->command_line : "none");
	for (size_t i = 0; i < machine->word_count; i++)
		row("", "%s: %s", machine->words[i].word, machine->words[i].why);
}

static void print_run(const struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;

	printf("\n");
	style_title(stdout, "The run");
	if (settings->timeout.given)
		row("time limit", "%g s", (double)settings->timeout.value / 1e9);
	else
		row("time limit", "none");
	if (machine->grace_ns)
		row("SIGTERM", "presses the power button; %g s later it ends the run",
			(double)machine->grace_ns / 1e9);
	else
		row("SIGTERM", "ends the run");
}

/* ---- As a configuration ---- */

/* With what was left to keg filled in. */
static json_t *resolved(const struct run_machine *machine)
{
	struct run_settings all = *machine->settings;

	all.cpus = (struct cli_number){machine->board.cpus, true};
	all.memory = (struct cli_number){machine->board.memory_bytes, true};
	all.grace = (struct cli_number){machine->grace_ns, true};
	all.append = machine->command_line;
	all.no_default_append = true;
	return config_write(&command_run, &all);
}

static int print_json(const struct run_machine *machine, const char *path)
{
	json_t *object = resolved(machine);
	FILE *file = stdout;
	int rc = -1;

	if (!object)
		return -1;
	if (path)
		file = fopen(path, "we");
	if (file) {
		rc = json_dumpf(object, file, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
		fputc('\n', file);
		rc = fflush(file) || ferror(file) ? -1 : rc;
	}
	if (rc)
		cli_error("cannot write %s: %s", path ? path : "the output", strerror(errno));
	if (path && file)
		fclose(file);
	json_decref(object);
	return rc;
}

int dry_run(const struct run_machine *machine)
{
	const struct run_settings *settings = machine->settings;

	if (settings->json.given)
		return print_json(machine, settings->json.value);
	print_machine(machine);
	for (size_t i = 0; i < machine->board.disk_count; i++)
		print_disk(machine->board.disks[i], i);
	for (size_t i = 0; i < machine->board.net_count; i++)
		print_net(machine->board.nets[i], i);
	print_guest(machine);
	print_run(machine);
	return 0;
}
