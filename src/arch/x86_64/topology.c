/* SPDX-License-Identifier: MIT */
/*
 * One package, so many cores, one thread each. Intel's leaves 1, 4, 0xb and 0x1f (SDM volume 2A,
 * "CPUID"; volume 3A, "Detecting Hardware Multi-Threading Support and Topology"), AMD's 1, 0xb and
 * 0x80000001, -8, -1d and -1e (APM volume 3, appendix E). An APIC id is a vCPU's number.
 */
#include "arch/x86_64/topology.h"

static uint32_t least_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Replaces `width` bits from `shift` on. */
static uint32_t put_bits(uint32_t value, unsigned int shift, unsigned int width, uint32_t bits)
{
	uint32_t mask = (1U << width) - 1;

	return (value & ~(mask << shift)) | (bits & mask) << shift;
}

/* How many bits number so many things. */
static uint32_t bits_for(uint32_t count)
{
	uint32_t bits = 0;

	while (bits < 31 && 1U << bits < count)
		bits++;
	return bits;
}

/* Leaf 1: how many APIC ids the package may have (AMD: threads it has), and HTT for more than one.
 */
static void set_leaf_1(struct keg_leaves *leaves, uint32_t count)
{
	enum { IDS_SHIFT = 16, HTT = 1 << 28 };
	struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, 1, 0);
	uint32_t ids = keg_leaves_is_amd(leaves) ? count : 1U << bits_for(count);

	if (!leaf)
		return;
	leaf->ebx = put_bits(leaf->ebx, IDS_SHIFT, 8, least_u32(ids, 255));
	leaf->edx = count > 1 ? leaf->edx | HTT : leaf->edx & ~(uint32_t)HTT;
}

/* A cache belongs to one core, the last level to all. */
static bool is_shared(const struct kvm_cpuid_entry2 *cache)
{
	enum { LEVEL_SHIFT = 5, LEVEL_MASK = 7, LAST_LEVEL = 3 };

	return (cache->eax >> LEVEL_SHIFT & LEVEL_MASK) >= LAST_LEVEL;
}

/*
 * Intel's leaf 4 and AMD's 0x8000001d describe a cache in each subleaf until its type is 0. Both
 * have how many share it, less 1; Intel's also has the package's cores.
 */
static void set_caches(struct keg_leaves *leaves, uint32_t function, uint32_t count)
{
	enum { TYPE_MASK = 0x1f, SHARING_SHIFT = 14, CORES_SHIFT = 26, MOST_CORES = 64 };
	uint32_t ids = 1U << bits_for(count);

	for (size_t i = 0; i < leaves->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];

		if (leaf->function != function || !(leaf->eax & TYPE_MASK))
			continue;
		leaf->eax = put_bits(leaf->eax, SHARING_SHIFT, 12,
			is_shared(leaf) ? least_u32(ids, 4096) - 1 : 0);
		if (function == 4)
			leaf->eax =
				put_bits(leaf->eax, CORES_SHIFT, 6, least_u32(ids, MOST_CORES) - 1);
	}
}

/* Leaves 0xb and 0x1f: threads, then cores, then nothing. */
static void set_levels(struct keg_leaves *leaves, uint32_t function, uint32_t count)
{
	enum { TYPE_SHIFT = 8, THREADS = 1, CORES = 2 };
	const struct {
		uint32_t shift, count, type;
	} levels[] = {{0, 1, THREADS}, {bits_for(count), count, CORES}, {0, 0, 0}};

	if (keg_leaves_highest(leaves, 0) < function)
		return;
	keg_leaves_drop(leaves, function, 0);
	for (uint32_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		struct kvm_cpuid_entry2 *leaf = keg_leaves_need(leaves, function, i, true);

		if (!leaf)
			return;
		leaf->eax = levels[i].shift;
		leaf->ebx = least_u32(levels[i].count, 0xffff);
		leaf->ecx = i | levels[i].type << TYPE_SHIFT;
	}
}

/*
 * AMD's extended topology goes with its list of caches: without one the other is of no use, and a
 * guest that has found the feature looks for both.
 */
static void set_amd_extended(struct keg_leaves *leaves, uint32_t count)
{
	enum { TYPE_MASK = 0x1f };
	const struct kvm_cpuid_entry2 *caches = keg_leaves_find(leaves, 0x8000001d, 0);

	if (keg_leaves_highest(leaves, 0x80000000) < 0x8000001e || !caches ||
		!(caches->eax & TYPE_MASK))
		keg_leaves_switch_name(leaves, "topoext", false);
	if (!keg_leaves_has_name(leaves, "topoext")) {
		keg_leaves_drop(leaves, 0x8000001d, 0);
		keg_leaves_drop(leaves, 0x8000001e, 0);
		return;
	}
	set_caches(leaves, 0x8000001d, count);
	keg_leaves_drop(leaves, 0x8000001e, 0);
	keg_leaves_need(leaves, 0x8000001e, 0, false); /* one thread a core, one node */
}

static void set_amd(struct keg_leaves *leaves, uint32_t count)
{
	enum { ID_SIZE_SHIFT = 12 };
	struct kvm_cpuid_entry2 *leaf = keg_leaves_find(leaves, 0x80000008, 0);

	if (leaf) {
		leaf->ecx = put_bits(leaf->ecx, 0, 8, least_u32(count, 256) - 1);
		leaf->ecx = put_bits(leaf->ecx, ID_SIZE_SHIFT, 4, bits_for(count));
	}
	/* With HTT it says that what shares a package are cores, not threads. */
	if (keg_leaves_find(leaves, 0x80000001, 0))
		keg_leaves_switch_name(leaves, "cmp_legacy", count > 1);
	set_amd_extended(leaves, count);
	/* Extended topology in another form, the host's. */
	keg_leaves_drop(leaves, 0x80000026, 0);
}

void keg_topology_set(struct keg_leaves *leaves, uint32_t count)
{
	set_leaf_1(leaves, count);
	set_levels(leaves, 0xb, count);
	set_levels(leaves, 0x1f, count);
	if (keg_leaves_is_amd(leaves))
		set_amd(leaves, count);
	else
		set_caches(leaves, 4, count);
}

void keg_topology_set_id(struct keg_leaves *leaves, uint32_t id)
{
	enum { ID_SHIFT = 24 };

	for (size_t i = 0; i < leaves->count; i++) {
		struct kvm_cpuid_entry2 *leaf = &leaves->entries[i];

		switch (leaf->function) {
		case 1:
			leaf->ebx = put_bits(leaf->ebx, ID_SHIFT, 8, id);
			break;
		case 0xb:
		case 0x1f:
			leaf->edx = id;
			break;
		case 0x8000001e:
			leaf->eax = id;
			leaf->ebx = put_bits(leaf->ebx, 0, 8, id);
			break;
		default:
			break;
		}
	}
}
