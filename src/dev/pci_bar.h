/* SPDX-License-Identifier: MIT */
/* A PCI function's base address registers: for the PCI bus's own files. */
#ifndef KEG_DEV_PCI_BAR_H
#define KEG_DEV_PCI_BAR_H

#include "dev/pci.h"

enum {
	KEG_PCI_BAR_REGISTERS = 0x10, /* the first of them; each has four bytes */
};

/* Checks a function's BARs, without changing anything. -EINVAL */
int keg_pci_check_bars(const struct keg_pci_function *function);

/* Gives each a place in the bus's window, and makes the registers. -ENOSPC */
int keg_pci_place_bars(struct keg_pci_bus *bus, struct keg_pci_function *function);

/* With the bus's lock held: puts every BAR where the registers say, or takes it away. */
void keg_pci_map_bars(struct keg_pci_bus *bus);
void keg_pci_unmap_bars(struct keg_pci_function *function);

#endif
