/* SPDX-License-Identifier: MIT */
/* Keys: Ctrl-A begins those that are keg's, the others are the guest's. */
#include "console_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CTRL_A = 'a' & 0x1f, READ_SIZE = 1024 };

static const char *const keys_help = "\nkeg: Ctrl-A x  end the machine\n"
				     "     Ctrl-A a  send a Ctrl-A (Ctrl-A Ctrl-A does, too)\n"
				     "     Ctrl-A c  this help\n";

/* What the guest has no console for is as good as taken. */
static size_t give(struct console *console)
{
	ssize_t taken;

	if (!console->settings.virtio)
		return keg_board_console_input(console->board, console->pending, console->count);
	taken = keg_board_port_input(console->board, 0, console->pending, console->count);
	return taken < 0 ? console->count : (size_t)taken;
}

void console_feed(struct console *console)
{
	size_t taken;

	if (!console->count || console->room_wanted)
		return;
	taken = give(console);
	/* Fewer than were offered: console_room() will tell when there is room again. */
	console->room_wanted = taken < console->count;
	console->count -= taken;
	memmove(console->pending, console->pending + taken, console->count);
}

/* Who types more than the guest reads hears a bell. */
static void queue(struct console *console, char byte)
{
	if (console->count == sizeof(console->pending)) {
		fputc('\a', stderr);
		return;
	}
	console->pending[console->count++] = byte;
}

/* True to end the run. */
static bool take_key(struct console *console, char key)
{
	if (!console->prefix) {
		console->prefix = key == CTRL_A;
		if (!console->prefix)
			queue(console, key);
		return false;
	}
	console->prefix = false;
	switch (key) {
	case 'x':
		return true;
	case 'a':
	case CTRL_A:
		queue(console, CTRL_A);
		return false;
	default:
		fputs(keys_help, stderr);
		return false;
	}
}

bool console_read(struct console *console)
{
	char bytes[READ_SIZE];
	ssize_t count = read(console->input, bytes, sizeof(bytes));
	bool end = false;

	if (count < 0 && (errno == EINTR || errno == EAGAIN))
		return false;
	if (count <= 0) {
		console->input = -1; /* nothing will come any more */
		return false;
	}
	for (ssize_t i = 0; i < count && !end; i++) {
		if (console->terminal)
			end = take_key(console, bytes[i]);
		else
			queue(console, bytes[i]);
	}
	console_feed(console);
	return end;
}
