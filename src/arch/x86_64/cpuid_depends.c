/* SPDX-License-Identifier: MIT */
/*
 * Which features need which: an instruction set extends another, or its registers are saved by
 * another's. Intel's SDM has it with each extension's detection (volume 1, chapters 11 to 18),
 * AMD's APM in volume 3, appendix D.
 */
#include "arch/x86_64/cpu_model.h"

#include <string.h>

#include "base/error.h"

/*
 * Names of features, the second needed by all those in the first. What is needed has its own row
 * before those that need it, so that one look at each will do.
 */
static const struct {
	const char *features, *need;
} depends[] = {
	{"sse", "fxsr"},
	{"sse2", "sse"},
	{"sse3 pclmulqdq aes sha_ni gfni sse4a", "sse2"},
	{"ssse3", "sse3"},
	{"sse4_1", "ssse3"},
	{"sse4_2", "sse4_1"},
	{"avx xsaveopt xsavec xgetbv1 xsaves pku mpx lwp", "xsave"},
	{"avx2 fma f16c fma4 xop vaes vpclmulqdq sha512 sm3 sm4", "avx"},
	{"avx512f avx_vnni avx_ifma avx_vnni_int8 avx_vnni_int16 avx_ne_convert", "avx2"},
	{"avx512dq avx512ifma avx512pf avx512er avx512cd avx512bw avx512vl avx512vbmi "
	 "avx512_vpopcntdq avx512_4vnniw avx512_4fmaps",
		"avx512f"},
	{"avx512_vbmi2 avx512_vnni avx512_bitalg avx512_bf16 avx512_vp2intersect", "avx512vl"},
	{"avx512_fp16", "avx512bw"},
	{"xfd", "xsavec"},
	{"shstk", "xsaves"},
	{"amx_tile", "xfd"},
	{"amx_int8 amx_bf16 amx_fp16 amx_complex", "amx_tile"},
	{"ospke", "pku"},
	{"invpcid", "pcid"},
	{"x2apic tsc_deadline_timer extapic", "apic"},
	{"tsc_deadline_timer tsc_adjust nonstop_tsc rdtscp", "tsc"},
	{"pdpe1gb la57 lam", "lm"},
	{"3dnow mmxext", "mmx"},
	{"3dnowext", "3dnow"},
	{"sgx_lc sgx_keys", "sgx"},
};

enum { DEPENDS = sizeof(depends) / sizeof(depends[0]), NAME_BYTES = 32 };

/* The next of the words in *text, which goes on behind it. */
static bool next_word(const char **text, char word[NAME_BYTES])
{
	size_t bytes = 0;

	while (**text == ' ')
		++*text;
	while ((*text)[bytes] && (*text)[bytes] != ' ' && bytes < NAME_BYTES - 1)
		bytes++;
	memcpy(word, *text, bytes);
	word[bytes] = 0;
	*text += bytes;
	return bytes > 0;
}

static bool is_asked(
	const struct keg_x86_feature *asked, size_t count, const struct keg_x86_feature *feature)
{
	for (size_t i = 0; i < count; i++) {
		if (asked[i].function == feature->function && asked[i].index == feature->index &&
			asked[i].where == feature->where && asked[i].bit == feature->bit)
			return true;
	}
	return false;
}

/* What settling has to know. */
struct settling {
	struct keg_leaves *leaves, *before;
	const struct keg_x86_feature *asked;
	size_t asked_count;
	struct keg_notes *notes;
};

/* Switches a feature off that lacks what it needs. */
static int lacks(struct settling *settling, const char *name, const char *need)
{
	struct keg_x86_feature feature;

	if (keg_x86_find_feature(name, &feature) || !keg_leaves_has(settling->leaves, &feature))
		return 0;
	if (is_asked(settling->asked, settling->asked_count, &feature))
		return keg_fail(EINVAL, "CPU model: +%s needs %s, which is off", name, need);
	keg_leaves_switch(settling->leaves, &feature, false);
	/* What never worked on this host is nobody's loss. */
	if (keg_leaves_has_name(settling->before, name) &&
		keg_leaves_has_name(settling->before, need))
		keg_notes_add(settling->notes,
			"CPU feature %s is off, because it needs %s, which is off", name, need);
	return 0;
}

static int settle_row(struct settling *settling, const char *features, const char *need)
{
	char name[NAME_BYTES];

	if (keg_leaves_has_name(settling->leaves, need))
		return 0;
	while (next_word(&features, name)) {
		int rc = lacks(settling, name, need);

		if (rc)
			return rc;
	}
	return 0;
}

int keg_cpuid_settle(struct keg_leaves *leaves, struct keg_leaves *before,
	const struct keg_x86_feature *asked, size_t asked_count, struct keg_notes *notes)
{
	struct settling settling = {leaves, before, asked, asked_count, notes};
	int rc = 0;

	for (size_t i = 0; !rc && i < DEPENDS; i++)
		rc = settle_row(&settling, depends[i].features, depends[i].need);
	return rc;
}
