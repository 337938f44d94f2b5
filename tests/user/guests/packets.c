/* SPDX-License-Identifier: MIT */
/* Pseudo terminals in packet mode as a program finds them: ioctl_tty(2), TIOCPKT. */
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "check.h"

static int master, slave;

static void open_pair(void)
{
	int on = 1;

	master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(master >= 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	CHECK(slave >= 0 && ioctl(master, TIOCPKT, &on) == 0);
}

static void close_pair(void)
{
	close(slave);
	close(master);
}

/* A read that tells something, and has no data. */
static void tells(int what)
{
	unsigned char told[8] = {0};

	CHECK(read(master, told, sizeof(told)) == 1);
	CHECK(told[0] == what);
}

static void says(const char *text)
{
	char got[32] = "x";

	CHECK(read(master, got, sizeof(got)) == (ssize_t)strlen(text) + 1);
	CHECK(got[0] == TIOCPKT_DATA && memcmp(got + 1, text, strlen(text)) == 0);
}

static void data(void)
{
	int on = 0;
	char byte = 'x';

	open_pair();
	CHECK(ioctl(master, TIOCGPKT, &on) == 0 && on == 1);
	CHECK(ioctl(slave, TIOCPKT, &on) == -1 && errno == ENOTTY);
	CHECK(write(slave, "hello", 5) == 5);
	says("hello");
	/* Room for the first byte only, which is no data. */
	CHECK(write(slave, "ab", 2) == 2);
	CHECK(read(master, &byte, 1) == 1 && byte == TIOCPKT_DATA);
	says("ab");
	CHECK(fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
	CHECK(read(master, &byte, 1) == -1 && errno == EAGAIN);
	on = 0;
	CHECK(ioctl(master, TIOCPKT, &on) == 0);
	CHECK(write(slave, "c", 1) == 1 && read(master, &byte, 1) == 1 && byte == 'c');
	close_pair();
}

static void flushes(void)
{
	open_pair();
	CHECK(tcflush(slave, TCIFLUSH) == 0);
	tells(TIOCPKT_FLUSHREAD);
	CHECK(write(slave, "lost", 4) == 4 && tcflush(slave, TCIOFLUSH) == 0);
	tells(TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	CHECK(write(slave, "seen", 4) == 4);
	says("seen");
	/* Of a signal's key. */
	CHECK(write(master, "\003", 1) == 1);
	tells(TIOCPKT_FLUSHREAD | TIOCPKT_FLUSHWRITE);
	says("^C");
	close_pair();
}

static void flow(void)
{
	struct termios termios;

	open_pair();
	CHECK(tcgetattr(slave, &termios) == 0 && (termios.c_iflag & IXON));
	termios.c_iflag &= ~(tcflag_t)IXON;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
	tells(TIOCPKT_NOSTOP);
	termios.c_iflag |= IXON;
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
	tells(TIOCPKT_DOSTOP);
	termios.c_cc[VSTOP] = 'x';
	CHECK(tcsetattr(slave, TCSANOW, &termios) == 0);
	tells(TIOCPKT_NOSTOP);
	CHECK(write(master, "x", 1) == 1);
	tells(TIOCPKT_STOP);
	CHECK(write(master, "x\021", 2) == 2);
	tells(TIOCPKT_START);
	close_pair();
}

int main(int argc, char **argv)
{
	static const struct check checks[] = {
		{"data", data},
		{"flushes", flushes},
		{"flow", flow},
		{NULL, NULL},
	};

	(void)argc;
	return check_all(checks, argv);
}
