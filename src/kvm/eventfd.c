/* SPDX-License-Identifier: MIT */
/* Eventfds, as interrupts and doorbells want them. */
#include <sys/eventfd.h>

#include <unistd.h>

#include <keg/irq.h>

#include "base/error.h"

int keg_eventfd_create(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	return fd < 0 ? keg_fail_errno(errno, "making an eventfd") : fd;
}

int keg_eventfd_signal(int fd)
{
	const uint64_t one = 1;
	ssize_t rc;

	do
		rc = write(fd, &one, sizeof(one));
	while (rc < 0 && errno == EINTR);
	/* A full counter (EAGAIN) is signalled already. */
	if (rc < 0 && errno != EAGAIN)
		return keg_fail_errno(errno, "signalling eventfd %d", fd);
	return 0;
}

int keg_eventfd_drain(int fd)
{
	uint64_t count;
	ssize_t rc;

	do
		rc = read(fd, &count, sizeof(count));
	while (rc < 0 && errno == EINTR);
	if (rc < 0 && errno != EAGAIN)
		return keg_fail_errno(errno, "reading eventfd %d", fd);
	return rc > 0;
}
