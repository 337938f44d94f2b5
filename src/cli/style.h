/* SPDX-License-Identifier: MIT */
/* How text is laid out: colours where they are welcome, and lines that fit the terminal. */
#ifndef KEG_CLI_STYLE_H
#define KEG_CLI_STYLE_H

#include <stdio.h>

enum style {
	STYLE_PLAIN,
	STYLE_TITLE,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_BAD,
};

/* What begins and ends a style on that stream: "" unless it is a terminal that shows colours, and
 * NO_COLOR is not set (no-color.org). */
const char *style_on(FILE *stream, enum style style);
const char *style_off(FILE *stream, enum style style);

/* Prints a title on a line of its own. */
void style_title(FILE *stream, const char *title);

/* Begins a row of what is told about something, on standard output: "  LABEL           ". */
enum { STYLE_LABEL_COLUMN = 18 };
void style_label(const char *label);

/* How many columns a line on that stream may have: the terminal's, from 60 to 100, or 80. */
unsigned int style_columns(FILE *stream);

/* Words that are printed one by one, into lines that are indented and fit. */
struct style_flow {
	FILE *stream;
	unsigned int indent;
	unsigned int column; /* where the line is; 0 before the first word */
	unsigned int columns;
};

/* Begins at `column`, after which words wrap to `indent`. */
void style_flow_begin(
	struct style_flow *flow, FILE *stream, unsigned int column, unsigned int indent);
void style_flow_word(struct style_flow *flow, enum style style, const char *word);

/* All the words of a text. */
void style_flow_text(struct style_flow *flow, const char *text);
void style_flow_end(struct style_flow *flow);

#endif
