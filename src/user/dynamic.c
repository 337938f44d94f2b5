/* SPDX-License-Identifier: MIT */
/* What a program says to its dynamic linker. */
#include "user/dynamic.h"

#include <elf.h>
#include <string.h>

#include "base/error.h"

enum { ENTRIES_MOST = 4096 };

static int read_string(const struct keg_dynamic *dynamic, uint64_t at, char text[PATH_MAX])
{
	uint64_t left = at < dynamic->string_bytes ? dynamic->string_bytes - at : 0;
	size_t length = left < PATH_MAX ? (size_t)left : PATH_MAX;
	int ret;

	if (!left)
		return keg_fail(ENOEXEC, "a name in the dynamic section is not in its strings");
	ret = keg_image_read(dynamic->image, dynamic->strings + at, text, length);
	if (ret)
		return ret;
	if (!memchr(text, 0, length))
		return keg_fail(ENOEXEC, "a name in the dynamic section does not end");
	return 0;
}

static int next_entry(struct keg_dynamic *dynamic, Elf64_Dyn *entry)
{
	int ret;

	if (dynamic->end - dynamic->at < sizeof(*entry))
		return 0;
	ret = keg_image_read(dynamic->image, dynamic->at, entry, sizeof(*entry));
	if (ret)
		return ret;
	dynamic->at += sizeof(*entry);
	if (entry->d_tag != DT_NULL)
		return 1;
	dynamic->at = dynamic->end;
	return 0;
}

int keg_dynamic_open(struct keg_dynamic *dynamic, const struct keg_image *image,
	const struct keg_program *program)
{
	uint64_t strings = 0, path = 0, first = program->dynamic_offset;
	uint64_t bytes = program->dynamic_bytes;
	bool has_path = false, is_run_path = false;
	Elf64_Dyn entry;
	int ret;

	if (bytes > ENTRIES_MOST * sizeof(entry))
		bytes = ENTRIES_MOST * sizeof(entry);
	if (first > image->bytes || bytes > image->bytes - first)
		return keg_fail(ENOEXEC, "the dynamic section lies behind the end of the file");
	*dynamic = (struct keg_dynamic){.image = image, .at = first, .end = first + bytes};
	while ((ret = next_entry(dynamic, &entry)) > 0) {
		if (entry.d_tag == DT_STRTAB)
			strings = entry.d_un.d_ptr;
		if (entry.d_tag == DT_RUNPATH || (entry.d_tag == DT_RPATH && !is_run_path)) {
			has_path = true;
			is_run_path = entry.d_tag == DT_RUNPATH;
			path = entry.d_un.d_val;
		}
	}
	if (ret)
		return ret;
	dynamic->at = first;
	if (strings)
		dynamic->string_bytes = keg_program_find(program, strings, &dynamic->strings);
	return has_path ? read_string(dynamic, path, dynamic->run_path) : 0;
}

int keg_dynamic_next(struct keg_dynamic *dynamic, char library[PATH_MAX])
{
	Elf64_Dyn entry;
	int ret;

	while ((ret = next_entry(dynamic, &entry)) > 0)
		if (entry.d_tag == DT_NEEDED) {
			ret = read_string(dynamic, entry.d_un.d_val, library);
			return ret ? ret : 1;
		}
	return ret;
}
