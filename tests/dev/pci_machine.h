/* SPDX-License-Identifier: MIT */
/* A PCI bus with two functions, for tests of what a guest sees of it. */
#ifndef KEG_TESTS_DEV_PCI_MACHINE_H
#define KEG_TESTS_DEV_PCI_MACHINE_H

#include "pci_rig.h"

enum { BAR0 = 0x10, BAR1 = 0x14, BAR2 = 0x18, BAR3 = 0x1c };

/* They are in slots 1 and 5. */
struct machine {
	struct rig rig;
	struct rig_function a, b;
};

static inline int make_machine(void **state)
{
	struct machine *m = test_calloc(1, sizeof(*m));

	rig_init(&m->rig);
	rig_describe(&m->a);
	rig_describe(&m->b);
	assert_ok(keg_pci_add(&m->rig.pci, &m->a.function, 0));
	assert_ok(keg_pci_add(&m->rig.pci, &m->b.function, 5));
	*state = m;
	return 0;
}

static inline int end_machine(void **state)
{
	struct machine *m = *state;

	rig_fini(&m->rig);
	test_free(m);
	return 0;
}

#endif
