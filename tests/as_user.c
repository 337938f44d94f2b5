/* SPDX-License-Identifier: MIT */
/*
 * PROGRAM [WORD...]: runs a test as a user without rights, who may use KVM all the same: in a mount
 * namespace, /dev/kvm is another node. Most who use keg are such users; most who test it are root.
 */
#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define NOBODY 65534
#define KVM    "/dev/kvm"

enum { SKIPPED = 77, FAILED = 1 };

static int skip(const char *why)
{
	printf("SKIPPED: %s\n", why);
	return SKIPPED;
}

/* A node of the same device over /dev/kvm, which all may open. */
static int open_to_all(dev_t device)
{
	char folder[] = "/tmp/keg-test-XXXXXX", node[64];
	int r = -1;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		!mkdtemp(folder))
		return -1;
	snprintf(node, sizeof(node), "%s/kvm", folder);
	if (mount("none", folder, "tmpfs", 0, NULL) == 0) {
		if (mknod(node, S_IFCHR, device) == 0 && chmod(node, 0666) == 0)
			r = mount(node, KVM, NULL, MS_BIND, NULL);
		umount2(folder, MNT_DETACH);
	}
	rmdir(folder);
	return r;
}

int main(int argc, char **argv)
{
	struct stat st;

	if (argc < 2)
		return FAILED;
	if (geteuid() != 0)
		return skip("not root: the test itself is run as a user");
	if (stat(KVM, &st) < 0 || !S_ISCHR(st.st_mode))
		return skip(KVM " is not there");
	if (open_to_all(st.st_rdev) < 0)
		return skip("root may not mount here");
	if (setgroups(0, NULL) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0) {
		perror("becoming another user");
		return FAILED;
	}
	if (access(argv[1], X_OK) < 0)
		return skip("other users may not come to the folder of this build");
	execv(argv[1], argv + 1);
	perror(argv[1]);
	return FAILED;
}
