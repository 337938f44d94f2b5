/* SPDX-License-Identifier: MIT */
/* Options that are repeated, and those whose value is options in itself: "root.img,ro,queues=2". */
#include <stdlib.h>
#include <string.h>

#include "options.h"

/* ---- Lists ---- */

static bool grow(struct cli_list *list, size_t item_size)
{
	void *items = realloc(list->items, (list->count + 1) * item_size);
	char **texts;

	if (!items)
		return false;
	list->items = items;
	texts = realloc(list->texts, (list->count + 1) * sizeof(*texts));
	if (!texts)
		return false;
	list->texts = texts;
	return true;
}

/* The lists that lie in items: "forward" of a network. It goes as deep as the tables of options.
 * NOLINTBEGIN(misc-no-recursion) */
static void release_items(const struct cli_option *option, struct cli_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (option->parts)
			cli_release(option->parts, (char *)list->items + i * option->item_size);
		free(list->texts[i]);
	}
	free(list->texts);
	free(list->items);
	list->items = NULL;
	list->texts = NULL;
	list->count = 0;
	list->replaceable = false;
}

void cli_release(const struct cli_option *options, void *settings)
{
	for (const struct cli_option *row = options; !cli_is_last(row); row++) {
		if (row->item_size)
			release_items(row, (struct cli_list *)((char *)settings + row->field));
	}
}
/* NOLINTEND(misc-no-recursion) */

void *cli_append(
	const struct cli_option *option, struct cli_list *list, const char *text, char **copy)
{
	char *own = text ? strdup(text) : NULL;
	void *item;

	if (list->replaceable)
		release_items(option, list);
	if ((text && !own) || !grow(list, option->item_size)) {
		free(own);
		cli_error("out of memory");
		return NULL;
	}
	item = (char *)list->items + list->count * option->item_size;
	memset(item, 0, option->item_size);
	list->texts[list->count++] = own;
	if (copy)
		*copy = own;
	return item;
}

/* ---- Words between commas ---- */

/* The word that *rest begins with, in place; *rest is NULL after the last. Two commas are one that
 * belongs to the word. */
static char *take_word(char **rest)
{
	char *word = *rest, *to = word, *from = word;

	for (; *from; from++) {
		if (*from == ',' && *++from != ',') {
			*to = 0;
			*rest = from;
			return word;
		}
		*to++ = *from;
	}
	*to = 0;
	*rest = NULL;
	return word;
}

static int unknown_part(const struct cli_option *parts, const char *shown, const char *name)
{
	const char *nearest = cli_nearest_option(parts, name);

	if (!*name)
		cli_error(
			"%s has nothing after a comma; a comma in a name is written twice", shown);
	else if (nearest)
		cli_error("%s has no '%s': did you mean '%s'?", shown, name, nearest);
	else
		cli_error("%s has no '%s'", shown, name);
	return -1;
}

/* "ro", "queues=2". As deep as the tables of options are, whatever the words are.
 * NOLINTBEGIN(misc-no-recursion) */
static int apply_part(const struct cli_option *parts, const char *shown, char *word, void *item)
{
	size_t length = strcspn(word, "=");
	char *value = word[length] ? word + length + 1 : NULL;
	const struct cli_option *part = cli_find_option(parts, word, length);
	char path[128];

	word[length] = 0;
	if (!part)
		return unknown_part(parts, shown, word);
	snprintf(path, sizeof(path), "%s %s", shown, part->name);
	if (!part->argument && value) {
		cli_error("%s takes no value", path);
		return -1;
	}
	if (part->argument && !part->argument_optional && !value) {
		cli_error("%s needs a value: %s=%s", path, part->name, part->argument);
		return -1;
	}
	return cli_apply(part, path, value, item);
}

static int apply_parts(const struct cli_option *option, const char *shown, char *text, void *item)
{
	char *rest = text;
	int rc = 0;

	if (option->parts[0].leading)
		rc = cli_apply(option->parts, shown, take_word(&rest), item);
	while (rc == 0 && rest)
		rc = apply_part(option->parts, shown, take_word(&rest), item);
	return rc;
}
/* NOLINTEND(misc-no-recursion) */

/* ---- One option ---- */

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

/* One value, without parts. */
static int set_value(
	const struct cli_option *option, const char *shown, const char *value, void *field)
{
	const char *wanted = option->set(option, value, field);
	char text[256];

	if (!wanted)
		return 0;
	if (option->choices)
		list_choices(option->choices, text, sizeof(text));
	else if (option->most)
		snprintf(text, sizeof(text), "a number from %llu to %llu",
			(unsigned long long)option->least, (unsigned long long)option->most);
	else
		snprintf(text, sizeof(text), "%s", wanted);
	cli_error("%s takes %s, not '%s'", shown, text, value ? value : "");
	return -1;
}

/* Into the parts of the option: see above. NOLINTNEXTLINE(misc-no-recursion) */
int cli_apply(const struct cli_option *option, const char *shown, const char *value, void *settings)
{
	void *field = (char *)settings + option->field;
	char *copy = NULL;
	void *item;

	if (!option->item_size)
		return set_value(option, shown, value, field);
	item = cli_append(option, field, value, &copy);
	if (!item)
		return -1;
	return option->parts ? apply_parts(option, shown, copy, item)
			     : set_value(option, shown, copy, item);
}
