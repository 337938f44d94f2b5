/* SPDX-License-Identifier: MIT */
/* --help: of a command, from its table, and of the program. */
#include <string.h>

#include "options.h"
#include "style.h"

enum { HELP_COLUMN = 27 };

static const struct cli_option help_row = {
	.name = "help", .letter = 'h', .help = "print this help"};

/* "  -m, --memory SIZE       how much …" */
static void print_option(const struct cli_option *row)
{
	char left[64];
	struct style_flow flow;
	int length = 0;

	if (!row->name) {
		printf("\n");
		style_title(stdout, row->help);
		return;
	}
	if (row->letter)
		length = snprintf(left, sizeof(left), "  -%c, --%s", row->letter, row->name);
	else
		length = snprintf(left, sizeof(left), "      --%s", row->name);
	if (row->argument)
		length += snprintf(left + length, sizeof(left) - (size_t)length,
			row->argument_optional ? "[=%s]" : " %s", row->argument);
	fputs(left, stdout);
	if (length + 2 > HELP_COLUMN) {
		printf("\n");
		length = 0;
	}
	style_flow_begin(&flow, stdout, (unsigned int)length, HELP_COLUMN);
	style_flow_text(&flow, row->help);
	style_flow_end(&flow);
}

static void print_options(const struct cli_command *command)
{
	const struct cli_option *row = command->options;

	if (row->name || !row->help) {
		printf("\n");
		style_title(stdout, "Options");
	}
	for (; !cli_is_last(row); row++)
		print_option(row);
	print_option(&help_row);
}

void cli_help(const struct cli_command *command)
{
	const struct cli_section *section = command->sections;

	printf("%susage:%s keg %s [OPTION]...%s%s%s\n\n%s\n", style_on(stdout, STYLE_TITLE),
		style_off(stdout, STYLE_TITLE), command->name, command->operand ? " [" : "",
		command->operand ? command->operand : "", command->operand ? "]" : "",
		command->about);
	print_options(command);
	for (; section && section->title; section++) {
		printf("\n");
		style_title(stdout, section->title);
		printf("%s\n", section->text);
	}
}

void cli_help_all(void)
{
	printf("%susage:%s keg COMMAND [OPTION]...\n\n", style_on(stdout, STYLE_TITLE),
		style_off(stdout, STYLE_TITLE));
	printf("Makes and runs virtual machines on this host's KVM.\n\n");
	style_title(stdout, "Commands");
	for (size_t i = 0; cli_commands[i]; i++) {
		if (!cli_commands[i]->hidden)
			printf("  %-10s%s\n", cli_commands[i]->name, cli_commands[i]->summary);
	}
	printf("\n");
	style_title(stdout, "Options");
	printf("  -h, --help      print this help\n"
	       "      --version   print keg's version\n\n");
	style_title(stdout, "Examples");
	printf("  keg run         run the guest that is built in, with four vCPUs\n"
	       "  keg info        what this machine's KVM can do, and how fast\n"
	       "  keg help run    how to run a kernel of your own\n\n"
	       "Every command has --help and a manual page: man keg, man keg-run.\n");
}
