/* SPDX-License-Identifier: MIT */
/* Whether all of libkeg was come to. */
#include "fault/sites.h"

#include <link.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fault/requests.h"
#include "fault/say.h"

enum { SLOTS = 8192, MOST_NAME = 64 };

/* Sets of addresses and requests: open addressing, 0 is free. Processes share them. */
struct seen {
	_Atomic(uintptr_t) sites[SLOTS];
	_Atomic(uintptr_t) requests[SLOTS];
	_Atomic(uintptr_t) excused[SLOTS]; /* functions, by their hash */
};
static struct seen own;
static struct seen *seen = &own;

void fault_sites_share(void)
{
	void *shared = mmap(
		NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED) {
		perror("fault: shared memory");
		exit(EXIT_FAILURE);
	}
	seen = shared;
}

/* The slot that holds `value`, or the free one that is its. */
static _Atomic(uintptr_t) *find(_Atomic(uintptr_t) *slots, uintptr_t value)
{
	size_t at = value * 0x9e3779b97f4a7c15 >> 40;
	uintptr_t found;

	do
		found = atomic_load(&slots[++at % SLOTS]);
	while (found && found != value);
	return &slots[at % SLOTS];
}

static bool has(_Atomic(uintptr_t) *slots, uintptr_t value)
{
	return atomic_load(find(slots, value)) != 0;
}

static void add(_Atomic(uintptr_t) *slots, uintptr_t value)
{
	uintptr_t other;

	do
		other = 0;
	while (!atomic_compare_exchange_strong(find(slots, value), &other, value) &&
		other != value);
}

void fault_site_note(const void *site, unsigned long request)
{
	add(seen->sites, (uintptr_t)site);
	if (request)
		add(seen->requests, request);
}

/* FNV-1a, of a name that ends with 0 or a space. */
static uintptr_t hash(const char *name)
{
	uint64_t value = 0xcbf29ce484222325;

	while (*name && *name != ' ')
		value = (value ^ (unsigned char)*name++) * 0x100000001b3;
	return (uintptr_t)value;
}

void fault_excuse(const char *name)
{
	const struct fault_request *row = fault_request_named(name);

	if (row)
		add(seen->requests, row->number);
	else
		add(seen->excused, hash(name));
}

/* ---- The program's segments ---- */

typedef void segment_handler(const uint8_t *start, const uint8_t *end, void *context);

struct walk {
	bool code; /* only what is executed */
	segment_handler *handler;
	void *context;
};

/* The program itself comes first. */
static int walk_program(struct dl_phdr_info *info, size_t size, void *context)
{
	const struct walk *walk = context;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		const uint8_t *start = (const uint8_t *)(info->dlpi_addr + segment->p_vaddr);

		if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X || !walk->code))
			walk->handler(start, start + segment->p_filesz, walk->context);
	}
	return 1;
}

static void for_each_segment(bool code, segment_handler *handler, void *context)
{
	struct walk walk = {code, handler, context};

	dl_iterate_phdr(walk_program, &walk);
}

/* ---- Places ---- */

#define CALL(name, ...) extern char __wrap_##name[];
#define END(name, ...)  extern char __wrap_##name[];
#define OWN(name, ...)  extern char __wrap_##name[];
#include "fault/calls.def"

static const char *const wrappers[] = {
#define CALL(name, ...) __wrap_##name,
#define END(name, ...)  __wrap_##name,
#define OWN(name, ...)  __wrap_##name,
#include "fault/calls.def"
};

static bool is_wrapper(uintptr_t target)
{
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		if (target == (uintptr_t)wrappers[i])
			return true;
	}
	return false;
}

/* The places of the program that call wrappers. */
struct places {
	const void *sites[SLOTS];
	size_t count;
};

static void find_places(const uint8_t *start, const uint8_t *end, void *context)
{
	struct places *places = context;
	uintptr_t target;
	const void *site;

	for (const uint8_t *at = start; end - at >= 5; at++) {
		if (fault_is_call(at, &target, &site) && is_wrapper(target) &&
			places->count < SLOTS)
			places->sites[places->count++] = site;
	}
}

struct missing {
	FILE *out;
	const struct places *places;
	char *names[SLOTS]; /* of the places, by addr2line; NULL: unknown */
	size_t places_known, requests, count;
};

static void name_place(void *context, size_t index, const char *name)
{
	struct missing *missing = context;

	if (index >= SLOTS)
		return;
	missing->names[index] = strdup(name);
	missing->places_known++;
}

/* The compiler may have made several places of one line: any of them will do. */
static bool is_known_line(const struct missing *missing, const char *name)
{
	for (size_t i = 0; i < missing->places->count; i++) {
		if (missing->names[i] && strcmp(missing->names[i], name) == 0 &&
			has(seen->sites, (uintptr_t)missing->places->sites[i]))
			return true;
	}
	return false;
}

static void check_places(struct missing *missing)
{
	const struct places *places = missing->places;

	fault_places(places->sites, places->count, name_place, missing);
	for (size_t i = 0; i < places->count; i++) {
		const char *name = missing->names[i];

		if (has(seen->sites, (uintptr_t)places->sites[i]) || !name ||
			!strstr(name, "/src/") || has(seen->excused, hash(name)) ||
			is_known_line(missing, name))
			continue;
		fprintf(missing->out, "no scenario comes to %s\n", name);
		missing->count++;
	}
	if (!missing->places_known)
		fprintf(missing->out, "the places of calls: not checked, for addr2line cannot tell "
				      "where they are\n");
	for (size_t i = 0; i < SLOTS; i++)
		free(missing->names[i]);
}

/* ---- Requests ---- */

/* Reads what lies between variables too. */
#define RAW __attribute__((no_sanitize("address", "undefined"), noinline))

/* Whether "KVM_", capitals and digits, and the end of a string are at `at`. */
static RAW bool is_name(const uint8_t *at, const uint8_t *end)
{
	static const uint8_t prefix[] = {'K', 'V', 'M', '_'};
	size_t length = 0;

	for (; length < MOST_NAME && end - at > (ptrdiff_t)length && at[length]; length++) {
		bool fits = (at[length] >= 'A' && at[length] <= 'Z') ||
			    (at[length] >= '0' && at[length] <= '9') || at[length] == '_';

		if (!fits || (length < sizeof(prefix) && at[length] != prefix[length]))
			return false;
	}
	return length > sizeof(prefix) && length < MOST_NAME && end - at > (ptrdiff_t)length;
}

static void check_name(struct missing *missing, const char *name)
{
	const struct fault_request *row = fault_request_named(name + strlen("KVM_"));

	missing->requests++;
	if (row && has(seen->requests, row->number))
		return;
	fprintf(missing->out,
		row ? "no scenario makes the request %s\n" : "%s has no row in requests.def\n",
		name);
	missing->count++;
}

static RAW void check_strings(const uint8_t *start, const uint8_t *end, void *context)
{
	for (const uint8_t *at = start + 1; at < end; at++) {
		if (!at[-1] && is_name(at, end))
			check_name(context, (const char *)at);
	}
}

size_t fault_sites_check(FILE *out, bool wanted)
{
	static struct places places;
	static struct missing missing;

	for (const char *const *name = fault_arch_excuses; *name; name++)
		fault_excuse(*name);
	missing = (struct missing){.out = out, .places = &places};
	places.count = 0;
	for_each_segment(true, find_places, &places);
	if (wanted)
		check_places(&missing);
	else
		fprintf(out, "the places of calls: not checked in a quick sweep\n");
	for_each_segment(false, check_strings, &missing);
	fprintf(out, "%s all calls: %zu places, %zu requests, %zu missing\n",
		missing.count ? "not ok" : "ok", places.count, missing.requests, missing.count);
	return missing.count;
}
