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
	for (const struct cli_option *row = command->options; !cli_is_last(row); row++) {
		if (row->name)
			offer("--", row->name, typed);
	}
	offer("--", "help", typed);
}

/* "root.img,r": the last word between commas. The first one may be a file's name, which the shell
 * offers. */
static void complete_part(const struct cli_option *parts, const char *before, const char *typed)
{
	const char *comma = strrchr(typed, ',');
	size_t length = comma ? (size_t)(comma - typed) + 1 : 0;
	char prefix[512];

	if ((!comma && parts[0].leading) || snprintf(prefix, sizeof(prefix), "%s%.*s", before,
						    (int)length, typed) >= (int)sizeof(prefix))
		return;
	for (const struct cli_option *part = parts; !cli_is_last(part); part++) {
		if (!part->leading)
			offer(prefix, part->name, typed + length);
	}
}

static void complete_value(const struct cli_option *option, const char *before, const char *typed)
{
	if (option->parts)
		complete_part(option->parts, before, typed);
	if (!option->choices)
		return; /* the shell offers files */
	for (const struct cli_choice *choice = option->choices; choice->name; choice++)
		offer(before, choice->name, typed);
}

/* The option that `word` is, if it takes a value. */
static const struct cli_option *takes_value(const struct cli_command *command, const char *word)
{
	const struct cli_option *option = NULL;

	if (strncmp(word, "--", 2) == 0)
		option = cli_find_option(command->options, word + 2, strlen(word + 2));
	else if (word[0] == '-' && word[1] && !word[2])
		option = cli_find_letter(command->options, word[1]);
	return option && option->argument ? option : NULL;
}

/* "--mode=lo" in one word. True if it was one. */
static bool complete_joined(const struct cli_command *command, const char *word)
{
	const char *equals = strchr(word, '=');
	const struct cli_option *option;
	char name[64];

	if (strncmp(word, "--", 2) != 0 || !equals)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)(equals - word) + 1, word);
	option = cli_find_option(command->options, word + 2, (size_t)(equals - word) - 2);
	if (option)
		complete_value(option, name, equals + 1);
	return true;
}

/* Whether what is typed last belongs to another program, whose name was before it. */
static bool is_anothers(const struct cli_command *command, char **words, size_t last)
{
	for (size_t i = 1; command->takes_words && i < last; i++) {
		const struct cli_option *option = takes_value(command, words[i]);

		if (words[i][0] != '-' || strcmp(words[i], "--") == 0)
			return true;
		/* Some shells split at '='. */
		if (i + 1 < last && strcmp(words[i + 1], "=") == 0)
			i += 2;
		else if (option && !option->argument_optional)
			i++;
	}
	return false;
}

/* The last of the words, of which there are `last` before it: the command is the first. */
static void complete_argument(const struct cli_command *command, char **words, size_t last)
{
	const char *typed = words[last], *before = words[last - 1];
	const struct cli_option *option = takes_value(command, before);

	/* Some shells split at '=': "--mode", "=", "lo". */
	if (strcmp(typed, "=") == 0) {
		typed = "";
	} else if (strcmp(before, "=") == 0 && last > 1) {
		option = takes_value(command, words[last - 2]);
	} else {
		if (complete_joined(command, typed))
			return;
		if (option && option->argument_optional)
			option = NULL;
	}
	if (option)
		complete_value(option, "", typed);
	else if (command == &command_help)
		complete_command(typed);
	else
		complete_name(command, typed);
}

static int complete_words(char **words)
{
	const struct cli_command *command;
	size_t last = 0;

	if (!words[0]) {
		complete_command("");
		return CLI_OK;
	}
	while (words[last + 1])
		last++;
	if (last == 0) {
		complete_command(words[0]);
		return CLI_OK;
	}
	command = cli_find_command(words[0]);
	if (command && !command->hidden && !is_anothers(command, words, last))
		complete_argument(command, words, last);
	return CLI_OK;
}

const struct cli_command command_complete = {
	.name = "complete",
	.hidden = true,
	.run_words = complete_words,
};
