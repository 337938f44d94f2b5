/* SPDX-License-Identifier: MIT */
/* Regions of every kind, slots, and dirty logs. */
#include "arch/arch.h"
#include "fault/fault.h"

static keg_gpa at(unsigned int megabytes)
{
	return keg_arch_memory_start() + (keg_gpa)megabytes * (1 << 20);
}

static int add(struct rig *rig, int index, struct keg_region_config config)
{
	config.size = sizeof(config);
	return keg_mem_add(rig->mem, &config, &rig->regions[index]);
}

static int add_anonymous(struct rig *rig)
{
	return add(rig, 0, (struct keg_region_config){.gpa = at(0), .bytes = RIG_RAM});
}

static int add_thp(struct rig *rig)
{
	return add(rig, 1,
		(struct keg_region_config){
			.gpa = at(1), .bytes = 3 << 20, .flags = KEG_REGION_THP, .name = "thp"});
}

static int add_memfd(struct rig *rig)
{
	return add(rig, 2,
		(struct keg_region_config){.gpa = at(8),
			.bytes = RIG_RAM,
			.backing = KEG_BACKING_MEMFD,
			.flags = KEG_REGION_LOG_DIRTY,
			.name = "memfd"});
}

static int add_file(struct rig *rig)
{
	return add(rig, 3,
		(struct keg_region_config){.gpa = at(9),
			.bytes = RIG_PAGE,
			.backing = KEG_BACKING_FILE,
			.flags = KEG_REGION_READONLY,
			.fd = rig->file,
			.offset = RIG_PAGE,
			.name = "file"});
}

static int add_private_file(struct rig *rig)
{
	return add(rig, 4,
		(struct keg_region_config){.gpa = at(10),
			.bytes = RIG_RAM,
			.backing = KEG_BACKING_FILE,
			.flags = KEG_REGION_PRIVATE,
			.fd = rig->file,
			.name = "copy"});
}

static int add_caller(struct rig *rig)
{
	return add(rig, 5,
		(struct keg_region_config){.gpa = at(11),
			.bytes = RIG_PAGE,
			.backing = KEG_BACKING_CALLER,
			.host = rig->memory,
			.name = "caller"});
}

static int add_hole(struct rig *rig)
{
	return add(rig, 6,
		(struct keg_region_config){
			.gpa = at(12), .bytes = RIG_RAM, .backing = KEG_BACKING_NONE});
}

static int add_later(struct rig *rig)
{
	return add(rig, 7, (struct keg_region_config){.gpa = at(14), .bytes = RIG_RAM});
}

/* As many as make the map's arrays grow. */
static int add_many(struct rig *rig)
{
	int rc = 0;

	while (!rc && rig->words[0] < 8) {
		rc = keg_mem_add_ram(rig->mem, at(16) + rig->words[0] * 2 * RIG_PAGE, RIG_PAGE);
		if (!rc)
			rig->words[0]++;
	}
	return rc;
}

static int replace(struct rig *rig)
{
	return keg_region_replace(rig->regions[0], rig->memory);
}

static int start(struct rig *rig)
{
	return keg_vm_start(rig->vm);
}

static int remove_live(struct rig *rig)
{
	return keg_mem_remove(rig->mem, rig->regions[7]);
}

static int write_all(struct rig *rig)
{
	return keg_mem_fill(rig->mem, at(0), 1, 4 << 20);
}

static int read_dirty(struct rig *rig)
{
	return keg_slot_get_dirty(rig->vm, keg_region_slot(rig->regions[2]), rig->words, 64);
}

/* A machine has one map. */
static int create_another_mem(struct rig *rig)
{
	struct keg_mem *mem;

	return rig_expect(keg_mem_create(rig->vm, &mem), EEXIST);
}

static const struct fault_step region_steps[] = {
	FAULT_STEP("open", rig_open_host, 0),
	FAULT_STEP("machine", rig_create_vm, 0),
	FAULT_STEP("map", rig_create_mem, 0),
	FAULT_STEP("another map", create_another_mem, 0),
	FAULT_STEP("anonymous", add_anonymous, 0),
	FAULT_STEP("thp", add_thp, 0),
	FAULT_STEP("memfd", add_memfd, 0),
	FAULT_STEP("file", add_file, 0),
	FAULT_STEP("private file", add_private_file, 0),
	FAULT_STEP("caller's", add_caller, 0),
	FAULT_STEP("hole", add_hole, 0),
	FAULT_STEP("many", add_many, 0),
	FAULT_STEP("replace", replace, 0),
	FAULT_STEP("start", start, 0),
	FAULT_STEP("later", add_later, 0),
	FAULT_STEP("write", write_all, 0),
	FAULT_STEP("dirty log", read_dirty, 0),
	FAULT_STEP("remove", remove_live, 0),
};

/* Huge pages of the pool: where it is empty, a refusal, which leaves nothing either. */
static int huge(struct rig *rig, enum keg_backing backing, uint32_t flags, uint64_t bytes)
{
	int rc = add(rig, 0,
		(struct keg_region_config){
			.gpa = 4ULL << 30, .bytes = bytes, .backing = backing, .flags = flags});

	return rc == -ENOMEM ? 0 : rc;
}

static int add_huge(struct rig *rig)
{
	return huge(rig, KEG_BACKING_ANONYMOUS, KEG_REGION_HUGE_2M, 2 << 20);
}

static int add_huge_memfd(struct rig *rig)
{
	return huge(rig, KEG_BACKING_MEMFD, KEG_REGION_HUGE_1G, 1 << 30);
}

static const struct fault_step huge_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("map", rig_create_mem, FAULT_SETUP),
	FAULT_STEP("2 MiB", add_huge, FAULT_FORGIVING),
	FAULT_STEP("1 GiB", add_huge_memfd, FAULT_FORGIVING),
};

/* ---- Slots ---- */

static int alloc_slot(struct rig *rig)
{
	return keg_slot_alloc(rig->vm, RIG_RAM, &rig->slot);
}

static int map_slot(struct rig *rig)
{
	return keg_slot_map(rig->vm, rig->slot, rig->memory, at(0), 0);
}

static int log_slot(struct rig *rig)
{
	return keg_slot_map(rig->vm, rig->slot, rig->memory, at(0), KVM_MEM_LOG_DIRTY_PAGES);
}

static int move_slot(struct rig *rig)
{
	return keg_slot_map(rig->vm, rig->slot, rig->memory, at(4), KVM_MEM_LOG_DIRTY_PAGES);
}

static int protect_manually(struct rig *rig)
{
	return keg_vm_manual_dirty_protect(rig->vm);
}

static int get_dirty(struct rig *rig)
{
	return keg_slot_get_dirty(rig->vm, rig->slot, rig->words, 64);
}

static int clear_dirty(struct rig *rig)
{
	return keg_slot_clear_dirty(rig->vm, rig->slot, rig->words, 0, 64);
}

static int unmap_slot(struct rig *rig)
{
	return keg_slot_unmap(rig->vm, rig->slot);
}

static int free_slot(struct rig *rig)
{
	return keg_slot_free(rig->vm, rig->slot);
}

static const struct fault_step slot_steps[] = {
	FAULT_STEP("open", rig_open_host, FAULT_SETUP),
	FAULT_STEP("machine", rig_create_vm, FAULT_SETUP),
	FAULT_STEP("manual protection", protect_manually, FAULT_OPTIONAL),
	FAULT_STEP("alloc", alloc_slot, 0),
	FAULT_STEP("map", map_slot, 0),
	FAULT_STEP("log", log_slot, 0),
	FAULT_STEP("move", move_slot, 0),
	FAULT_STEP("get dirty", get_dirty, 0),
	FAULT_STEP_FOR("clear dirty", clear_dirty, FAULT_OPTIONAL, "CLEAR_DIRTY_LOG"),
	FAULT_STEP("unmap", unmap_slot, 0),
	FAULT_STEP("map again", map_slot, 0),
	FAULT_STEP("free", free_slot, 0),
};

static const struct fault_scenario scenarios[] = {
	FAULT_SCENARIO("regions", region_steps),
	FAULT_SCENARIO("huge-pages", huge_steps),
	FAULT_SCENARIO("slots", slot_steps),
};

const struct fault_suite fault_memory = {scenarios, sizeof(scenarios) / sizeof(scenarios[0])};
