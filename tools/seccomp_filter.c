/* SPDX-License-Identifier: MIT */
/*
 * Writes the system call filters of keg_user_confine() as C, when keg is built: libseccomp makes
 * them, so that a program which confines itself needs neither that library nor its time.
 */
#define _GNU_SOURCE
#include <asm/termbits.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/confine_calls.h"

#define ALLOW(name) failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(name), 0);
#define ALLOW_REQUEST(request)                                                                     \
	failed |= seccomp_rule_add(                                                                \
		filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1_32(SCMP_CMP_EQ, request));

/* A thread, and nothing less: what pthread_create(3) asks for. */
static int allow_threads(scmp_filter_ctx filter)
{
	const unsigned long all = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
	int failed = seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, all, all));

	/* Its flags are in memory, where a filter does not see them: the C library uses clone then.
	 */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(38), SCMP_SYS(clone3), 0);
	failed |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0_32(SCMP_CMP_EQ, PR_SET_NAME));
	/* Signals, but to itself only: older kernels' Landlock does not look at them. */
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		SCMP_A0_32(SCMP_CMP_EQ, KEG_CONFINE_PID));
	/* Of itself only. */
	failed |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1, SCMP_A0_32(SCMP_CMP_EQ, 0));
	return failed;
}

static int allow_sockets(scmp_filter_ctx filter, int network)
{
	const int families[] = {AF_UNIX, AF_INET, AF_INET6};
	int failed = 0;

	for (int i = 0; i < (network ? 3 : 1); i++)
		failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			SCMP_A0_32(SCMP_CMP_EQ, (unsigned int)families[i]));
	return failed;
}

static int make(scmp_filter_ctx filter, int network)
{
	const unsigned int kvm = 0xae00; /* KVMIO, in <linux/kvm.h> */
	int failed = allow_threads(filter) | allow_sockets(filter, network);

	KEG_CONFINE_BASE(ALLOW)
	KEG_CONFINE_FILES(ALLOW)
	KEG_CONFINE_CHANNELS(ALLOW)
	KEG_CONFINE_REQUESTS(ALLOW_REQUEST)
	if (network) {
		KEG_CONFINE_INTERFACES(ALLOW_REQUEST)
	}
	failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
		SCMP_A1_32(SCMP_CMP_MASKED_EQ, 0xff00, kvm));
	/* A binary tree of numbers, in place of a list that is gone through from its start. */
	failed |= seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	return failed;
}

static int print(const char *name, int network)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(1));
	int fd = memfd_create("filter", MFD_CLOEXEC), failed;
	struct sock_filter one;

	if (!filter || fd < 0)
		return 1;
	failed = make(filter, network) || seccomp_export_bpf(filter, fd) ||
		 lseek(fd, 0, SEEK_SET) < 0;
	printf("static const struct sock_filter %s[] = {\n", name);
	while (!failed && read(fd, &one, sizeof(one)) == sizeof(one))
		printf("\t{0x%04x, %u, %u, 0x%08x},\n", one.code, one.jt, one.jf, one.k);
	printf("};\n");
	seccomp_release(filter);
	close(fd);
	return failed != 0;
}

int main(void)
{
	if (print("filter_alone", 0) || print("filter_network", 1)) {
		fprintf(stderr, "confine_filter: libseccomp refuses a rule\n");
		return 1;
	}
	return fflush(stdout) != 0;
}
