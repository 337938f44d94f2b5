/* SPDX-License-Identifier: MIT */
/* Reading configuration files: each value goes the way of the same option on the command line. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "image.h"

enum { LARGEST = 1 << 20, NAME = 192 };

/* ---- Complaints ---- */

static const char *type_name(const json_t *value)
{
	static const char *const names[] = {
		[JSON_OBJECT] = "an object",
		[JSON_ARRAY] = "an array",
		[JSON_STRING] = "a string",
		[JSON_INTEGER] = "a number",
		[JSON_REAL] = "a number",
		[JSON_TRUE] = "true",
		[JSON_FALSE] = "false",
		[JSON_NULL] = "null",
	};

	return names[json_typeof(value)];
}

/* Of the others the text itself is kept. */
static bool takes_numbers(const struct cli_option *option)
{
	return option->set == cli_set_number || option->set == cli_set_size ||
	       option->set == cli_set_seconds;
}

static int wrong_type(const struct cli_option *option, const char *shown, const json_t *value)
{
	const char *wanted = option->parts               ? "an object or a string"
			     : !option->argument         ? "true or false"
			     : option->argument_optional ? "a string, true or false"
			     : takes_numbers(option)     ? "a number or a string"
							 : "a string";

	cli_error("%s takes %s%s, not %s", shown, wanted,
		option->item_size ? ", or an array of them" : "", type_name(value));
	return -1;
}

static int unknown_key(const struct cli_option *options, const char *place, const char *key)
{
	const char *nearest = cli_nearest_option(options, key);

	if (nearest)
		cli_error("%s: there is no '%s': did you mean '%s'?", place, key, nearest);
	else
		cli_error("%s: there is no '%s'", place, key);
	return -1;
}

/* ---- Values ---- */

static const char *number_text(const json_t *value, char text[64])
{
	if (json_is_integer(value))
		snprintf(text, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (snprintf(text, 64, "%.9f", json_real_value(value)) >= 64)
		snprintf(text, 64, "%g", json_real_value(value)); /* too large for anything */
	return text;
}

/* One value that is no array and no object. */
static int take_scalar(
	const struct cli_option *option, const char *shown, const json_t *value, void *settings)
{
	char text[64];

	switch (json_typeof(value)) {
	case JSON_TRUE:
	case JSON_FALSE:
		if (option->parts || (option->argument && !option->argument_optional))
			break;
		return json_is_true(value) ? cli_apply(option, shown, NULL, settings) : 0;
	case JSON_STRING:
		if (option->argument)
			return cli_apply(option, shown, json_string_value(value), settings);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		if (takes_numbers(option))
			return cli_apply(option, shown, number_text(value, text), settings);
		break;
	default:
		break;
	}
	return wrong_type(option, shown, value);
}

static int take_object(
	const struct cli_option *options, const char *shown, json_t *object, void *settings);

/* As deep as the tables of options are, however deep the file is: an object where the table has no
 * parts, or an array in an array, is of a wrong type.
 * NOLINTBEGIN(misc-no-recursion) */
static int take_value(
	const struct cli_option *option, const char *shown, json_t *value, void *settings)
{
	void *item;

	if (!option->parts || !json_is_object(value))
		return take_scalar(option, shown, value, settings);
	item = cli_append(
		option, (struct cli_list *)((char *)settings + option->field), NULL, NULL);
	return item ? take_object(option->parts, shown, value, item) : -1;
}

static int take_key(
	const struct cli_option *option, const char *shown, json_t *value, void *settings)
{
	char name[NAME + 32];
	json_t *element;
	size_t i;

	if (!option->item_size || !json_is_array(value))
		return take_value(option, shown, value, settings);
	json_array_foreach(value, i, element)
	{
		snprintf(name, sizeof(name), "%s[%zu]", shown, i);
		if (take_value(option, name, element, settings) != 0)
			return -1;
	}
	return 0;
}

static int take_object(
	const struct cli_option *options, const char *shown, json_t *object, void *settings)
{
	char name[NAME];
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		const struct cli_option *option = cli_find_option(options, key, strlen(key));

		if (!option)
			return unknown_key(options, shown, key);
		snprintf(name, sizeof(name), "%s.%s", shown, option->name);
		if (take_key(option, name, value, settings) != 0)
			return -1;
	}
	return 0;
}
/* NOLINTEND(misc-no-recursion) */

/* ---- The file ---- */

/* A key of the outermost object: "m.json: disk". */
static int take_setting(const struct cli_command *command, const char *path, const char *key,
	json_t *value, void *settings)
{
	const struct cli_option *option = cli_find_option(command->options, key, strlen(key));
	char name[NAME];

	if (command->operand && strcasecmp(key, command->operand) == 0) {
		const struct cli_option operand = {.name = key,
			.argument = command->operand,
			.set = cli_set_name,
			.field = command->operand_at};

		snprintf(name, sizeof(name), "%s: %s", path, key);
		return take_key(&operand, name, value, settings);
	}
	if (!option)
		return unknown_key(command->options, path, key);
	if (option->command_line_only) {
		cli_error("%s: '%s' is for the command line only", path, key);
		return -1;
	}
	snprintf(name, sizeof(name), "%s: %s", path, option->name);
	return take_key(option, name, value, settings);
}

int config_parse(const struct cli_command *command, const char *path, const char *text,
	size_t count, void *settings, json_t **root)
{
	json_error_t error;
	const char *key;
	json_t *value;

	*root = json_loadb(text, count, JSON_REJECT_DUPLICATES, &error);
	if (!*root) {
		cli_error("%s:%d:%d: no JSON: %s", path, error.line, error.column, error.text);
		return -1;
	}
	if (!json_is_object(*root)) {
		cli_error("%s holds %s, not an object", path, type_name(*root));
		return -1;
	}
	json_object_foreach(*root, key, value)
	{
		if (take_setting(command, path, key, value, settings) != 0)
			return -1;
	}
	return 0;
}

static int read_file(
	const struct cli_command *command, const char *path, void *settings, json_t **root)
{
	const struct image_limit limit = {LARGEST, "too much for a configuration"};
	struct image file;
	int rc = image_read(path, &limit, &file);

	if (rc == 0)
		rc = config_parse(command, path, file.bytes, file.count, settings, root);
	image_release(&file);
	return rc;
}

enum cli_parsed config_apply(
	const struct cli_command *command, char **words, void *settings, json_t **root)
{
	const struct cli_option *row =
		cli_find_option(command->options, command->config, strlen(command->config));
	const char *path = *(const char **)((char *)settings + row->field);

	*root = NULL;
	if (!path)
		return CLI_PARSED;
	/* Once more, on top of what the file says. */
	cli_release(command->options, settings);
	memset(settings, 0, command->settings_size);
	if (read_file(command, path, settings, root) != 0)
		return CLI_PARSED_WRONG;
	for (row = command->options; !cli_is_last(row); row++) {
		if (row->item_size)
			((struct cli_list *)((char *)settings + row->field))->replaceable = true;
	}
	return cli_parse(command, words, settings);
}
