/* SPDX-License-Identifier: MIT */
/* Pseudo terminals: ioctl(2), but for sessions and groups, which all terminals have (sys_ioctl.c).
 */
#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>

#include "user/pty.h"
#include "user/signals.h"
#include "user/space.h"
#include "user/task.h"

enum { OF_MASTER = 1, OF_SLAVE = 2, OF_BOTH = OF_MASTER | OF_SLAVE };

/* Where a request's data are copied to and from. */
union data {
	struct termios2 termios;
	struct winsize size;
	int number;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): as the table is read */
struct request {
	uint32_t number;
	/* 0, or a negative errno. Lock held. */
	int64_t (*serve)(struct keg_task *task, struct keg_pty *pty, uint32_t request,
		uint64_t argument, union data *data);
	uint8_t who;
	uint8_t in, out; /* bytes that the argument leads to; both 0: it is a number */
};

/* ---- What is set ---- */

static int64_t get_termios(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	/* struct termios is the first part of struct termios2. */
	data->termios = pty->line.termios;
	return 0;
}

static int64_t set_termios(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	const struct termios2 before = pty->line.termios;
	bool old = request == TCSETS || request == TCSETSW || request == TCSETSF;
	int64_t r = keg_terminal_check(&pty->terminal, task, SIGTTOU);

	(void)argument;
	if (r < 0)
		return r;
	if (old) {
		data->termios.c_ispeed = pty->line.termios.c_ispeed;
		data->termios.c_ospeed = pty->line.termios.c_ospeed;
	}
	if (request == TCSETSF || request == (uint32_t)TCSETSF2)
		keg_line_flush(&pty->line);
	keg_line_set(&pty->line, &data->termios);
	keg_pty_packet_flow(pty, &before);
	keg_pty_settle(pty);
	return 0;
}

static int64_t get_size(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	data->size = pty->size;
	return 0;
}

static int64_t set_size(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	bool same = memcmp(&pty->size, &data->size, sizeof(pty->size)) == 0;

	(void)task, (void)request, (void)argument;
	pty->size = data->size;
	if (!same)
		keg_terminal_signal(&pty->terminal, pty->user, SIGWINCH);
	return 0;
}

/* ---- Queues ---- */

static int64_t count_input(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	data->number = (int)keg_line_count(&pty->line);
	return 0;
}

/* Whatever was printed is with the master already. */
static int64_t nothing(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)pty, (void)request, (void)argument;
	data->number = 0;
	return 0;
}

static int64_t flush(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	int64_t r = keg_terminal_check(&pty->terminal, task, SIGTTOU);

	(void)request, (void)data;
	if (r < 0)
		return r;
	if (argument > TCIOFLUSH)
		return -EINVAL;
	if (argument != TCOFLUSH) {
		keg_line_flush(&pty->line);
		keg_pty_packet_tell(pty, TIOCPKT_FLUSHREAD);
	}
	if (argument != TCIFLUSH) {
		keg_pty_discard(pty);
		keg_pty_packet_tell(pty, TIOCPKT_FLUSHWRITE);
	}
	keg_pty_settle(pty);
	return 0;
}

static int64_t control_flow(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)data;
	if (argument > TCION)
		return -EINVAL;
	if (argument == TCOOFF || argument == TCOON)
		pty->line.stopped = argument == TCOOFF;
	keg_pty_settle(pty);
	return 0;
}

/* ---- Its number, its lock, and who has it ---- */

static int64_t get_number(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)argument;
	data->number = request == (uint32_t)TIOCGPTN ? pty->number : pty->locked;
	return 0;
}

static int64_t set_lock(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	pty->locked = data->number != 0;
	return 0;
}

static int64_t send_signal(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	int signo = (int)argument;

	(void)task, (void)request, (void)data;
	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	keg_terminal_signal(&pty->terminal, pty->user, signo);
	return 0;
}

static int64_t get_packet(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	data->number = pty->packet;
	return 0;
}

static int64_t set_packet(struct keg_task *task, struct keg_pty *pty, uint32_t request,
	uint64_t argument, union data *data)
{
	(void)task, (void)request, (void)argument;
	keg_pty_packet_set(pty, data->number != 0);
	return 0;
}

/* ---- The table ---- */

static const struct request requests[] = {
	{TCGETS, get_termios, OF_BOTH, 0, sizeof(struct termios)},
	{TCSETS, set_termios, OF_BOTH, sizeof(struct termios), 0},
	{TCSETSW, set_termios, OF_BOTH, sizeof(struct termios), 0},
	{TCSETSF, set_termios, OF_BOTH, sizeof(struct termios), 0},
	{(uint32_t)TCGETS2, get_termios, OF_BOTH, 0, sizeof(struct termios2)},
	{(uint32_t)TCSETS2, set_termios, OF_BOTH, sizeof(struct termios2), 0},
	{(uint32_t)TCSETSW2, set_termios, OF_BOTH, sizeof(struct termios2), 0},
	{(uint32_t)TCSETSF2, set_termios, OF_BOTH, sizeof(struct termios2), 0},
	{TIOCGWINSZ, get_size, OF_BOTH, 0, sizeof(struct winsize)},
	{TIOCSWINSZ, set_size, OF_BOTH, sizeof(struct winsize), 0},
	{FIONREAD, count_input, OF_SLAVE, 0, sizeof(int)},
	{TIOCOUTQ, nothing, OF_BOTH, 0, sizeof(int)},
	{TCSBRK, nothing, OF_BOTH, 0, 0},
	{TCSBRKP, nothing, OF_BOTH, 0, 0},
	{TCFLSH, flush, OF_BOTH, 0, 0},
	{TCXONC, control_flow, OF_BOTH, 0, 0},
	{(uint32_t)TIOCGPTN, get_number, OF_MASTER, 0, sizeof(int)},
	{(uint32_t)TIOCGPTLCK, get_number, OF_MASTER, 0, sizeof(int)},
	{TIOCSPTLCK, set_lock, OF_MASTER, sizeof(int), 0},
	{TIOCPKT, set_packet, OF_MASTER, sizeof(int), 0},
	{(uint32_t)TIOCGPKT, get_packet, OF_MASTER, 0, sizeof(int)},
	{TIOCSIG, send_signal, OF_MASTER, 0, 0},
};

static const struct request *find(const struct keg_pty_end *end, uint32_t number)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i].number == number &&
			requests[i].who & (end->master ? OF_MASTER : OF_SLAVE))
			return &requests[i];
	}
	return NULL;
}

static int64_t open_peer(struct keg_task *task, const struct keg_pty *pty, uint64_t flags)
{
	struct keg_file *file;
	int r = keg_pty_open_slave(task, pty->number, (int)(uint32_t)flags, &file);

	return r < 0 ? r : keg_task_add_file(task, file, flags & O_CLOEXEC);
}

int64_t keg_pty_ioctl(
	struct keg_task *task, struct keg_file *file, uint32_t number, uint64_t argument)
{
	const struct keg_pty_end *end = keg_pty_end_of(file);
	const struct request *request = find(end, number);
	struct keg_space *space = task->process->space;
	struct keg_pty *pty = end->pty;
	union data data = {0};
	int64_t r;

	if (end->master && number == TIOCGPTPEER)
		return open_peer(task, pty, argument);
	if (!request)
		return KEG_NO_REQUEST;
	if (request->in && keg_space_read(space, &data, argument, request->in) < 0)
		return -EFAULT;
	pthread_mutex_lock(&pty->user->lock);
	r = keg_pty_is_gone(end) ? -EIO
				 : request->serve(task, pty, number, (uint32_t)argument, &data);
	pthread_mutex_unlock(&pty->user->lock);
	if (r == 0 && request->out && keg_space_write(space, argument, &data, request->out) < 0)
		return -EFAULT;
	return r;
}
