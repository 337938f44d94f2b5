/* SPDX-License-Identifier: MIT */
/* Options as a table: parsing, --help, completion and configuration files are all made from it. */
#ifndef KEG_CLI_OPTIONS_H
#define KEG_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli.h"

/* A word that an option takes, and what it stands for. A table ends with { NULL }. */
struct cli_choice {
	const char *name;
	int value;
};

/*
 * One option. A table ends with { 0 }; a row with `help` and no name is a heading.
 * `set` puts the value into its field of the settings, and returns NULL, or what kind of value it
 * takes: "a size such as 512M". The value is NULL where there is none.
 *
 * With `item_size` the option may be repeated: its field is a struct cli_list, and each time
 * another item is filled. With `parts` its value is words between commas, "root.img,ro,queues=2",
 * which are options themselves, whose fields lie in the item. If the first of them is `leading`, it
 * is the first word, without its name.
 */
struct cli_option {
	const char *name; /* without the dashes */
	const char *argument;
	const char *help;
	const char *(*set)(const struct cli_option *option, const char *value, void *field);
	size_t field;                     /* its offset in the settings */
	const struct cli_choice *choices; /* of cli_set_choice */
	const struct cli_option *parts;
	size_t item_size;
	uint64_t least, most;   /* of cli_set_number, if `most` is not 0 */
	char letter;            /* or 0 */
	bool argument_optional; /* then only as --name=VALUE */
	bool leading;           /* of `parts` */
	bool command_line_only; /* it makes no sense in a configuration file */
};

/* ---- Setters, and the types of the fields that they set ---- */

struct cli_number {
	uint64_t value;
	bool given;
};

struct cli_optional_string {
	const char *value; /* NULL: the option was given without one */
	bool given;
};

/* What an option that may be repeated was given. The values' own bytes are in it. */
struct cli_list {
	void *items;
	char **texts;
	size_t count;
	bool replaceable; /* it comes from a file: the first one on the command line takes its place
			   */
};

/* Every other setter's field is a const char *, too, into which the value goes as it is. */
const char *cli_set_flag(const struct cli_option *, const char *, void *);   /* bool */
const char *cli_set_string(const struct cli_option *, const char *, void *); /* const char * */
const char *cli_set_name(const struct cli_option *, const char *, void *);   /* not empty */
const char *cli_set_number(const struct cli_option *, const char *, void *); /* cli_number */
const char *cli_set_size(const struct cli_option *, const char *, void *);   /* cli_number */
const char *cli_set_seconds(
	const struct cli_option *, const char *, void *);                    /* cli_number, in ns */
const char *cli_set_choice(const struct cli_option *, const char *, void *); /* int */
const char *cli_set_optional(const struct cli_option *, const char *, void *);

/* ---- Values ---- */

/* A number, decimal or after 0x hexadecimal. False if it is none, or too large. */
bool cli_parse_number(const char *text, uint64_t *value);

/* A number of bytes: 4096, 0x1000, 512K, 512M, 2G, 1T, also with B or iB after the letter. */
bool cli_parse_size(const char *text, uint64_t *bytes);

/* Seconds, with a fraction perhaps: 10, 0.5. */
bool cli_parse_seconds(const char *text, uint64_t *ns);

/* ---- One option ---- */

/* Whether a row of a table is its last. */
static inline bool cli_is_last(const struct cli_option *row)
{
	return !row->name && !row->help;
}

/* The option of that name (without dashes), or of that letter; or NULL. */
const struct cli_option *cli_find_option(
	const struct cli_option *options, const char *name, size_t length);
const struct cli_option *cli_find_letter(const struct cli_option *options, char letter);

/* The option's name that is most like a wrong one, or NULL. */
const char *cli_nearest_option(const struct cli_option *options, const char *name);

/* Puts a value into the settings. 0, or -1 after a complaint in which the option is `shown`. */
int cli_apply(
	const struct cli_option *option, const char *shown, const char *value, void *settings);

/* Another item at the end of an option's list, all zeros; NULL after a complaint. `text` may be
 * NULL; else *copy is a copy of it, that lives as long as the list. */
void *cli_append(
	const struct cli_option *option, struct cli_list *list, const char *text, char **copy);

/* Releases the lists. */
void cli_release(const struct cli_option *options, void *settings);

/* ---- Command lines ---- */

enum cli_parsed {
	CLI_PARSED,
	CLI_PARSED_HELP,  /* --help was among them */
	CLI_PARSED_WRONG, /* it has been complained about */
};

/* Fills the settings from the words of a command line (ends with NULL). */
enum cli_parsed cli_parse(const struct cli_command *command, char **words, void *settings);

/* Prints a command's help; and that of the program as a whole. */
void cli_help(const struct cli_command *command);
void cli_help_all(void);

#endif
