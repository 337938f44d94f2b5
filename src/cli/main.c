/* SPDX-License-Identifier: MIT */
/* keg, the program: finds the command, fills its settings from its words, and hands over to it. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <keg/error.h>

#include "cli.h"
#include "commands.h"
#include "config.h"
#include "options.h"

const struct cli_command *const cli_commands[] = {
	&command_run,
	&command_exec,
	&command_info,
	&command_help,
	&command_complete,
	NULL,
};

const struct cli_command *cli_find_command(const char *name)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		if (strcmp(cli_commands[i]->name, name) == 0)
			return cli_commands[i];
	}
	return NULL;
}

static int unknown_command(const char *name)
{
	const char *names[16];
	size_t count = 0;
	const char *nearest;

	for (size_t i = 0; cli_commands[i] && count < 15; i++) {
		if (!cli_commands[i]->hidden)
			names[count++] = cli_commands[i]->name;
	}
	names[count] = NULL;
	nearest = cli_nearest(name, names);
	if (nearest)
		cli_error("there is no command '%s': did you mean 'keg %s'?", name, nearest);
	else
		cli_error("there is no command '%s': 'keg help' lists them", name);
	return CLI_USAGE;
}

/* ---- keg help ---- */

struct help_settings {
	const char *command;
};

static int help_run(const void *given)
{
	const struct help_settings *settings = given;
	const struct cli_command *command;

	if (!settings->command) {
		cli_help_all();
		return CLI_OK;
	}
	command = cli_find_command(settings->command);
	if (!command)
		return unknown_command(settings->command);
	cli_help(command);
	return CLI_OK;
}

static const struct cli_option no_options[] = {{0}};

const struct cli_command command_help = {
	.name = "help",
	.summary = "how a command is used",
	.about = "Prints the help of a command, or of keg.",
	.options = no_options,
	.operand = "COMMAND",
	.operand_at = offsetof(struct help_settings, command),
	.settings_size = sizeof(struct help_settings),
	.run = help_run,
	.failed = CLI_FAILED,
};

/* ---- Every command ---- */

static int run_parsed(const struct cli_command *command, char **words, void *settings)
{
	json_t *root = NULL;
	enum cli_parsed parsed = cli_parse(command, words, settings);
	int status = command->wrong ? command->wrong : CLI_USAGE;

	if (parsed == CLI_PARSED && command->config)
		parsed = config_apply(command, words, settings, &root);
	if (parsed == CLI_PARSED) {
		status = command->run(settings);
	} else if (parsed == CLI_PARSED_HELP) {
		cli_help(command);
		status = CLI_OK;
	}
	cli_release(command->options, settings);
	json_decref(root);
	return status;
}

static int run_command(const struct cli_command *command, char **words)
{
	void *settings;
	int status;

	if (command->run_words)
		return cli_finish_output(command->run_words(words), CLI_FAILED);
	settings = calloc(1, command->settings_size);
	if (!settings) {
		cli_error("out of memory");
		return command->failed;
	}
	status = run_parsed(command, words, settings);
	free(settings);
	return cli_finish_output(status, command->failed);
}

/* What stands before the command. */
static int run_alone(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		cli_help_all();
	} else if (strcmp(word, "--version") == 0) {
		printf("keg %s\n", keg_version());
	} else {
		cli_error("there is no option '%s' before the command: see 'keg help'", word);
		return CLI_USAGE;
	}
	return cli_finish_output(CLI_OK, CLI_FAILED);
}

static bool missing[STDERR_FILENO + 1];

bool cli_has_stream(int fd)
{
	return !missing[fd];
}

/* No file that is opened later may take the place of a standard stream that is closed. Descriptors
 * are handed out from the lowest; reading and writing the wrong way round fail, and are told of. */
static void keep_standard_streams(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		missing[fd] = true;
	if (fd > STDERR_FILENO)
		close(fd);
}

int main(int argc, char **argv)
{
	const struct cli_command *command;

	cli_begin();
	keep_standard_streams();
	if (argc < 2) {
		cli_error("say what to do: 'keg run' runs a guest, 'keg help' lists all commands");
		return CLI_USAGE;
	}
	if (argv[1][0] == '-')
		return run_alone(argv[1]);
	command = cli_find_command(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	return run_command(command, argv + 2);
}
