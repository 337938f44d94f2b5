/* SPDX-License-Identifier: MIT */
/* Pseudo terminals, files that stand for processes, attributes. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>

#include "guest.h"

static void use_pidfds(void)
{
	siginfo_t info;
	int fd = -1, child_fd = -1;
	pid_t child =
		(pid_t)syscall(SYS_clone, 0x1000 /* CLONE_PIDFD */ | SIGCHLD, 0, &child_fd, 0, 0);

	MUST(child >= 0);
	if (child == 0) {
		for (;;)
			pause();
	}
	MUST((fd = (int)syscall(SYS_pidfd_open, child, 0)) >= 0);
	MUST(syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0);
	MUST(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, -1) == 1);
	MUST(waitid(3 /* P_PIDFD */, (id_t)child_fd, &info, WEXITED) == 0);
	MUST(close(fd) == 0 && close(child_fd) == 0);
}

void guest_terminals(void)
{
	struct termios termios;
	char text[64];
	int zero = 0, master, slave;

	use_pidfds();
	MUST((master = open("/dev/ptmx", O_RDWR | O_NOCTTY)) >= 0);
	MUST(ioctl(master, TIOCSPTLCK, &zero) == 0);
	MUST((slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY)) >= 0);
	MUST(write(master, "typed\n", 6) == 6 && read(slave, text, sizeof(text)) >= 0);
	MUST(write(slave, "printed\n", 8) == 8 && read(master, text, sizeof(text)) > 0);
	MUST(tcgetattr(slave, &termios) == 0 && tcsetattr(slave, TCSAFLUSH, &termios) == 0);
	MUST(tcflush(slave, TCIOFLUSH) == 0 && close(slave) == 0);
	MUST((slave = open("/dev/pts/0", O_RDWR | O_NOCTTY)) >= 0);
	MUST(write(slave, "again", 5) == 5 && close(master) == 0);
	MUST(read(slave, text, sizeof(text)) == 0);
	MUST((master = open("/tmp/a", O_CREAT | O_RDWR, 0600)) >= 0);
	setxattr("/tmp/a", "user.a", "b", 1, 0);
	setxattr("/tmp", "user.a", "b", 1, 0);
	fremovexattr(master, "user.a");
}
