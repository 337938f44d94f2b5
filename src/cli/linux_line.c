/* SPDX-License-Identifier: MIT */
/* Linux, and the words that it is given without being asked to. */
#include "linux_line.h"

#include <string.h>

#include "machine.h"

bool linux_is_kernel(enum keg_image_kind kind, const void *image, size_t bytes)
{
	enum keg_image_kind found = keg_image_identify(image, bytes);

	switch (kind) {
	case KEG_IMAGE_BZIMAGE:
	case KEG_IMAGE_LINUX:
		return true;
	case KEG_IMAGE_AUTO:
	case KEG_IMAGE_PVH: /* a vmlinux may be entered there, too */
		return found == KEG_IMAGE_BZIMAGE || found == KEG_IMAGE_LINUX;
	default:
		return false;
	}
}

/* ---- The words ---- */

enum when { ALWAYS, SERIAL, VIRTIO, MMIO, ROOT, ROOT_READONLY, ROOT_WRITABLE };

/*
 * In the order in which the kernel gets them; admin-guide/kernel-parameters.txt explains each. A
 * word is left out if the user's own words have one of the names in `unless`. Only what is right
 * for everybody is here: nothing that trades safety, accuracy or messages for speed (mitigations=,
 * tsc=reliable, cryptomgr.notests, quiet), and nothing that the machine tells through CPUID or ACPI
 * anyway (no_timer_check, reboot=, i8042.*). That there is no PCI it cannot tell: Linux's early
 * quirks ask each slot of bus 0 through ports, whatever ACPI says: 230 exits.
 */
static const struct {
	enum when when;
	const char *word;
	const char *unless[3];
	const char *why;
} defaults[] = {
	{SERIAL, machine_serial_console, {"console"}, "the terminal is the serial port"},
	{VIRTIO, "console=hvc0", {"console"}, "the terminal is the virtio console"},
	{ALWAYS, "panic=-1", {"panic"},
		"a kernel that panics ends the run, in place of standing still"},
	{SERIAL, "8250.nr_uarts=1", {"8250.nr_uarts"},
		"there is one serial port: three others need not be looked for"},
	{MMIO, "pci=off", {"pci"}, "there is no PCI: its ports need not be searched for devices"},
	{ROOT, "root=/dev/vda", {"root"}, "there is a disk, and no initrd"},
	{ROOT_READONLY, "ro", {"root", "ro", "rw"}, "the disk is read-only"},
	{ROOT_WRITABLE, "rw", {"root", "ro", "rw"}, "the disk can be written"},
};

static bool holds(enum when when, const struct linux_machine *machine)
{
	switch (when) {
	case SERIAL:
		return !machine->virtio_console;
	case VIRTIO:
		return machine->virtio_console;
	case MMIO:
		return machine->mmio;
	case ROOT:
		return machine->root_disk;
	case ROOT_READONLY:
		return machine->root_disk && machine->root_readonly;
	case ROOT_WRITABLE:
		return machine->root_disk && !machine->root_readonly;
	default:
		return true;
	}
}

/* Linux's next_arg(): words end at blanks that are not between quotes. */
static size_t word_length(const char *text)
{
	bool quoted = false;
	size_t length;

	for (length = 0; text[length]; length++) {
		if (text[length] == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" \t\n", text[length]))
			break;
	}
	return length;
}

/* Whether a word is "name" or "name=…". What follows "--" is init's. */
static bool has_word(const char *line, const char *name)
{
	size_t wanted = strlen(name), length;

	for (;; line += length) {
		line += strspn(line, " \t\n");
		length = word_length(line);
		if (!length || (length == 2 && strncmp(line, "--", 2) == 0))
			return false;
		if (strncmp(line, name, wanted) == 0 && (length == wanted || line[wanted] == '='))
			return true;
	}
}

static bool has_any(const char *line, const char *const names[3])
{
	for (size_t i = 0; i < 3 && names[i]; i++) {
		if (has_word(line, names[i]))
			return true;
	}
	return false;
}

size_t linux_default_words(const struct linux_machine *machine, const char *append,
	struct linux_word words[LINUX_WORDS])
{
	size_t count = 0;

	for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
		if (!holds(defaults[i].when, machine) || has_any(append, defaults[i].unless))
			continue;
		words[count++] = (struct linux_word){defaults[i].word, defaults[i].why};
	}
	return count;
}
