/* SPDX-License-Identifier: MIT */
/* A machine for tests. */
#include "machine.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "arch/arch.h"
#include "testing.h"

int machine_kick_signal(void)
{
	return SIGRTMIN;
}

void machine_open(struct machine *machine, const struct keg_vm_config *config)
{
	const struct keg_vm_config plain = {
		.size = sizeof(plain), .kick_signal = machine_kick_signal()};

	*machine = (struct machine){.memory = keg_arch_memory_start()};
	assert_ok(keg_kick_install(machine_kick_signal()));
	assert_ok(keg_host_create(NULL, &machine->host));
	assert_ok(keg_vm_create(machine->host, config ? config : &plain, &machine->vm));
	assert_ok(keg_mem_create(machine->vm, &machine->mem));
}

void machine_load(struct machine *machine, struct guest_code code)
{
	assert_ok(keg_mem_add_ram(machine->mem, machine->memory, MACHINE_BYTES));
	assert_ok(
		keg_mem_write(machine->mem, machine->memory + MACHINE_CODE, code.bytes, code.size));
}

struct keg_vcpu *machine_add_vcpu(struct machine *machine)
{
	const struct keg_boot_entry entry = {
		.kind = KEG_IMAGE_ELF32,
		.mode = keg_arch_default_mode(KEG_IMAGE_ELF32),
		.pc = machine->memory + MACHINE_CODE,
	};
	struct keg_vcpu *vcpu;

	assert_ok(keg_vcpu_create(machine->vm, NULL, &vcpu));
	assert_ok(keg_arch_init_vcpu(vcpu, true, NULL));
	assert_ok(keg_arch_enter(vcpu, &entry));
	if (!machine->vcpu)
		machine->vcpu = vcpu;
	return vcpu;
}

void machine_start(struct machine *machine, struct guest_code code)
{
	machine_open(machine, NULL);
	machine_load(machine, code);
	machine_add_vcpu(machine);
}

void machine_close(struct machine *machine)
{
	keg_vcpu_destroy(machine->vcpu);
	keg_mem_destroy(machine->mem);
	keg_vm_destroy(machine->vm);
	keg_host_destroy(machine->host);
}

bool allow_descriptors(unsigned int count)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = (rlim_t)open_descriptors() + count;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

int open_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}
