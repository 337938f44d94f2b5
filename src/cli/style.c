/* SPDX-License-Identifier: MIT */
/* Colours and line lengths. */
#include "style.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { COLUMNS = 80, COLUMNS_MIN = 60, COLUMNS_MAX = 100 };

/* Select Graphic Rendition (ECMA-48, 8.3.117). */
static const char *const starts[] = {
	[STYLE_PLAIN] = "",
	[STYLE_TITLE] = "\033[1m",
	[STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m",
	[STYLE_BAD] = "\033[33m",
};

static bool colours(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (no_color && *no_color)
		return false;
	return isatty(fileno(stream)) && term && *term && strcmp(term, "dumb") != 0;
}

const char *style_on(FILE *stream, enum style style)
{
	return colours(stream) ? starts[style] : "";
}

const char *style_off(FILE *stream, enum style style)
{
	return style != STYLE_PLAIN && colours(stream) ? "\033[0m" : "";
}

void style_title(FILE *stream, const char *title)
{
	fprintf(stream, "%s%s%s\n", style_on(stream, STYLE_TITLE), title,
		style_off(stream, STYLE_TITLE));
}

void style_label(const char *label)
{
	printf("  %s%-*s%s", style_on(stdout, STYLE_DIM), STYLE_LABEL_COLUMN - 2, label,
		style_off(stdout, STYLE_DIM));
}

unsigned int style_columns(FILE *stream)
{
	struct winsize size;

	if (ioctl(fileno(stream), TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
		return COLUMNS;
	if (size.ws_col < COLUMNS_MIN)
		return COLUMNS_MIN;
	return size.ws_col > COLUMNS_MAX ? COLUMNS_MAX : size.ws_col;
}

void style_flow_begin(
	struct style_flow *flow, FILE *stream, unsigned int column, unsigned int indent)
{
	*flow = (struct style_flow){.stream = stream, .indent = indent, .column = column};
	flow->columns = style_columns(stream);
}

static void put_word(
	struct style_flow *flow, enum style style, const char *word, unsigned int length)
{
	bool first = flow->column <= flow->indent;

	if (!first && flow->column + 1 + length > flow->columns) {
		fputc('\n', flow->stream);
		flow->column = 0;
		first = true;
	}
	if (flow->column < flow->indent) {
		fprintf(flow->stream, "%*s", (int)(flow->indent - flow->column), "");
		flow->column = flow->indent;
	}
	if (!first) {
		fputc(' ', flow->stream);
		flow->column++;
	}
	fprintf(flow->stream, "%s%.*s%s", style_on(flow->stream, style), (int)length, word,
		style_off(flow->stream, style));
	flow->column += length;
}

void style_flow_word(struct style_flow *flow, enum style style, const char *word)
{
	put_word(flow, style, word, (unsigned int)strlen(word));
}

void style_flow_text(struct style_flow *flow, const char *text)
{
	while (*text) {
		size_t length = strcspn(text, " ");

		if (length)
			put_word(flow, STYLE_PLAIN, text, (unsigned int)length);
		text += length + strspn(text + length, " ");
	}
}

void style_flow_end(struct style_flow *flow)
{
	fputc('\n', flow->stream);
}
