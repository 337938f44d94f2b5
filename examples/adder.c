/* SPDX-License-Identifier: MIT */
/* Serves a guest's port through a bus, until another thread stops the guest. */
#include <keg/keg.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* 1: inc %al; out %al, $0x42; jmp 1b */
static const uint8_t guest[] = {0xfe, 0xc0, 0xe6, 0x42, 0xeb, 0xfa};

/* The device: adds up what the guest writes. */
static void add(void *device, uint64_t at, uint64_t value, uint32_t bytes)
{
	uint64_t *sum = device;

	(void)at;
	(void)bytes;
	*sum += value;
}

static void *stop_soon(void *vcpu)
{
	sleep(1);
	keg_vcpu_kick(vcpu);
	return NULL;
}

static void check(int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "adder: %s\n", keg_error_message());
	exit(EXIT_FAILURE);
}

static void load(struct keg_mem *mem, struct keg_vcpu *vcpu)
{
	const struct keg_boot_config config = {
		sizeof(config),
		.image = guest,
		.image_bytes = sizeof(guest),
	};
	struct keg_boot_entry entry;

	check(keg_boot_load(mem, &config, &entry));
	check(keg_boot_enter(vcpu, &entry));
}

static void run(struct keg_vcpu *vcpu, struct keg_bus *ports)
{
	struct keg_exit why;
	char words[128];
	int served;

	do {
		check(keg_vcpu_run(vcpu, &why));
		served = keg_bus_handle(ports, NULL, &why);
	} while (served || why.reason == KEG_EXIT_INTR);
	keg_exit_describe(&why, words, sizeof(words));
	printf("the guest left: %s\n", words);
}

int main(void)
{
	const struct keg_bus_ops ops = {.write = add};
	uint64_t sum = 0;
	const struct keg_bus_region adder = {"adder", 0x42, 1, &ops, &sum};
	const struct keg_vm_config config = {
		sizeof(config),
		.kick_signal = SIGRTMIN,
	};
	struct keg_host *host;
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_vcpu *vcpu;
	struct keg_bus *ports;
	pthread_t stopper;

	check(keg_kick_install(SIGRTMIN));
	check(keg_host_create(NULL, &host));
	check(keg_vm_create(host, &config, &vm));
	check(keg_mem_create(vm, &mem));
	check(keg_mem_add_ram(mem, 0, 2 << 20));
	check(keg_vcpu_create(vm, NULL, &vcpu));
	load(mem, vcpu);
	check(keg_bus_create("port", &ports));
	check(keg_bus_add(ports, &adder));
	if (pthread_create(&stopper, NULL, stop_soon, vcpu))
		return EXIT_FAILURE;
	run(vcpu, ports);
	pthread_join(stopper, NULL);
	printf("its sum is %llu\n", (unsigned long long)sum);
	keg_bus_destroy(ports);
	keg_vcpu_destroy(vcpu);
	keg_mem_destroy(mem);
	keg_vm_destroy(vm);
	keg_host_destroy(host);
	return 0;
}
