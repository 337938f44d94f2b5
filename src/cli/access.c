/* SPDX-License-Identifier: MIT */
/* Looks at the machine to find out why KVM's device cannot be opened. */
#include "access.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

/* What a sentence ends with where another machine would do. */
#define LAB "; or use an emulated host with KVM: tools/lab in keg's source"

/* The modules that serve KVM, the likeliest first. */
static const char *const modules[] = {"kvm_intel", "kvm_amd", "kvm_pvm", NULL};

static bool exists(const char *root, const char *path)
{
	char full[512];
	struct stat st;

	snprintf(full, sizeof(full), "%s%s", root, path);
	return stat(full, &st) == 0;
}

const char *access_module(const char *root)
{
	char path[64];

	for (size_t i = 0; modules[i]; i++) {
		snprintf(path, sizeof(path), "/sys/module/%s", modules[i]);
		if (exists(root, path))
			return modules[i];
	}
	return "";
}

/* The files by which container engines are known. */
static bool in_container(const char *root)
{
	return exists(root, "/.dockerenv") || exists(root, "/run/.containerenv") ||
	       exists(root, "/run/systemd/container");
}

/* ---- There is no device ---- */

static void explain_absent(const char *path, const char *root, char *text, size_t size)
{
	if (in_container(root))
		snprintf(text, size,
			"%s is not in this container: start the container with it, as in 'docker "
			"run "
			"--device %s'" LAB,
			path, path);
	else if (*access_module(root))
		snprintf(text, size,
			"there is no %s, though %s is loaded: make it with 'sudo mknod -m 660 %s c "
			"10 232 "
			"&& sudo chgrp kvm %s'" LAB,
			path, access_module(root), path, path);
	else
		machine_explain_no_kvm(path, root, LAB, text, size);
}

/* ---- The device may not be opened ---- */

struct permissions {
	mode_t mode;
	gid_t gid;
	char group[64]; /* "" if it has no name */
	char user[64];
};

static void user_name(char *name, size_t size)
{
	struct passwd entry, *found = NULL;
	char buffer[1024];

	if (getpwuid_r(geteuid(), &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(name, size, "%s", entry.pw_name);
	else
		snprintf(name, size, "%u", (unsigned int)geteuid());
}

static void group_name(gid_t gid, char *name, size_t size)
{
	struct group entry, *found = NULL;
	char buffer[4096];

	name[0] = 0;
	if (getgrgid_r(gid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(name, size, "%s", entry.gr_name);
}

static bool look(const char *path, struct permissions *found)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return false;
	found->mode = st.st_mode;
	found->gid = st.st_gid;
	group_name(st.st_gid, found->group, sizeof(found->group));
	user_name(found->user, sizeof(found->user));
	return true;
}

static bool group_lists(const char *group, const char *user)
{
	struct group entry, *found = NULL;
	char buffer[4096];

	if (getgrnam_r(group, &entry, buffer, sizeof(buffer), &found) != 0 || !found)
		return false;
	for (char **member = entry.gr_mem; *member; member++) {
		if (strcmp(*member, user) == 0)
			return true;
	}
	return false;
}

static bool process_has_group(gid_t gid)
{
	gid_t groups[256];
	int count = getgroups(256, groups);

	for (int i = 0; i < count; i++) {
		if (groups[i] == gid)
			return true;
	}
	return getegid() == gid;
}

/* The device's group may open it, and this process is not in the group. */
static void explain_group(
	const char *path, const struct permissions *found, char *text, size_t size)
{
	if (group_lists(found->group, found->user))
		snprintf(text, size,
			"%s is open to the group %s, which %s has joined after logging in: log in "
			"again, "
			"or run 'sg %s -c \"keg …\"'",
			path, found->group, found->user, found->group);
	else
		snprintf(text, size,
			"%s is open to the group %s only: run 'sudo usermod -aG %s %s' and log in "
			"again" LAB,
			path, found->group, found->group, found->user);
}

static void explain_denied(const char *path, const char *root, char *text, size_t size)
{
	const mode_t group_may = S_IRGRP | S_IWGRP;
	struct permissions found;
	char mode[64];

	if (!look(path, &found))
		return;
	access_mode(path, mode, sizeof(mode));
	if (geteuid() == 0 || process_has_group(found.gid)) {
		if ((found.mode & group_may) != group_may && geteuid() != 0)
			snprintf(text, size,
				"%s (%s) is closed to its group: run 'sudo chmod 660 %s'" LAB, path,
				mode, path);
		else
			snprintf(text, size,
				"%s (%s) may not be opened though its permissions allow it: %s" LAB,
				path, mode,
				in_container(root)
					? "start the container with 'docker run --device "
					  "/dev/kvm'"
					: "a device policy (cgroup, AppArmor, SELinux) "
					  "is in the way");
	} else if ((found.mode & group_may) == group_may && found.group[0] && found.gid != 0) {
		explain_group(path, &found, text, size);
	} else {
		snprintf(text, size,
			"%s (%s) is closed to user %s: run 'sudo chgrp kvm %s && sudo chmod 660 %s "
			"&& sudo "
			"usermod -aG kvm %s' and log in again" LAB,
			path, mode, found.user, path, path, found.user);
	}
}

void access_mode(const char *path, char *text, size_t size)
{
	static const char letters[] = "rwxrwxrwx";
	char bits[10] = "---------";
	char owner[64] = "", group[64];
	struct passwd entry, *found = NULL;
	char buffer[1024];
	struct stat st;

	text[0] = 0;
	if (stat(path, &st) != 0)
		return;
	for (unsigned int i = 0; i < 9; i++) {
		if (st.st_mode & (0400U >> i))
			bits[i] = letters[i];
	}
	if (getpwuid_r(st.st_uid, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(owner, sizeof(owner), "%s", entry.pw_name);
	else
		snprintf(owner, sizeof(owner), "%u", (unsigned int)st.st_uid);
	group_name(st.st_gid, group, sizeof(group));
	if (!group[0])
		snprintf(group, sizeof(group), "%u", (unsigned int)st.st_gid);
	snprintf(text, size, "%c%s %s:%s", S_ISCHR(st.st_mode) ? 'c' : '-', bits, owner, group);
}

void access_explain(const char *path, int error, const char *root, char *text, size_t size)
{
	bool usual = strcmp(path, ACCESS_DEFAULT_PATH) == 0;

	text[0] = 0;
	switch (error) {
	case ENOENT:
		if (usual)
			explain_absent(path, root, text, size);
		else
			snprintf(text, size, "there is no device %s: KVM's is usually %s", path,
				ACCESS_DEFAULT_PATH);
		break;
	case ENODEV:
	case ENXIO:
		machine_explain_no_kvm(path, root, LAB, text, size);
		break;
	case EACCES:
	case EPERM:
		explain_denied(path, root, text, size);
		break;
	case ENOTTY:
		snprintf(text, size, "%s is not KVM's device, which is usually %s", path,
			ACCESS_DEFAULT_PATH);
		break;
	default:
		break;
	}
}
