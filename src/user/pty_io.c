/* SPDX-License-Identifier: MIT */
/* Pseudo terminals: reading and writing on both sides. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "user/block.h"
#include "user/pty.h"
#include "user/task.h"

/* Printed at once: as many bytes as become of it are sent at once, or none. */
#define PIECE 512
/* Typed at once. */
#define TYPED 4096

static bool must_not_wait(const struct keg_file *file)
{
	return atomic_load(&file->flags) & O_NONBLOCK;
}

/* Until something of the terminal's has changed, with the lock held: 0, -EAGAIN, KEG_RESTART. */
static int64_t await_change(struct keg_task *task, const struct keg_file *file, struct keg_pty *pty)
{
	if (must_not_wait(file))
		return -EAGAIN;
	if (keg_task_called(task))
		return KEG_RESTART;
	pty->waiting++;
	pthread_cond_wait(&pty->user->changed, &pty->user->lock);
	pty->waiting--;
	return 0;
}

/* ---- The master ---- */

/* What was printed. Room for nothing, of packet mode, waits for it as well. */
static int64_t receive(struct keg_task *task, const struct keg_file *file, void *to, size_t length)
{
	int flags = must_not_wait(file) ? MSG_DONTWAIT : 0;
	char one;
	int64_t r;

	if (length == 0)
		r = keg_block(task, SYS_recvfrom, (uint64_t)file->fd, (uint64_t)(uintptr_t)&one, 1,
			(uint64_t)(flags | MSG_PEEK), 0, 0);
	else
		r = keg_block(task, SYS_recvfrom, (uint64_t)file->fd, (uint64_t)(uintptr_t)to,
			length, (uint64_t)flags, 0, 0);
	if (r == -EINTR)
		return KEG_RESTART;
	/* No slave is open any more: pty(7). */
	if (r == 0 || r == -ECONNRESET)
		return -EIO;
	return r > 0 && length == 0 ? 0 : r;
}

ssize_t keg_pty_read_master(
	struct keg_task *task, struct keg_file *file, void *to, size_t length, int64_t offset)
{
	uint8_t *at = to, header;
	bool packet;
	int64_t r;

	(void)offset;
	if (length == 0)
		return 0;
	packet = keg_pty_packet_read(keg_pty_end_of(file)->pty, &header);
	if (packet) {
		*at++ = header;
		if (header != TIOCPKT_DATA)
			return 1;
	}
	r = receive(task, file, at, length - packet);
	return r < 0 ? r : r + packet;
}

ssize_t keg_pty_write_master(struct keg_task *task, struct keg_file *file, const void *from,
	size_t length, int64_t offset)
{
	struct keg_pty *pty = keg_pty_end_of(file)->pty;
	size_t done = 0, some;
	int64_t r = 0;

	(void)offset;
	pthread_mutex_lock(&pty->user->lock);
	while (done < length && r == 0) {
		some = length - done < TYPED ? length - done : TYPED;
		some = keg_line_type(&pty->line, (const uint8_t *)from + done, some);
		keg_pty_settle(pty);
		done += some;
		if (some == 0)
			r = await_change(task, file, pty);
	}
	pthread_mutex_unlock(&pty->user->lock);
	return done > 0 ? (ssize_t)done : r;
}

/* ---- The slave ---- */

/* What there is: -EAGAIN nothing yet. How long the line lets it wait for more is *timeout, -1 for
 * ever, and *enough whether it need not. */
static int64_t take(struct keg_task *task, const struct keg_pty_end *end, uint8_t *to, size_t most,
	size_t done, int64_t *timeout, bool *enough)
{
	struct keg_pty *pty = end->pty;
	const struct termios2 *termios = &pty->line.termios;
	size_t least = termios->c_cc[VMIN];
	int64_t wait = (int64_t)termios->c_cc[VTIME] * 100;
	ssize_t n;
	int64_t r;

	if (keg_pty_is_gone(end))
		return 0;
	r = keg_terminal_check(&pty->terminal, task, SIGTTIN);
	if (r < 0)
		return r;
	n = keg_line_read(&pty->line, to, most);
	keg_pty_settle(pty);
	*enough = termios->c_lflag & ICANON || done + (n > 0 ? (size_t)n : 0) >= least;
	/* termios(3), noncanonical mode: VMIN and VTIME. */
	*timeout = termios->c_lflag & ICANON        ? -1
		   : least == 0                     ? wait
		   : wait && done + (n > 0 ? 1 : 0) ? wait
						    : -1;
	return n < 0 ? -EAGAIN : n;
}

static int64_t await_input(struct keg_task *task, const struct keg_file *file, int64_t timeout)
{
	struct pollfd readable = {.fd = file->fd, .events = POLLIN};

	if (timeout == 0)
		return 0;
	if (must_not_wait(file))
		return -EAGAIN;
	return keg_block(
		task, SYS_poll, (uint64_t)(uintptr_t)&readable, 1, (uint64_t)timeout, 0, 0, 0);
}

ssize_t keg_pty_read_slave(
	struct keg_task *task, struct keg_file *file, void *to, size_t length, int64_t offset)
{
	const struct keg_pty_end *end = keg_pty_end_of(file);
	pthread_mutex_t *lock = &end->pty->user->lock;
	int64_t timeout = -1, r = 0;
	bool enough = true;
	size_t done = 0;

	(void)offset;
	while (done < length) {
		pthread_mutex_lock(lock);
		r = take(task, end, (uint8_t *)to + done, length - done, done, &timeout, &enough);
		pthread_mutex_unlock(lock);
		if (r >= 0)
			done += (size_t)r;
		if (r == 0 || (r > 0 && enough) || (r < 0 && r != -EAGAIN))
			break;
		r = done < length ? await_input(task, file, timeout) : 0;
		if (r <= 0)
			break;
	}
	if (done > 0)
		return (ssize_t)done;
	return r == -EINTR ? KEG_RESTART : r;
}

/* What may be printed now: 0, or why not. Lock held. */
static int64_t may_print(
	struct keg_task *task, const struct keg_file *file, const struct keg_pty_end *end)
{
	struct keg_pty *pty = end->pty;
	int64_t r = 0;

	if (pty->line.termios.c_lflag & TOSTOP)
		r = keg_terminal_check(&pty->terminal, task, SIGTTOU);
	while (r == 0) {
		if (keg_pty_is_gone(end))
			return -EIO;
		if (!pty->line.stopped)
			return 0;
		r = await_change(task, file, pty);
	}
	return r;
}

/* A piece: how much of it was printed. It is sent as a whole, or not at all: unix(7)'s streams take
 * so little in one. */
static int64_t print_piece(
	struct keg_task *task, struct keg_file *file, const uint8_t *from, size_t length)
{
	const struct keg_pty_end *end = keg_pty_end_of(file);
	uint8_t printed[PIECE * KEG_LINE_EXPANDS];
	struct keg_pty *pty = end->pty;
	uint32_t column;
	size_t count;
	int64_t r;

	if (length > PIECE)
		length = PIECE;
	pthread_mutex_lock(&pty->user->lock);
	r = may_print(task, file, end);
	column = pty->line.column;
	count = r == 0 ? keg_line_print(&pty->line, from, length, printed) : 0;
	pthread_mutex_unlock(&pty->user->lock);
	if (r < 0 || count == 0)
		return r < 0 ? r : (int64_t)length;
	r = keg_block(task, SYS_sendto, (uint64_t)file->fd, (uint64_t)(uintptr_t)printed, count,
		MSG_NOSIGNAL | (must_not_wait(file) ? MSG_DONTWAIT : 0), 0, 0);
	if (r >= 0)
		return (int64_t)length;
	pthread_mutex_lock(&pty->user->lock);
	pty->line.column = column;
	pthread_mutex_unlock(&pty->user->lock);
	return r == -EINTR ? KEG_RESTART : r == -EAGAIN ? -EAGAIN : -EIO;
}

ssize_t keg_pty_write_slave(struct keg_task *task, struct keg_file *file, const void *from,
	size_t length, int64_t offset)
{
	size_t done = 0;
	int64_t r = 0;

	(void)offset;
	while (done < length && r >= 0) {
		r = print_piece(task, file, (const uint8_t *)from + done, length - done);
		if (r > 0)
			done += (size_t)r;
	}
	return done > 0 ? (ssize_t)done : r;
}
