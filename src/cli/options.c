/* SPDX-License-Identifier: MIT */
/* From the words of a command line to a command's settings, as its table of options says. */
#include "options.h"

#include <string.h>

const struct cli_option *cli_find_option(
	const struct cli_option *options, const char *name, size_t length)
{
	for (const struct cli_option *row = options; !cli_is_last(row); row++) {
		if (!row->name)
			continue;
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	}
	return NULL;
}

const struct cli_option *cli_find_letter(const struct cli_option *options, char letter)
{
	for (const struct cli_option *row = options; !cli_is_last(row); row++) {
		if (row->name && row->letter == letter)
			return row;
	}
	return NULL;
}

const char *cli_nearest_option(const struct cli_option *options, const char *name)
{
	const char *names[64] = {NULL};
	size_t count = 0;

	for (const struct cli_option *row = options; !cli_is_last(row) && count < 63; row++) {
		if (row->name)
			names[count++] = row->name;
	}
	return cli_nearest(name, names);
}

/* Where the parser is. */
struct parser {
	const struct cli_command *command;
	char **words; /* the next one */
	void *settings;
	bool operand_seen;
};

static enum cli_parsed unknown_option(const struct cli_command *command, const char *word)
{
	static const char *const help[] = {"help", NULL};
	const char *nearest = NULL;

	if (strncmp(word, "--", 2) == 0)
		nearest = cli_nearest_option(command->options, word + 2);
	if (strncmp(word, "--", 2) == 0 && !nearest)
		nearest = cli_nearest(word + 2, help);
	if (nearest)
		cli_error("%s has no option '%s': did you mean '--%s'?", command->name, word,
			nearest);
	else
		cli_error("%s has no option '%s': see 'keg help %s'", command->name, word,
			command->name);
	return CLI_PARSED_WRONG;
}

/* `shown` is how the option was written. */
static enum cli_parsed apply(struct parser *parser, const struct cli_option *option,
	const char *value, const char *shown)
{
	return cli_apply(option, shown, value, parser->settings) == 0 ? CLI_PARSED
								      : CLI_PARSED_WRONG;
}

/* --name, --name=value, --name value */
static enum cli_parsed parse_long(struct parser *parser, const char *word)
{
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;
	const struct cli_option *option =
		cli_find_option(parser->command->options, word + 2, length);
	char shown[64];

	if (strcmp(word, "--help") == 0)
		return CLI_PARSED_HELP;
	snprintf(shown, sizeof(shown), "--%.*s", (int)length, word + 2);
	if (!option)
		return unknown_option(parser->command, shown);
	if (!option->argument && value) {
		cli_error("%s takes no value", shown);
		return CLI_PARSED_WRONG;
	}
	if (option->argument && !value && !option->argument_optional) {
		value = *parser->words;
		if (!value) {
			cli_error("%s needs a value: %s %s", shown, shown, option->argument);
			return CLI_PARSED_WRONG;
		}
		parser->words++;
	}
	return apply(parser, option, value, shown);
}

/* -x, -xvalue, -x value, and several letters without values together */
static enum cli_parsed parse_letters(struct parser *parser, const char *word)
{
	char shown[3] = "-?";
	const char *value;
	const struct cli_option *option;
	enum cli_parsed parsed = CLI_PARSED;

	for (const char *letter = word + 1; *letter && parsed == CLI_PARSED; letter++) {
		shown[1] = *letter;
		if (*letter == 'h')
			return CLI_PARSED_HELP;
		option = cli_find_letter(parser->command->options, *letter);
		if (!option)
			return unknown_option(parser->command, shown);
		if (!option->argument || option->argument_optional) {
			parsed = apply(parser, option, NULL, shown);
			continue;
		}
		value = letter[1] ? letter + 1 : *parser->words;
		if (!value) {
			cli_error("%s needs a value: %s %s", shown, shown, option->argument);
			return CLI_PARSED_WRONG;
		}
		if (!letter[1])
			parser->words++;
		return apply(parser, option, value, shown);
	}
	return parsed;
}

static enum cli_parsed parse_operand(struct parser *parser, const char *word)
{
	const struct cli_command *command = parser->command;

	if (!command->operand)
		cli_error("%s takes options only, not '%s'", command->name, word);
	else if (parser->operand_seen)
		cli_error("%s takes one %s only: '%s' is too many", command->name, command->operand,
			word);
	if (!command->operand || parser->operand_seen)
		return CLI_PARSED_WRONG;
	*(const char **)((char *)parser->settings + command->operand_at) = word;
	parser->operand_seen = true;
	return CLI_PARSED;
}

enum cli_parsed cli_parse(const struct cli_command *command, char **words, void *settings)
{
	struct parser parser = {.command = command, .words = words, .settings = settings};
	bool options = true; /* until "--" */
	enum cli_parsed parsed = CLI_PARSED;

	while (parsed == CLI_PARSED && *parser.words) {
		const char *word = *parser.words++;

		if (command->takes_words && (strcmp(word, "--") == 0 || word[0] != '-')) {
			*(char ***)((char *)settings + command->words_at) =
				word[0] == '-' ? parser.words : parser.words - 1;
			break;
		}
		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strncmp(word, "--", 2) == 0)
			parsed = parse_long(&parser, word);
		else if (options && word[0] == '-' && word[1])
			parsed = parse_letters(&parser, word);
		else
			parsed = parse_operand(&parser, word);
	}
	return parsed;
}
