/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: taking one and giving it back, and the same with a mapping in between, with 10
 * others and with all others that KVM allows. The peer of a mapping is KVM's own ioctl.
 */
#include <keg/slot.h>

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine.h"

enum { FEW = 10, ROUND = 1000, PAGE = 4096 };

/* A machine with many slots taken, mapped or not; all lead to the same host page. */
struct crowd {
	struct keg_vm *keg;
	int bare;
	uint32_t count;
	struct keg_slot *slots;
	uint8_t *page;
	uint32_t turn;
};

/* Mapped slots do not touch each other, and leave room in between. */
static keg_gpa place(uint32_t index)
{
	return (keg_gpa)index * 2 * PAGE;
}

/* One of the others, far from the last one. */
static uint32_t next_turn(struct crowd *crowd)
{
	const uint32_t far = 7919;

	crowd->turn = (crowd->turn + far) % crowd->count;
	return crowd->turn;
}

/* Where the next mapping goes: anywhere between the others. */
static keg_gpa next_place(struct crowd *crowd)
{
	return place(next_turn(crowd)) + PAGE;
}

static void bare_map(struct crowd *crowd, uint32_t number, keg_gpa gpa, uint64_t bytes)
{
	const struct kvm_userspace_memory_region region = {
		.slot = number,
		.guest_phys_addr = gpa,
		.memory_size = bytes,
		.userspace_addr = (uintptr_t)crowd->page,
	};

	BARE_IOCTL(crowd->bare, KVM_SET_USER_MEMORY_REGION, &region);
}

static void crowd_create(struct bench *bench, uint32_t count, bool mapped, struct crowd *crowd)
{
	*crowd = (struct crowd){.count = count};
	bench_need(keg_vm_create(bench->host, NULL, &crowd->keg));
	crowd->slots = reallocarray(NULL, count, sizeof(*crowd->slots));
	crowd->page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!crowd->slots || crowd->page == MAP_FAILED)
		bench_die("no memory for %u slots", count);
	crowd->bare = mapped ? BARE_IOCTL(bench->bare.fd, KVM_CREATE_VM, 0) : -1;
	for (uint32_t i = 0; i < count; i++) {
		bench_need(keg_slot_alloc(crowd->keg, PAGE, &crowd->slots[i]));
		if (!mapped)
			continue;
		bench_need(keg_slot_map(crowd->keg, crowd->slots[i], crowd->page, place(i), 0));
		bare_map(crowd, i, place(i), PAGE);
	}
}

static void crowd_destroy(struct crowd *crowd)
{
	keg_vm_destroy(crowd->keg);
	if (crowd->bare >= 0)
		close(crowd->bare);
	munmap(crowd->page, PAGE);
	free(crowd->slots);
}

static double take_and_give(void *context)
{
	struct crowd *crowd = context;
	uint64_t began = bench_now();

	for (int i = 0; i < ROUND; i++) {
		struct keg_slot slot;

		bench_need(keg_slot_alloc(crowd->keg, PAGE, &slot));
		bench_need(keg_slot_free(crowd->keg, slot));
	}
	return (double)(bench_now() - began) / ROUND;
}

/* Any of those that are taken: what it adds is the processor's caches. */
static double give_and_take(void *context)
{
	struct crowd *crowd = context;
	uint64_t began = bench_now();

	for (int i = 0; i < ROUND; i++) {
		struct keg_slot *slot = &crowd->slots[next_turn(crowd)];

		bench_need(keg_slot_free(crowd->keg, *slot));
		bench_need(keg_slot_alloc(crowd->keg, PAGE, slot));
	}
	return (double)(bench_now() - began) / ROUND;
}

static double map_by_keg(void *context)
{
	struct crowd *crowd = context;
	keg_gpa gpa = next_place(crowd);
	uint64_t began = bench_now();
	struct keg_slot slot;

	bench_need(keg_slot_alloc(crowd->keg, PAGE, &slot));
	bench_need(keg_slot_map(crowd->keg, slot, crowd->page, gpa, 0));
	bench_need(keg_slot_free(crowd->keg, slot));
	return (double)(bench_now() - began) / 1000;
}

static double map_by_ioctl(void *context)
{
	struct crowd *crowd = context;
	keg_gpa gpa = next_place(crowd);
	uint64_t began = bench_now();

	bare_map(crowd, crowd->count, gpa, PAGE);
	bare_map(crowd, crowd->count, gpa, 0);
	return (double)(bench_now() - began) / 1000;
}

static void compare_taking(struct bench *bench, uint32_t limit)
{
	struct bench_row row = {
		.what = "take and give back a slot, all others taken",
		.peer_name = "... 10 others taken",
		.unit = "ns",
		.unit_digits = 1,
		.floor = BENCH_AT_MOST,
		.limit = 1.1,
	};
	struct bench_row any = {
		.what = "... any one, which is in no cache",
		.peer_name = "... 10 others taken",
		.unit = "ns",
		.unit_digits = 1,
	};
	struct crowd few, many;
	const struct bench_arm arms[] = {
		{take_and_give, &many, &row.keg},
		{take_and_give, &few, &row.peer},
		{give_and_take, &many, &any.keg},
		{give_and_take, &few, &any.peer},
	};

	crowd_create(bench, FEW, false, &few);
	crowd_create(bench, limit - 1, false, &many);
	bench_take_turns(arms, 4, 2, bench_rounds(bench, 200));
	crowd_destroy(&many);
	crowd_destroy(&few);
	bench_add(bench, &row);
	bench_add(bench, &any);
}

static void compare_mapping(struct bench *bench, uint32_t others, const char *what)
{
	struct bench_row row = {
		.what = what, .peer_name = "bare ioctls", .unit = "us", .unit_digits = 1};
	struct crowd crowd;
	const struct bench_arm arms[] = {
		{map_by_keg, &crowd, &row.keg},
		{map_by_ioctl, &crowd, &row.peer},
	};

	crowd_create(bench, others, true, &crowd);
	bench_take_turns(arms, 2, 2, bench_rounds(bench, 400));
	crowd_destroy(&crowd);
	bench_add(bench, &row);
}

void bench_slots(struct bench *bench)
{
	const uint32_t quickly = 100;
	uint32_t limit = (uint32_t)keg_host_memory_slot_count(bench->host);

	compare_taking(bench, bench->quick ? quickly : limit);
	compare_mapping(bench, FEW, "... and map it, 10 others mapped");
	compare_mapping(bench, bench->quick ? quickly : limit - 1,
		bench->quick ? "... and map it, 100 others mapped"
			     : "... and map it, all others mapped");
}
