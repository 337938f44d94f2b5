/* SPDX-License-Identifier: MIT */
/* A board's making and end. */
#include "board/board.h"

#include <stdlib.h>
#include <time.h>

#include "arch/arch.h"
#include "base/error.h"
#include "board/platform.h"
#include "board/unclaimed.h"
#include "board/virtio.h"
#include "kvm/host.h"

enum { DEFAULT_MEMORY = 256 << 20 };

uint64_t keg_board_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int check_devices(const struct keg_board_config *config)
{
	const uint32_t known = KEG_BOARD_MMIO | KEG_BOARD_SPLIT_IRQCHIP | KEG_BOARD_TEST_DEVICES |
			       KEG_BOARD_NO_ENTROPY | KEG_BOARD_LIST_UNCLAIMED;

	if (config->flags & ~known)
		return keg_fail(EINVAL, "struct keg_board_config: flags 0x%x are unknown",
			config->flags & ~known);
	if ((config->disk_count && !config->disks) || (config->net_count && !config->nets) ||
		(config->port_count && !config->ports))
		return keg_fail(EINVAL,
			"struct keg_board_config: a count of disks, nets or ports, and no list");
	return 0;
}

static int check_config(struct keg_board *board, const struct keg_board_config *given)
{
	struct keg_board_config *config = &board->config;
	int most = keg_host_vcpu_limit(board->host);
	int rc = keg_config_copy(
		config, sizeof(*config), given, given ? given->size : 0, "struct keg_board_config");

	if (rc)
		return rc;
	if (most < 0)
		return most;
	if (!config->memory_bytes)
		config->memory_bytes = DEFAULT_MEMORY;
	if (!config->cpus)
		config->cpus = 1;
	if (config->cpus > (uint32_t)most)
		return keg_fail(
			EINVAL, "a board of %u vCPUs: this KVM allows %d", config->cpus, most);
	if (!config->kick_signal)
		return keg_fail(EINVAL, "a board needs a kick signal: see keg_kick_install()");
	if (!config->boot)
		return keg_fail(EINVAL, "a board needs an image: struct keg_board_config, boot");
	return check_devices(config);
}

/* The image hears of the machine from tables that the platform writes beforehand. */
static int load_image(struct keg_board *board)
{
	uint64_t began = keg_board_now();
	struct keg_boot_config boot;
	int rc = keg_config_copy(&boot, sizeof(boot), board->config.boot, board->config.boot->size,
		"struct keg_boot_config");

	if (!rc)
		rc = keg_platform_describe(board, &boot);
	if (!rc)
		rc = keg_boot_load(board->mem, &boot, &board->entry);
	board->load_ns = keg_board_now() - began;
	return rc;
}

static int create_machine(struct keg_board *board)
{
	const struct keg_vm_config config = {
		.size = sizeof(config), .kick_signal = board->config.kick_signal};
	int rc = keg_vm_create(board->host, &config, &board->vm);

	if (!rc)
		rc = keg_mem_create(board->vm, &board->mem);
	if (!rc)
		rc = keg_bus_create("port", &board->ports);
	if (!rc)
		rc = keg_bus_create("memory", &board->memory);
	if (!rc)
		rc = keg_board_unclaimed_begin(board);
	if (!rc)
		rc = keg_platform_create(board);
	if (!rc)
		rc = keg_board_virtios_create(board);
	return rc ? rc : load_image(board);
}

static int create_cpu(struct keg_board *board, uint32_t index, struct keg_cpu_model *model)
{
	/* By its id it is known to the tables, and vCPU 0 to KVM as the one that begins. */
	const struct keg_vcpu_config config = {
		.size = sizeof(config), .flags = KEG_VCPU_WITH_ID, .id = index};
	struct board_cpu *cpu = &board->cpus[index];
	int rc = keg_vcpu_create(board->vm, &config, &cpu->vcpu);

	if (rc)
		return rc;
	cpu->board = board;
	board->cpu_count++;
	return keg_arch_init_vcpu(cpu->vcpu, index == 0, model);
}

static int create_cpus(struct keg_board *board)
{
	const struct keg_board_config *config = &board->config;
	struct keg_cpu_model *model;
	int rc;

	board->cpus = calloc(board->config.cpus, sizeof(*board->cpus));
	if (!board->cpus)
		return keg_fail_errno(ENOMEM, "making %u vCPUs", board->config.cpus);
	rc = keg_arch_create_cpu_model(
		board->host, config->cpu_model, config->cpus, &board->notes, &model);
	if (rc)
		return rc;
	for (uint32_t i = 0; !rc && i < config->cpus; i++)
		rc = create_cpu(board, i, model);
	keg_arch_destroy_cpu_model(model);
	if (!rc)
		rc = keg_platform_finish(board);
	return rc ? rc : keg_boot_enter(board->cpus[0].vcpu, &board->entry);
}

/* A condition whose deadlines are of the clock that nobody sets. */
static int init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t monotonic;
	int rc = pthread_condattr_init(&monotonic);

	if (rc)
		return rc;
	rc = pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (!rc)
		rc = pthread_cond_init(condition, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return rc;
}

/* The lock and the condition. */
static int init_lock(struct keg_board *board)
{
	int rc = pthread_mutex_init(&board->lock, NULL);

	if (rc)
		return keg_fail_errno(rc, "making a lock");
	rc = init_condition(&board->changed);
	if (rc) {
		pthread_mutex_destroy(&board->lock);
		return keg_fail_errno(rc, "making a condition");
	}
	return 0;
}

/* Made first, so that the rest can count on it. */
static int init(struct keg_board *board)
{
	int rc = keg_notes_init(&board->notes);

	if (rc)
		return rc;
	rc = init_lock(board);
	if (rc)
		keg_notes_fini(&board->notes);
	return rc;
}

int keg_board_create(
	struct keg_host *host, const struct keg_board_config *config, struct keg_board **result)
{
	uint64_t began = keg_board_now();
	struct keg_board *board;
	int rc;

	*result = NULL;
	board = calloc(1, sizeof(*board));
	if (!board)
		return keg_fail_errno(ENOMEM, "making a board");
	board->host = host;
	rc = check_config(board, config);
	if (!rc)
		rc = init(board);
	if (rc) {
		free(board);
		return rc;
	}
	rc = create_machine(board);
	if (!rc)
		rc = create_cpus(board);
	if (rc) {
		keg_board_destroy(board);
		return rc;
	}
	/* What was borrowed for the call is forgotten. */
	board->config.boot = NULL;
	board->config.disks = NULL;
	board->config.nets = NULL;
	board->config.ports = NULL;
	board->config.cpu_model = NULL;
	board->create_ns = keg_board_now() - began;
	*result = board;
	return 0;
}

void keg_board_destroy(struct keg_board *board)
{
	if (!board)
		return;
	for (uint32_t i = 0; i < board->cpu_count; i++)
		keg_vcpu_destroy(board->cpus[i].vcpu);
	free(board->cpus);
	/* Before the platform, which they are attached to, and memory, which they use. */
	keg_board_virtios_destroy(board);
	keg_platform_destroy(board);
	keg_board_unclaimed_end(board);
	keg_bus_destroy(board->memory);
	keg_bus_destroy(board->ports);
	keg_mem_destroy(board->mem);
	keg_vm_destroy(board->vm);
	pthread_cond_destroy(&board->changed);
	pthread_mutex_destroy(&board->lock);
	keg_notes_fini(&board->notes);
	free(board);
}

const char *keg_board_note(const struct keg_board *board, size_t index)
{
	/* The list has a lock, which reading it takes. */
	return keg_notes_get(&((struct keg_board *)(uintptr_t)board)->notes, index);
}

size_t keg_board_console_input(struct keg_board *board, const void *bytes, size_t count)
{
	return keg_platform_console_input(board, bytes, count);
}
