/* SPDX-License-Identifier: MIT */
/* From the options of keg exec to the sandbox. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <keg/error.h>

#include "exec.h"

static const char *item(const struct cli_list *list, size_t i)
{
	return ((const char **)list->items)[i];
}

/* Every step of the set-up is 0, or the exit status after a complaint. */
static int complain(const char *option, const char *value)
{
	cli_error("%s %s: %s", option, value, keg_error_message());
	return EXEC_FAILED;
}

/* The same path in words that the sandbox understands: absolute. Freed by the caller. */
static char *absolute(const char *path)
{
	char *folder, *whole = NULL;

	if (path[0] == '/')
		return strdup(path);
	while (strncmp(path, "./", 2) == 0)
		path += 1 + strspn(path + 1, "/");
	folder = getcwd(NULL, 0);
	if (strcmp(path, ".") == 0 || !*path)
		return folder;
	if (folder && asprintf(&whole, "%s/%s", folder, path) < 0)
		whole = NULL;
	free(folder);
	return whole;
}

static int bind_one(struct keg_user *user, const char *option, const char *value, const char *host,
	const char *guest, uint32_t flags)
{
	char *path = absolute(host);
	int result = -ENOMEM;

	if (path)
		result = keg_user_bind(user, path, guest ? guest : path, flags);
	free(path);
	return result < 0 ? complain(option, value) : 0;
}

static int bind_list(
	struct keg_user *user, const char *option, const struct cli_list *list, uint32_t flags)
{
	int status = 0;

	for (size_t i = 0; !status && i < list->count; i++)
		status = bind_one(user, option, item(list, i), item(list, i), NULL, flags);
	return status;
}

/* HOST=GUEST[,rw] */
static int bind_elsewhere(struct keg_user *user, const char *value)
{
	const char *equals = strchr(value, '=');
	const char *comma = equals ? strrchr(equals, ',') : NULL;
	bool writable = comma && strcmp(comma, ",rw") == 0;
	char *host, *guest;
	int status = EXEC_FAILED;

	if (!equals) {
		cli_error(
			"--bind %s: what is needed is HOST=GUEST, such as /srv/data=/data", value);
		return EXEC_FAILED;
	}
	host = strndup(value, (size_t)(equals - value));
	guest = writable ? strndup(equals + 1, (size_t)(comma - equals - 1)) : strdup(equals + 1);
	if (host && guest)
		status = bind_one(
			user, "--bind", value, host, guest, writable ? KEG_USER_WRITABLE : 0);
	else
		cli_error("out of memory");
	free(host);
	free(guest);
	return status;
}

/* PATH[=SIZE] */
static int make_empty(struct keg_user *user, const char *value)
{
	const char *equals = strchr(value, '=');
	uint64_t bytes = 0;
	char *path;
	int result;

	if (equals && !cli_parse_size(equals + 1, &bytes)) {
		cli_error("--tmpfs %s: '%s' is no size such as 512M", value, equals + 1);
		return EXEC_FAILED;
	}
	path = equals ? strndup(value, (size_t)(equals - value)) : strdup(value);
	result = path ? keg_user_bind_empty(user, path, bytes) : -ENOMEM;
	free(path);
	return result < 0 ? complain("--tmpfs", value) : 0;
}

/* Calls between commas. */
static int set_calls(struct keg_user *user, const char *option, const char *value, int error)
{
	char *copy = strdup(value), *rest = copy, *name;
	int result = 0;

	while (result == 0 && (name = strsep(&rest, ","))) {
		result = keg_user_set_syscall(user, name, error);
		if (result < 0)
			complain(option, name);
	}
	free(copy);
	return result < 0 ? EXEC_FAILED : 0;
}

static int set_policy(struct keg_user *user, const struct exec_settings *settings)
{
	int status = 0;

	if (settings->allowed.count)
		keg_user_set_syscall(user, "all", EPERM);
	for (size_t i = 0; !status && i < settings->allowed.count; i++)
		status = set_calls(user, "--allow", item(&settings->allowed, i), 0);
	for (size_t i = 0; !status && i < settings->denied.count; i++)
		status = set_calls(user, "--deny", item(&settings->denied, i), EPERM);
	keg_user_set_network(user, settings->network == EXEC_NETWORK_HOST);
	return status;
}

static int set_streams(struct keg_user *user)
{
	for (int i = 0; i < 3; i++) {
		/* A stream that keg was not given, the program is not either. */
		if (cli_has_stream(i) && keg_user_set_stream(user, i, i) < 0)
			return complain("descriptor", (const char *const[]){"0", "1", "2"}[i]);
	}
	return 0;
}

/* What every program sees, unless it is asked not to. */
static int bind_defaults(
	struct keg_user *user, const struct exec_settings *settings, const char *program)
{
	if (!settings->no_system && keg_user_bind_system(user) < 0)
		return complain("the system's files", "/proc, /dev");
	if (settings->no_defaults)
		return 0;
	if (keg_user_bind_empty(user, "/tmp", 0) < 0)
		return complain("the folder", "/tmp");
	/* After it: the program may be in /tmp itself. */
	if (keg_user_bind_program(user, program) < 0) {
		cli_error("%s", keg_error_message());
		return EXEC_NOT_EXECUTABLE;
	}
	return 0;
}

static int enter_directory(struct keg_user *user, const char *given)
{
	char *path = absolute(given);
	int result = path ? keg_user_set_directory(user, path) : -ENOMEM;

	free(path);
	return result < 0 ? complain("--cwd", given) : 0;
}

int exec_set_up(struct keg_user *user, const struct exec_settings *settings, const char *program)
{
	int status = bind_defaults(user, settings, program);

	if (!status)
		status = bind_list(user, "--ro", &settings->read_only, 0);
	if (!status)
		status = bind_list(user, "--rw", &settings->writable, KEG_USER_WRITABLE);
	for (size_t i = 0; !status && i < settings->binds.count; i++)
		status = bind_elsewhere(user, item(&settings->binds, i));
	for (size_t i = 0; !status && i < settings->empty.count; i++)
		status = make_empty(user, item(&settings->empty, i));
	if (!status && settings->directory)
		status = enter_directory(user, settings->directory);
	if (!status)
		status = set_policy(user, settings);
	return status ? status : set_streams(user);
}

/* ---- Environment ---- */

/* The variable of keg's own that is meant: "NAME=VALUE", or NULL. */
static const char *own_variable(const char *name)
{
	size_t length = strcspn(name, "=");

	for (char **each = environ; *each; each++) {
		if (strncmp(*each, name, length) == 0 && (*each)[length] == '=')
			return *each;
	}
	return NULL;
}

/* Puts a variable into the list, in place of the one of its name. */
static void put_variable(const char **list, size_t *count, const char *variable)
{
	size_t length = strcspn(variable, "=");

	for (size_t i = 0; i < *count; i++) {
		if (strncmp(list[i], variable, length) == 0 && list[i][length] == '=') {
			list[i] = variable;
			return;
		}
	}
	list[(*count)++] = variable;
	list[*count] = NULL;
}

const char **exec_environment(const struct exec_settings *settings)
{
	static const char *const defaults[] = {"PATH", "TERM"};
	size_t own = 0, count = 0;
	const char **list;

	while (environ[own])
		own++;
	list = calloc(own + settings->environment.count + 3, sizeof(*list));
	if (!list) {
		cli_error("out of memory");
		return NULL;
	}
	for (size_t i = 0; settings->all_environment && i < own; i++)
		put_variable(list, &count, environ[i]);
	for (size_t i = 0; i < 2 && !settings->no_defaults; i++) {
		if (own_variable(defaults[i]))
			put_variable(list, &count, own_variable(defaults[i]));
	}
	for (size_t i = 0; i < settings->environment.count; i++) {
		const char *variable = item(&settings->environment, i);

		if (!strchr(variable, '='))
			variable = own_variable(variable);
		if (variable)
			put_variable(list, &count, variable);
	}
	return list;
}

/* ---- The program ---- */

/* Looks through PATH, as execvp(3). Freed by the caller. */
static char *search(const char *name)
{
	const char *path = getenv("PATH");
	char *copy = strdup(path ? path : "/usr/local/bin:/usr/bin:/bin"), *rest = copy, *folder;
	char *found = NULL;
	struct stat st;

	while (!found && (folder = strsep(&rest, ":"))) {
		if (asprintf(&found, "%s/%s", *folder ? folder : ".", name) < 0)
			found = NULL;
		if (found && !(access(found, X_OK) == 0 && stat(found, &st) == 0 &&
				     S_ISREG(st.st_mode))) {
			free(found);
			found = NULL;
		}
	}
	free(copy);
	return found;
}

char *exec_find(const char *name, int *status)
{
	char *found = strchr(name, '/') ? strdup(name) : search(name);
	char *path = found ? absolute(found) : NULL;

	*status = EXEC_NOT_FOUND;
	if (!path)
		cli_error("there is no program '%s' in the folders of PATH", name);
	else if (access(path, F_OK) != 0)
		cli_error("%s: %s", name, strerror(errno));
	else if (access(path, X_OK) != 0) {
		cli_error("%s cannot be executed: %s", name, strerror(errno));
		*status = EXEC_NOT_EXECUTABLE;
	} else {
		*status = 0;
	}
	free(found);
	if (*status) {
		free(path);
		path = NULL;
	}
	return path;
}
