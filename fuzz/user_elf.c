/* SPDX-License-Identifier: MIT */
/* Fuzzes the reading of programs: ELF files with their symbols and dynamic sections, and scripts.
 */
#include "fuzzing.h"

#include <string.h>

#include "user/dynamic.h"
#include "user/elf.h"
#include "user/machine.h"

static void check_plan(const struct keg_image *image, const struct keg_program *program)
{
	uint64_t end = 0;

	fuzz_check(program->segment_count && program->segment_count <= KEG_PROGRAM_SEGMENTS);
	fuzz_check(program->start < program->end && program->end <= KEG_USER_TOP);
	fuzz_check(program->start % KEG_PAGE == 0 && program->end % KEG_PAGE == 0);
	fuzz_check(program->entry >= program->start && program->entry < program->end);
	fuzz_check(program->alignment >= KEG_PAGE &&
		   (program->alignment & (program->alignment - 1)) == 0);
	fuzz_check(memchr(program->interpreter, 0, sizeof(program->interpreter)) != NULL);
	for (uint32_t i = 0; i < program->segment_count; i++) {
		const struct keg_program_segment *segment = &program->segments[i];

		fuzz_check(segment->memory_bytes && segment->at >= end);
		end = segment->at + segment->memory_bytes;
		fuzz_check(end > segment->at && end <= program->end);
		fuzz_check(segment->file_bytes <= segment->memory_bytes);
		fuzz_check(segment->offset <= image->bytes &&
			   segment->file_bytes <= image->bytes - segment->offset);
		if (segment->file_bytes)
			fuzz_check((segment->at ^ segment->offset) % KEG_PAGE == 0);
	}
}

static void read_libraries(const struct keg_image *image, const struct keg_program *program)
{
	static char library[PATH_MAX];
	struct keg_dynamic dynamic;

	if (keg_dynamic_open(&dynamic, image, program))
		return;
	fuzz_check(memchr(dynamic.run_path, 0, sizeof(dynamic.run_path)) != NULL);
	while (keg_dynamic_next(&dynamic, library) > 0)
		fuzz_check(memchr(library, 0, sizeof(library)) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keg_image image = {.memory = data, .fd = -1, .bytes = size};
	static struct keg_program program;
	struct keg_script script;
	uint64_t at;

	if (!keg_script_read((const char *)data, size, &script)) {
		fuzz_check(*script.interpreter && strlen(script.interpreter) < KEG_SCRIPT_LINE);
		fuzz_check(strlen(script.argument) < KEG_SCRIPT_LINE);
	}
	keg_program_symbol(&image, "main", &at);
	if (keg_program_read(&image, &program))
		return 0;
	check_plan(&image, &program);
	read_libraries(&image, &program);
	return 0;
}
