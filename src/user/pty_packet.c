/* SPDX-License-Identifier: MIT */
/*
 * Pseudo terminals: packet mode (ioctl_tty(2), TIOCPKT). A read of the master's begins with a byte
 * that says what follows: data, or nothing, and what has happened to the line. That is told with
 * the next read: it makes nobody's poll(2) return, as there is nothing in the socket for it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "user/block.h"
#include "user/pty.h"
#include "user/task.h"

void keg_pty_packet_set(struct keg_pty *pty, bool on)
{
	pty->packet = on;
	pty->packet_status = 0;
	pty->packet_stopped = pty->line.stopped;
}

void keg_pty_packet_tell(struct keg_pty *pty, uint8_t what)
{
	static const uint8_t pairs[] = {
		TIOCPKT_STOP | TIOCPKT_START, TIOCPKT_DOSTOP | TIOCPKT_NOSTOP};

	if (!pty->packet)
		return;
	/* Of two that are each other's opposite the last is true. */
	for (size_t i = 0; i < sizeof(pairs); i++) {
		if (what & pairs[i])
			pty->packet_status &= (uint8_t)~pairs[i];
	}
	pty->packet_status |= what;
}

void keg_pty_packet_settle(struct keg_pty *pty)
{
	if (pty->packet_stopped == pty->line.stopped)
		return;
	pty->packet_stopped = pty->line.stopped;
	keg_pty_packet_tell(pty, pty->line.stopped ? TIOCPKT_STOP : TIOCPKT_START);
}

/* Whether ^S and ^Q, these very characters, stop output and let it go on. */
static bool has_usual_flow(const struct termios2 *termios)
{
	return termios->c_iflag & IXON && termios->c_cc[VSTOP] == ('S' & 0x1f) &&
	       termios->c_cc[VSTART] == ('Q' & 0x1f);
}

void keg_pty_packet_flow(struct keg_pty *pty, const struct termios2 *before)
{
	bool now = has_usual_flow(&pty->line.termios);

	if (has_usual_flow(before) != now)
		keg_pty_packet_tell(pty, now ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
}

bool keg_pty_packet_read(struct keg_pty *pty, uint8_t *header)
{
	bool on;

	pthread_mutex_lock(&pty->user->lock);
	on = pty->packet;
	*header = on ? pty->packet_status : TIOCPKT_DATA;
	if (on)
		pty->packet_status = 0;
	pthread_mutex_unlock(&pty->user->lock);
	return on;
}
