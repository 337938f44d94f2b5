/* SPDX-License-Identifier: MIT */
/*
 * Configuration files: a command's options as a JSON object, under their own names. Options that
 * may be repeated are arrays; those that have parts are objects of them, or strings as on the
 * command line. A file is not trusted.
 */
#ifndef KEG_CLI_CONFIG_H
#define KEG_CLI_CONFIG_H

#include <jansson.h>

#include "options.h"

/*
 * After cli_parse() of a command that may have a configuration file: if it names one, the settings
 * are filled from that, and then once more from the words, which win. *root holds the file's
 * strings, and is to be released (json_decref()) when the settings are not needed any more.
 */
enum cli_parsed config_apply(
	const struct cli_command *command, char **words, void *settings, json_t **root);

/* Fills the settings from JSON text; `path` is for complaints, which name the key. 0, or -1. */
int config_parse(const struct cli_command *command, const char *path, const char *text,
	size_t count, void *settings, json_t **root);

/* A command's settings as an object that config_parse() takes. NULL after a
 * complaint. */
json_t *config_write(const struct cli_command *command, const void *settings);

#endif
