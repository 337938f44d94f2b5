/* SPDX-License-Identifier: MIT */
/* From the words of a command line to a command's settings, as its table of options says. */
#include "options.h"

#include <string.h>

static bool is_option(const struct cli_option *row)
{
	return row->name || row->help;
}

const struct cli_option *cli_find_option(
	const struct cli_command *command, const char *name, size_t length)
{
	for (const struct cli_option *row = command->options; is_option(row); row++) {
		if (!row->name)
			continue;
		if (strlen(row->name) == length && strncmp(row->name, name, length) == 0)
			return row;
	}
	return NULL;
}

const struct cli_option *cli_find_letter(const struct cli_command *command, char letter)
{
	for (const struct cli_option *row = command->options; is_option(row); row++) {
		if (row->name && row->letter == letter)
			return row;
	}
	return NULL;
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
	const char *names[64] = {"help"};
	size_t count = 1;
	const char *nearest = NULL;

	for (const struct cli_option *row = command->options; is_option(row) && count < 63; row++) {
		if (row->name)
			names[count++] = row->name;
	}
	if (strncmp(word, "--", 2) == 0)
		nearest = cli_nearest(word + 2, names);
	if (nearest)
		cli_error("%s has no option '%s': did you mean '--%s'?", command->name, word,
			nearest);
	else
		cli_error("%s has no option '%s': see 'keg help %s'", command->name, word,
			command->name);
	return CLI_PARSED_WRONG;
}

/* "a, b or c" */
static void list_choices(const struct cli_choice *choice, char *text, size_t size)
{
	int length = 0;

	for (; choice->name && length >= 0 && (size_t)length < size; choice++)
		length += snprintf(text + length, size - (size_t)length, "%s%s", choice->name,
			!choice[1].name  ? ""
			: choice[2].name ? ", "
					 : " or ");
}

/* `shown` is how the option was written. */
static enum cli_parsed apply(struct parser *parser, const struct cli_option *option,
	const char *value, const char *shown)
{
	void *field = (char *)parser->settings + option->field;
	char choices[256];
	const char *wanted = option->set(option, value, field);

	if (!wanted)
		return CLI_PARSED;
	if (option->choices)
		list_choices(option->choices, choices, sizeof(choices));
	cli_error("%s takes %s, not '%s'", shown, option->choices ? choices : wanted,
		value ? value : "");
	return CLI_PARSED_WRONG;
}

/* --name, --name=value, --name value */
static enum cli_parsed parse_long(struct parser *parser, const char *word)
{
	size_t length = strcspn(word + 2, "=");
	const char *value = word[2 + length] ? word + 2 + length + 1 : NULL;
	const struct cli_option *option = cli_find_option(parser->command, word + 2, length);
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
		option = cli_find_letter(parser->command, *letter);
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
