/* SPDX-License-Identifier: MIT */
/*
 * What differs between architectures, behind one interface: each function is implemented once in
 * src/arch/x86_64 and once in src/arch/arm64, and the build takes the one that fits. What the layer
 * src/kvm needs of the architecture is declared in kvm/vcpu.h and implemented in the same place.
 */
#ifndef KEG_ARCH_ARCH_H
#define KEG_ARCH_ARCH_H

#include <keg/boot.h>

/* e_machine of ELF images for this architecture, of 32 and of 64 bits; 0 if there are none. */
uint16_t keg_arch_elf_machine(bool is64);

/* The mode that an image of this kind is entered in unless its user says otherwise. */
enum keg_entry_mode keg_arch_default_mode(enum keg_image_kind kind);

/* Whether a vCPU can be put in this mode. */
bool keg_arch_has_mode(enum keg_entry_mode mode);

/* Where memory begins, and where flat images are put unless their user says otherwise. */
keg_gpa keg_arch_memory_start(void);
keg_gpa keg_arch_flat_load_address(void);

/* How many bytes of page tables the entry's mode needs. */
size_t keg_arch_tables_bytes(enum keg_entry_mode mode);

/*
 * Puts into memory what the entry's mode needs there (x86-64's page tables): at entry->page_table,
 * or, if that is 0, outside [entry->low, entry->high), which it widens. -EFAULT there is no room
 */
int keg_arch_prepare_entry(struct keg_mem *mem, struct keg_boot_entry *entry);

/* Puts a vCPU at an entry, in its mode, interrupts off. */
int keg_arch_enter(struct keg_vcpu *vcpu, const struct keg_boot_entry *entry);

/*
 * A model of CPU for `count` vCPUs, made once for a board, which may not outlive `notes`: there is
 * said what was worked around. `text` is NULL for "host". On x86-64:
 *
 *   host        what the hardware and KVM support, but for what lets a guest have guests of its own
 *               (vmx, svm)
 *   max         all that KVM supports, with that and with what it only emulates
 *   ,+f  ,-f    switches one feature, by keg_x86_find_feature()'s names; the last one counts
 *
 * Features that cannot do without one that is switched off are switched off, too, with a note. On
 * arm64 there is "host" only.
 *
 * -EINVAL  `text` names what does not exist, or switches on what needs what is off
 * -ENOTSUP KVM does not support a feature that is switched on;  -ENOMEM
 */
struct keg_cpu_model;
struct keg_notes;
int keg_arch_create_cpu_model(struct keg_host *host, const char *text, uint32_t count,
	struct keg_notes *notes, struct keg_cpu_model **model);
void keg_arch_destroy_cpu_model(struct keg_cpu_model *model);

/*
 * A vCPU as a board starts it, one of the model's, whose id is its place among them; by one thread
 * at a time. `first` runs at once. NULL is a plain "host" alone.
 */
int keg_arch_init_vcpu(struct keg_vcpu *vcpu, bool first, struct keg_cpu_model *model);

/* Where a vCPU is, for messages: its program counter. */
int keg_arch_get_pc(struct keg_vcpu *vcpu, uint64_t *pc);

/*
 * Whether nothing but a reset could wake this vCPU: it is halted with interrupts off, or was never
 * started. 1, 0, or a negative errno.
 */
int keg_arch_is_dead(struct keg_vcpu *vcpu);

/* A loop of two instructions a round, in the guest's kernel mode: for measuring it. */
struct keg_arch_loop {
	const void *code;
	size_t bytes;
};
struct keg_arch_loop keg_arch_counting_loop(void);

/* How many rounds a vCPU has done in that loop, and the loop in this process: `rounds` of it. */
int keg_arch_loop_count(struct keg_vcpu *vcpu, uint64_t *rounds);
void keg_arch_host_loop(uint64_t rounds);

#endif
