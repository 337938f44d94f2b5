/* SPDX-License-Identifier: MIT */
/* keg complete WORD…: what the last word could become, one a line. The shells' completions ask it,
 * so that they always know the options of the program that is installed. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "options.h"

static void offer(const char *before, const char *candidate, const char *typed)
{
	if (strncmp(candidate, typed, strlen(typed)) == 0)
		printf("%s%s\n", before, candidate);
}

static void complete_command(const char *typed)
{
	for (size_t i = 0; cli_commands[i]; i++) {
		if (!cli_commands[i]->hidden)
			offer("", cli_commands[i]->name, typed);
	}
}

static void complete_name(const struct cli_command *command, const char *typed)
{
	if (strncmp(typed, "--", 2) != 0 && strcmp(typed, "-") != 0)
		return;
	typed += strspn(typed, "-");
	for (const struct cli_option *row = command->options; row->name || row->help; row++) {
		if (row->name)
			offer("--", row->name, typed);
	}
	offer("--", "help", typed);
}

static void complete_value(const struct cli_option *option, const char *typed)
{
	if (!option->choices)
		return; /* the shell offers files */
	for (const struct cli_choice *choice = option->choices; choice->name; choice++)
		offer("", choice->name, typed);
}

/* The option that `word` is, if its value comes next. */
static const struct cli_option *waits(const struct cli_command *command, const char *word)
{
	const struct cli_option *option;

	if (!word || strncmp(word, "--", 2) != 0)
		return NULL;
	option = cli_find_option(command, word + 2, strlen(word + 2));
	return option && option->argument ? option : NULL;
}

/* Shells that split at '=' give "--mode", "=", "lo". */
static int complete_words(char **words)
{
	const struct cli_command *command = words[0] ? cli_find_command(words[0]) : NULL;
	const struct cli_option *option = NULL;
	const char *typed, *before;
	size_t last = 0;

	while (words[last] && words[last + 1])
		last++;
	typed = words[0] ? words[last] : "";
	if (last == 0) {
		complete_command(typed);
		return CLI_OK;
	}
	if (!command)
		return CLI_OK;
	before = words[last - 1];
	if (strcmp(typed, "=") == 0) {
		option = waits(command, before);
		typed = "";
	} else if (strcmp(before, "=") == 0 && last > 1) {
		option = waits(command, words[last - 2]);
	} else {
		option = waits(command, before);
		if (option && option->argument_optional)
			option = NULL;
	}
	if (option)
		complete_value(option, typed);
	else if (command == &command_help)
		complete_command(typed);
	else
		complete_name(command, typed);
	return CLI_OK;
}

const struct cli_command command_complete = {
	.name = "complete",
	.hidden = true,
	.run_words = complete_words,
};
