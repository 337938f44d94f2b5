/* SPDX-License-Identifier: MIT */
/* Writing a command's settings as a configuration that reads back as the same. */
#include <ctype.h>
#include <string.h>

#include "cli.h"
#include "config.h"

static const double ns_per_second = 1e9;

static json_t *object_of(const struct cli_option *options, const void *settings, bool *failed);

/* ---- One value each. NULL: not given; null, which no option takes: it cannot be written ---- */

/* JSON is UTF-8 (RFC 8259, section 8.1); names of files are any bytes. */
static json_t *string_of(const char *text)
{
	json_t *string = json_string(text);

	return string ? string : json_null();
}

static json_t *flag(const struct cli_option *option, const void *field)
{
	(void)option;
	return *(const bool *)field ? json_true() : NULL;
}

static json_t *number(const struct cli_option *option, const void *field)
{
	const struct cli_number *given = field;
	char text[32];

	(void)option;
	if (!given->given)
		return NULL;
	if (given->value <= INT64_MAX)
		return json_integer((json_int_t)given->value);
	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)given->value);
	return string_of(text);
}

static json_t *seconds(const struct cli_option *option, const void *field)
{
	const struct cli_number *given = field;

	(void)option;
	return given->given ? json_real((double)given->value / ns_per_second) : NULL;
}

static json_t *choice(const struct cli_option *option, const void *field)
{
	/* The first one is what it is without the option. */
	for (const struct cli_choice *one = option->choices + 1; one->name; one++) {
		if (one->value == *(const int *)field)
			return json_string(one->name);
	}
	return NULL;
}

static json_t *optional(const struct cli_option *option, const void *field)
{
	const struct cli_optional_string *string = field;

	(void)option;
	if (!string->given)
		return NULL;
	return string->value ? string_of(string->value) : json_true();
}

static json_t *text(const struct cli_option *option, const void *field)
{
	const char *string = *(const char *const *)field;

	(void)option;
	return string ? string_of(string) : NULL;
}

static const struct {
	const char *(*set)(const struct cli_option *, const char *, void *);
	json_t *(*write)(const struct cli_option *option, const void *field);
} writers[] = {
	{cli_set_flag, flag},
	{cli_set_number, number},
	{cli_set_size, number},
	{cli_set_seconds, seconds},
	{cli_set_choice, choice},
	{cli_set_optional, optional},
};

static json_t *scalar(const struct cli_option *option, const void *field)
{
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++) {
		if (writers[i].set == option->set)
			return writers[i].write(option, field);
	}
	return text(option, field);
}

/* ---- All of them ---- */

/* After an attempt to put a value in its place, without which it is gone: whether it is there, or a
 * complaint. */
static bool is_written(const char *name, const json_t *value, int rc)
{
	if (rc)
		cli_error("out of memory");
	else if (json_is_null(value))
		cli_error("%s cannot be written as JSON: it is not UTF-8", name);
	return rc == 0 && !json_is_null(value);
}

/* As deep as the tables of options are, which are in the program.
 * NOLINTBEGIN(misc-no-recursion) */
static json_t *array_of(const struct cli_option *option, const struct cli_list *list, bool *failed)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const void *item = (const char *)list->items + i * option->item_size;
		json_t *value = option->parts ? object_of(option->parts, item, failed)
					      : scalar(option, item);

		*failed |= !is_written(option->name, value, json_array_append_new(array, value));
	}
	return array;
}

static json_t *object_of(const struct cli_option *options, const void *settings, bool *failed)
{
	json_t *object = json_object(), *value;

	for (const struct cli_option *row = options; !cli_is_last(row); row++) {
		const void *field = (const char *)settings + row->field;
		const struct cli_list *list = field;

		if (!row->name || row->command_line_only || (row->item_size && !list->count))
			continue;
		value = row->item_size ? array_of(row, list, failed) : scalar(row, field);
		if (value)
			*failed |= !is_written(
				row->name, value, json_object_set_new(object, row->name, value));
	}
	return object;
}
/* NOLINTEND(misc-no-recursion) */

/* "IMAGE" is "image" there. */
static bool write_operand(const struct cli_command *command, const void *settings, json_t *object)
{
	const char *operand = *(const char *const *)((const char *)settings + command->operand_at);
	json_t *value;
	char name[32];
	size_t i;

	if (!operand)
		return true;
	for (i = 0; i < sizeof(name) - 1 && command->operand[i]; i++)
		name[i] = (char)tolower((unsigned char)command->operand[i]);
	name[i] = 0;
	value = string_of(operand);
	return is_written(name, value, json_object_set_new(object, name, value));
}

json_t *config_write(const struct cli_command *command, const void *settings)
{
	bool failed = false;
	json_t *options = object_of(command->options, settings, &failed);
	json_t *object = json_object();

	if (command->operand)
		failed |= !write_operand(command, settings, object);
	failed |= json_object_update(object, options) != 0;
	json_decref(options);
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}
