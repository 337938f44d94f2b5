/* SPDX-License-Identifier: MIT */
/*
 * netdevice(7): looking at the host's network interfaces, where the program has its network. What
 * goes to the host is a struct ifreq with an interface's name or number and zeroes; there are no
 * pointers in it. Those that set something are not served.
 */
#include "user/interfaces.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/policy.h"
#include "user/space.h"
#include "user/task.h"

#define INTERFACES_MOST 1024 /* that SIOCGIFCONF tells of */

static const uint32_t requests[] = {
	SIOCGIFNAME,
	SIOCGIFFLAGS,
	SIOCGIFADDR,
	SIOCGIFDSTADDR,
	SIOCGIFBRDADDR,
	SIOCGIFNETMASK,
	SIOCGIFMETRIC,
	SIOCGIFMTU,
	SIOCGIFHWADDR,
	SIOCGIFINDEX,
	SIOCGIFMAP,
	SIOCGIFTXQLEN,
};

static bool is_served(uint32_t request)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (requests[i] == request)
			return true;
	}
	return false;
}

static int64_t get_one(
	struct keg_task *task, const struct keg_file *file, uint32_t request, uint64_t argument)
{
	struct ifreq given, asked = {0};

	if (keg_space_read(task->process->space, &given, argument, sizeof(given)) < 0)
		return -EFAULT;
	if (request == SIOCGIFNAME)
		asked.ifr_ifindex = given.ifr_ifindex;
	else
		memcpy(asked.ifr_name, given.ifr_name, sizeof(asked.ifr_name) - 1);
	if (ioctl(file->fd, request, &asked) < 0)
		return keg_host_result(-1);
	return keg_space_write(task->process->space, argument, &asked, sizeof(asked));
}

/* SIOCGIFCONF: all that have an address, into a buffer of keg's. */
static int64_t get_all(struct keg_task *task, const struct keg_file *file, uint64_t argument)
{
	struct keg_space *space = task->process->space;
	struct ifconf given, asked = {0};
	int64_t r;

	if (keg_space_read(space, &given, argument, sizeof(given)) < 0)
		return -EFAULT;
	if (given.ifc_len < 0)
		return -EINVAL;
	asked.ifc_len = given.ifc_len;
	if (given.ifc_len > INTERFACES_MOST * (int)sizeof(struct ifreq))
		asked.ifc_len = INTERFACES_MOST * (int)sizeof(struct ifreq);
	/* Without room it says how much it takes. */
	if (given.ifc_buf) {
		asked.ifc_buf = calloc(1, (size_t)asked.ifc_len + 1);
		if (!asked.ifc_buf)
			return -ENOMEM;
	}
	r = keg_host_result(ioctl(file->fd, SIOCGIFCONF, &asked));
	if (r == 0 && given.ifc_buf)
		r = keg_space_write(space, (uint64_t)(uintptr_t)given.ifc_buf, asked.ifc_buf,
			(size_t)asked.ifc_len);
	free(asked.ifc_buf);
	return r < 0 ? r : keg_space_write(space, argument, &asked.ifc_len, sizeof(asked.ifc_len));
}

int64_t keg_interface_ioctl(
	struct keg_task *task, struct keg_file *file, uint32_t request, uint64_t argument)
{
	if (file->kind != KEG_FILE_SOCKET || !task->process->user->policy->network)
		return -ENOTTY;
	if (request == SIOCGIFCONF)
		return get_all(task, file, argument);
	return is_served(request) ? get_one(task, file, request, argument) : -ENOTTY;
}
