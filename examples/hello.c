/* SPDX-License-Identifier: MIT */
/* Boots a guest of 33 bytes, which writes a line to its serial port and halts. */
#include <keg/keg.h>
#include <stdio.h>

/* mov $0x3f8, %dx; lea text(%rip), %rsi; mov $14, %ecx; rep outsb; hlt; text: */
static const char guest[] = "\x66\xba\xf8\x03\x48\x8d\x35\x08\0\0\0\xb9\x0e\0\0\0\xf3\x6e\xf4"
			    "Hello, world!\n";

int main(void)
{
	struct keg_boot_config boot = {sizeof(boot), .image = guest, .image_bytes = sizeof(guest)};
	struct keg_boot_entry entry;
	struct keg_host *host;
	struct keg_vm *vm;
	struct keg_mem *mem;
	struct keg_vcpu *vcpu;
	struct keg_exit exit;

	if (keg_host_create(NULL, &host) || keg_vm_create(host, NULL, &vm) ||
		keg_mem_create(vm, &mem) || keg_mem_add_ram(mem, 0, 2 << 20) ||
		keg_boot_load(mem, &boot, &entry) || keg_vcpu_create(vm, NULL, &vcpu) ||
		keg_boot_enter(vcpu, &entry))
		return fprintf(stderr, "hello: %s\n", keg_error_message());
	while (!keg_vcpu_run(vcpu, &exit) && exit.reason == KEG_EXIT_IO)
		fwrite(exit.io.data, exit.io.bytes, exit.io.count, stdout);
	keg_vcpu_destroy(vcpu);
	keg_mem_destroy(mem);
	keg_vm_destroy(vm);
	keg_host_destroy(host);
	return 0;
}
