/* SPDX-License-Identifier: MIT */
/* Measures keg against bare ioctls: options, and which benchmarks run. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <keg/vcpu.h>

#include "facts.h"
#include "json.h"
#include "rows.h"

static const struct bench_entry entries[] = {
	{"create", "make a machine with memory and a vCPU, up to its first exit", bench_create},
	{"end", "end that machine", bench_end},
	{"dispatch", "an exit, and its device found among 256 regions", bench_dispatch},
	{"slots", "take and give back a memory slot, with few and with all others taken",
		bench_slots},
	{"coalesced", "4,096 writes to a page whose writes are coalesced", bench_coalesced},
	{"kick", "from keg_vcpu_kick() in one thread to the end of keg_vcpu_run() in another",
		bench_kick},
	{"machines", "1,000 machines alive at once in one process", bench_machines},
};
enum { ENTRIES = sizeof(entries) / sizeof(entries[0]) };

static const char usage[] =
	"usage: keg-bench [OPTION]...\n"
	"\n"
	"Measures keg against bare ioctls that do the same, the two taking turns.\n"
	"\n"
	"  --only NAME    this benchmark; may be given again\n"
	"  --rounds N     how often each side measures, in place of each benchmark's own number\n"
	"  --quick        few rounds: to see that it works, not how fast\n"
	"  --json FILE    also write all figures as JSON; - is standard output, in place of the "
	"table\n"
	"  --list         the benchmarks\n"
	"  --help         this text\n"
	"\n"
	"Exit status: 0 measured, floors met or not; 1 something failed; 2 wrong usage.\n";

struct settings {
	const char *json;
	const char *only[16];
	size_t only_count;
};

static const struct bench_entry *entry_at(size_t index)
{
	const struct bench_entry *entry =
		index < ENTRIES ? &entries[index] : &bench_arch_entries[index - ENTRIES];

	return entry->name ? entry : NULL;
}

static bool known(const char *name)
{
	for (size_t i = 0; entry_at(i); i++) {
		if (strcmp(entry_at(i)->name, name) == 0)
			return true;
	}
	return false;
}

static bool chosen(const struct settings *settings, const char *name)
{
	for (size_t i = 0; i < settings->only_count; i++) {
		if (settings->only[i] && strcmp(settings->only[i], name) == 0)
			return true;
	}
	return settings->only_count == 0;
}

static void list(void)
{
	for (size_t i = 0; entry_at(i); i++)
		printf("%-10s %s\n", entry_at(i)->name, entry_at(i)->about);
}

static void __attribute__((noreturn)) wrong_usage(const char *what, const char *value)
{
	fprintf(stderr, "keg-bench: %s%s; see keg-bench --help\n", what, value);
	exit(2);
}

static unsigned int number(const char *text)
{
	const unsigned long most = 1000000;
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*end || end == text || value == 0 || value > most)
		wrong_usage("--rounds takes a number from 1 to 1000000, not ", text);
	return (unsigned int)value;
}

static void add_only(struct settings *settings, const char *name)
{
	if (!known(name))
		wrong_usage("keg-bench --list has no ", name);
	if (settings->only_count == sizeof(settings->only) / sizeof(settings->only[0]))
		wrong_usage("too many times --only ", name);
	settings->only[settings->only_count++] = name;
}

static void parse(int argc, char **argv, struct settings *settings, struct bench *bench)
{
	static const struct option options[] = {
		{"only", required_argument, NULL, 'o'},
		{"rounds", required_argument, NULL, 'r'},
		{"quick", no_argument, NULL, 'q'},
		{"json", required_argument, NULL, 'j'},
		{"list", no_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'o':
			add_only(settings, optarg);
			break;
		case 'r':
			bench->rounds = number(optarg);
			break;
		case 'q':
			bench->quick = true;
			break;
		case 'j':
			settings->json = optarg;
			break;
		case 'l':
			list();
			exit(EXIT_SUCCESS);
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			exit(2);
		}
	}
	if (optind < argc)
		wrong_usage("unexpected argument ", argv[optind]);
}

int main(int argc, char **argv)
{
	struct settings settings = {0};
	struct bench bench = {.kick_signal = SIGRTMIN};
	struct facts facts;

	parse(argc, argv, &settings, &bench);
	bench.silent = settings.json && strcmp(settings.json, "-") == 0;
	bench_need(keg_kick_install(bench.kick_signal));
	bench_need(keg_host_create(NULL, &bench.host));
	bare_open(&bench.bare);
	facts_collect(&bench, &facts);
	if (!bench.silent) {
		facts_print(&facts);
		rows_print_head();
	}
	for (size_t i = 0; entry_at(i); i++) {
		bench.current = entry_at(i)->name;
		if (chosen(&settings, bench.current))
			entry_at(i)->run(&bench);
	}
	if (settings.json)
		json_write(settings.json, &bench, &facts);
	rows_free(&bench);
	bare_close(&bench.bare);
	keg_host_destroy(bench.host);
	return EXIT_SUCCESS;
}
