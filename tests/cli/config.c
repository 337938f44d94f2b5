/* SPDX-License-Identifier: MIT */
/* Configuration files: what they may hold, what is said of what they may not, and that what is
 * written reads back as the same. */
#include "testing.h"

#include "cli/config.h"

struct item {
	const char *path;
	bool ro;
	struct cli_number queues;
	struct cli_list tags;
	struct cli_optional_string place;
};

struct settings {
	const char *image, *text, *config;
	bool flag;
	struct cli_number number, size, time;
	int colour;
	struct cli_list items;
};

#define ITEM(member)    .field = offsetof(struct item, member)
#define SETTING(member) .field = offsetof(struct settings, member)

static const struct cli_choice colours[] = {{"red", 1}, {"green", 2}, {NULL, 0}};

static const struct cli_option parts[] = {
	{.name = "path", .argument = "FILE", .set = cli_set_name, .leading = true, ITEM(path)},
	{.name = "ro", .set = cli_set_flag, ITEM(ro)},
	{.name = "queues",
		.argument = "N",
		.set = cli_set_number,
		.least = 1,
		.most = 64,
		ITEM(queues)},
	{.name = "tag",
		.argument = "TEXT",
		.set = cli_set_string,
		.item_size = sizeof(const char *),
		ITEM(tags)},
	{.name = "place",
		.argument = "FOLDER",
		.argument_optional = true,
		.set = cli_set_optional,
		ITEM(place)},
	{0},
};

static const struct cli_option options[] = {
	{.help = "A heading"},
	{.name = "text", .argument = "TEXT", .set = cli_set_string, SETTING(text)},
	{.name = "flag", .set = cli_set_flag, SETTING(flag)},
	{.name = "number", .argument = "N", .set = cli_set_number, SETTING(number)},
	{.name = "size", .argument = "SIZE", .set = cli_set_size, SETTING(size)},
	{.name = "time", .argument = "SECONDS", .set = cli_set_seconds, SETTING(time)},
	{.name = "colour",
		.argument = "COLOUR",
		.set = cli_set_choice,
		.choices = colours,
		SETTING(colour)},
	{.name = "item",
		.argument = "FILE[,WORD]...",
		.parts = parts,
		.item_size = sizeof(struct item),
		SETTING(items)},
	{.name = "config",
		.argument = "FILE",
		.set = cli_set_name,
		.command_line_only = true,
		SETTING(config)},
	{0},
};

static const struct cli_command command = {
	.name = "try",
	.options = options,
	.operand = "IMAGE",
	.operand_at = offsetof(struct settings, image),
	.config = "config",
	.settings_size = sizeof(struct settings),
};

static const struct item *item_of(const struct settings *settings, size_t index)
{
	return (const struct item *)settings->items.items + index;
}

static void every_kind_of_value(void **state)
{
	static const char text[] =
		"{\"image\": \"kernel\", \"text\": \"a b\", \"flag\": true, \"number\": \"0x10\","
		" \"size\": \"2K\", \"time\": 0.25, \"colour\": \"green\", \"item\": ["
		"  {\"path\": \"a,b\", \"queues\": 2, \"tag\": [\"x\", \"y\"], \"place\": true},"
		"  \"c,,d,ro,place=/tmp\"]}";
	struct settings s = {0};
	json_t *root;

	(void)state;
	assert_int_equal(config_parse(&command, "f", text, strlen(text), &s, &root), 0);
	assert_string_equal(s.image, "kernel");
	assert_string_equal(s.text, "a b");
	assert_true(s.flag);
	assert_int_equal(s.number.value, 16);
	assert_int_equal(s.size.value, 2048);
	assert_int_equal(s.time.value, 250000000);
	assert_int_equal(s.colour, 2);
	assert_int_equal(s.items.count, 2);
	assert_string_equal(item_of(&s, 0)->path, "a,b");
	assert_false(item_of(&s, 0)->ro);
	assert_int_equal(item_of(&s, 0)->queues.value, 2);
	assert_int_equal(item_of(&s, 0)->tags.count, 2);
	assert_string_equal(((const char **)item_of(&s, 0)->tags.items)[1], "y");
	assert_true(item_of(&s, 0)->place.given);
	assert_null(item_of(&s, 0)->place.value);
	assert_string_equal(item_of(&s, 1)->path, "c,d");
	assert_true(item_of(&s, 1)->ro);
	assert_string_equal(item_of(&s, 1)->place.value, "/tmp");
	cli_release(options, &s);
	json_decref(root);
}

/* Where one is enough there need be no array; false is as if it were not there. */
static void shorter_forms(void **state)
{
	static const char text[] =
		"{\"item\": {\"path\": \"a\", \"tag\": \"x\", \"ro\": false, \"place\": false}}";
	struct settings s = {0};
	json_t *root;

	(void)state;
	assert_int_equal(config_parse(&command, "f", text, strlen(text), &s, &root), 0);
	assert_int_equal(s.items.count, 1);
	assert_int_equal(item_of(&s, 0)->tags.count, 1);
	assert_false(item_of(&s, 0)->ro);
	assert_false(item_of(&s, 0)->place.given);
	cli_release(options, &s);
	json_decref(root);
}

/* Runs config_parse() with standard error in a file, and fails unless it complains so. */
static void assert_refused(const char *text, size_t count, const char *complaint)
{
	struct settings s = {0};
	char said[4096] = "";
	FILE *file = tmpfile();
	int before = dup(STDERR_FILENO), rc;
	json_t *root = NULL;

	assert_non_null(file);
	dup2(fileno(file), STDERR_FILENO);
	rc = config_parse(&command, "m.json", text, count, &s, &root);
	dup2(before, STDERR_FILENO);
	close(before);
	rewind(file);
	assert_true(fread(said, 1, sizeof(said) - 1, file) > 0 || rc == 0);
	fclose(file);
	if (rc == 0)
		fail_msg("%s is taken", text);
	if (!strstr(said, complaint) || strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("%s: \"%s\" lacks \"%s\", or is more than a line", text, said, complaint);
	cli_release(options, &s);
	json_decref(root);
}

static const struct {
	const char *text, *complaint;
} refused[] = {
	{"", "m.json:1:0: "},
	{"{\"flag\": }", "m.json:1:10: "},
	{"{\n\"flag\": true,\n}", "m.json:3:1: "},
	{"[]", "m.json holds an array"},
	{"null", "no JSON"},
	{"{\"flag\": true, \"flag\": true}", "duplicate"},
	{"{\"flag\": true} x", "m.json:1:16: "},
	{"{\"numbre\": 1}", "m.json: there is no 'numbre': did you mean 'number'?"},
	{"{\"\": 1}", "there is no ''"},
	{"{\"\\u001b[2J\\n\": 1}", "there is no '?[2J?'"},
	{"{\"a\\u0000b\": 1}", "m.json:1:"},
	{"{\"config\": \"x\"}", "'config' is for the command line only"},
	{"{\"image\": 1}", "image takes a string, not a number"},
	{"{\"text\": 1}", "text takes a string, not a number"},
	{"{\"text\": [\"a\"]}", "text takes a string, not an array"},
	{"{\"flag\": 1}", "flag takes true or false, not a number"},
	{"{\"flag\": \"yes\"}", "flag takes true or false, not a string"},
	{"{\"flag\": null}", "flag takes true or false, not null"},
	{"{\"number\": true}", "number takes a number or a string, not true"},
	{"{\"number\": {}}", "number takes a number or a string, not an object"},
	{"{\"number\": -1}", "number takes a number, such as 4 or 0x100000, not '-1'"},
	{"{\"number\": 1.5}", "not '1.5"},
	{"{\"number\": 99999999999999999999}", "m.json:1:"},
	{"{\"size\": \"1.5G\"}", "size takes a size, such as 512M or 2G, not '1.5G'"},
	{"{\"time\": -0.5}", "time takes seconds"},
	{"{\"time\": 1e300}", "not '1e+300'"},
	{"{\"colour\": \"blue\"}", "colour takes red or green, not 'blue'"},
	{"{\"item\": 1}", "item takes an object or a string, or an array of them"},
	{"{\"item\": [1]}", "item[0] takes an object or a string"},
	{"{\"item\": [[]]}", "item[0] takes an object or a string"},
	{"{\"item\": [{}, {\"queues\": 65}]}",
		"item[1].queues takes a number from 1 to 64, not '65'"},
	{"{\"item\": [{\"queue\": 1}]}", "item[0]: there is no 'queue': did you mean 'queues'?"},
	{"{\"item\": [{\"tag\": [{}]}]}", "item[0].tag[0] takes a string"},
	{"{\"item\": [{\"place\": 1}]}", "item[0].place takes a string, true or false"},
	{"{\"item\": \"a,rö\"}", "item has no 'rö'"},
	{"{\"item\": \"\"}", "item takes a name, not ''"},
	{"{\"item\": [\"a,queues=2,\"]}", "item[0] has nothing after a comma"},
};

static void what_is_refused_by_name(void **state)
{

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(refused[i].text, strlen(refused[i].text), refused[i].complaint);
	assert_refused("{\"text\": \"a\0b\"}", 15, "m.json:1:");
	assert_refused("{\"text\": \"\xff\"}", 13, "m.json:1:");
}

static void deep_nesting_is_refused(void **state)
{
	enum { DEPTH = 100000 };
	char *text = malloc(DEPTH + 1);

	(void)state;
	assert_non_null(text);
	memset(text, '[', DEPTH);
	text[DEPTH] = 0;
	assert_refused(text, DEPTH, "m.json:1:");
	free(text);
}

static void what_is_written_reads_back(void **state)
{
	const char *const words[] = {"kernel", "--text=", "--flag", "--number",
		"18446744073709551615", "--size", "3K", "--time", "0.000000001", "--colour",
		"green", "--item", "a,,b=c,ro,tag=x,tag=y,,z,place", "--item",
		"d,queues=64,place=/e", NULL};
	struct settings s = {0}, again = {0};
	json_t *written, *rewritten, *root;
	char *text;

	(void)state;
	assert_int_equal(cli_parse(&command, (char **)words, &s), CLI_PARSED);
	written = config_write(&command, &s);
	assert_non_null(written);
	text = json_dumps(written, JSON_REAL_PRECISION(15));
	assert_int_equal(config_parse(&command, "f", text, strlen(text), &again, &root), 0);
	rewritten = config_write(&command, &again);
	assert_true(json_equal(written, rewritten));
	assert_string_equal(again.text, "");
	assert_true(again.number.value == UINT64_MAX);
	assert_int_equal(again.time.value, 1);
	assert_string_equal(item_of(&again, 0)->path, "a,b=c");
	assert_string_equal(((const char **)item_of(&again, 0)->tags.items)[1], "y,z");
	assert_string_equal(item_of(&again, 1)->place.value, "/e");
	free(text);
	cli_release(options, &s);
	cli_release(options, &again);
	json_decref(written);
	json_decref(rewritten);
	json_decref(root);
}

/* ---- A file, and the command line on top of it ---- */

static void words_win_over_the_file(void **state)
{
	char file[] = "/tmp/keg-test-XXXXXX";
	static const char text[] = "{\"number\": 1, \"text\": \"file\", \"item\": [\"a\", \"b\"]}";
	const char *const all[] = {
		"--config", file, "--text", "words", "--item", "c", "--item", "d", NULL};
	const char *const none[] = {"--config", file, NULL};
	int fd = mkstemp(file);
	struct settings s = {0};
	json_t *root;

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(cli_parse(&command, (char **)all, &s), CLI_PARSED);
	assert_int_equal(config_apply(&command, (char **)all, &s, &root), CLI_PARSED);
	assert_int_equal(s.number.value, 1);
	assert_string_equal(s.text, "words");
	assert_int_equal(s.items.count, 2); /* in place of the file's */
	assert_string_equal(item_of(&s, 1)->path, "d");
	cli_release(options, &s);
	json_decref(root);
	memset(&s, 0, sizeof(s));
	assert_int_equal(cli_parse(&command, (char **)none, &s), CLI_PARSED);
	assert_int_equal(config_apply(&command, (char **)none, &s, &root), CLI_PARSED);
	assert_string_equal(s.text, "file");
	assert_string_equal(item_of(&s, 1)->path, "b");
	cli_release(options, &s);
	json_decref(root);
	unlink(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value),
		cmocka_unit_test(shorter_forms),
		cmocka_unit_test(what_is_refused_by_name),
		cmocka_unit_test(deep_nesting_is_refused),
		cmocka_unit_test(what_is_written_reads_back),
		cmocka_unit_test(words_win_over_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
